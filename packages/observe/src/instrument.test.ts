import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import { beforeEach, describe, expect, it } from 'vitest'
import { instrument } from './instrument.ts'
import { callSeries } from './testing/readings.ts'
import { withMetrics } from './with-metrics.ts'

let metrics: Metrics
beforeEach(() => {
  metrics = createMetrics()
})

function counted(): Record<string, number> {
  return Object.fromEntries(callSeries(metrics).map(({ labels, value }) => [labels['function'], value]))
}

const made = Symbol('made')

function classes() {
  class Base {
    ping(): string {
      return 'pong'
    }
    inherited(): string {
      return this.ping()
    }
  }
  class Orders extends Base {
    readonly #secret = 42
    readonly handler = (): number => this.#secret
    get expensive(): number {
      throw new Error('a getter was invoked')
    }
    find(id: string): string {
      return `${id}:${this.#secret}`
    }
    async save(): Promise<number> {
      return this.#hidden()
    }
    [made](): string {
      return 'symbol'
    }
    override ping(): string {
      return `my ${super.ping()}`
    }
    #hidden(): number {
      return this.#secret
    }
    static create(): Orders {
      return new Orders()
    }
  }
  return { Base, Orders }
}

describe('a class', () => {
  it('has the methods of its instances observed, and nothing else', async () => {
    const { Base, Orders } = classes()
    const before = Object.getOwnPropertyDescriptors(Orders.prototype)
    expect(instrument(Orders, { metrics })).toBe(Orders)
    const orders = Orders.create()
    expect(orders.find('a')).toBe('a:42')
    expect(await orders.save()).toBe(42)
    expect([orders.handler(), orders[made](), orders.inherited(), new Base().ping()]).toEqual([
      42,
      'symbol',
      'my pong',
      'pong',
    ])
    expect(counted()).toEqual({ 'Orders.find': 1, 'Orders.save': 1, 'Orders.ping': 1 })
    const after = Object.getOwnPropertyDescriptors(Orders.prototype)
    for (const key of ['constructor', 'expensive', made] as const) expect(after[key]).toEqual(before[key])
    expect(after.find).toMatchObject({ enumerable: false, writable: true, configurable: true })
    expect([orders.find.name, orders.find.length]).toEqual(['find', 1])
  })

  it('may be given as its prototype', () => {
    const { Orders } = classes()
    expect(instrument(Orders.prototype, { metrics, prefix: 'db' })).toBe(Orders.prototype)
    new Orders().find('a')
    expect(counted()).toEqual({ 'db.find': 1 })
  })

  it('and its superclass may both be, and each again', () => {
    const { Base, Orders } = classes()
    for (const one of [Base, Orders, Base, Orders, Orders.prototype]) instrument(one, { metrics })
    new Orders().inherited()
    expect(counted()).toEqual({ 'Base.inherited': 1, 'Base.ping': 1, 'Orders.ping': 1 })
  })
})

describe('an object', () => {
  it('has its own methods observed, and those that it inherits from classes, on itself alone', () => {
    const { Orders } = classes()
    const [orders, other] = [new Orders(), new Orders()]
    expect(instrument(orders, { metrics })).toBe(orders)
    expect([orders.find('a'), orders.inherited(), orders.handler(), other.find('b')]).toEqual([
      'a:42',
      'my pong',
      42,
      'b:42',
    ])
    expect(counted()).toEqual({
      'Orders.find': 1,
      'Orders.inherited': 1,
      'Orders.ping': 1,
      'Orders.handler': 1,
    })
    expect(Object.keys(orders)).toEqual(['handler'])
  })

  it('that is plain has no prefix of its own', () => {
    const api = instrument(
      { base: 2, double: (n: number) => n * 2, nested: { fn: () => 1 }, Type: Error },
      { metrics },
    )
    expect(api.double(2)).toBe(4)
    expect(new api.Type('x').message).toBe('x')
    api.nested.fn()
    expect(counted()).toEqual({ double: 1 })
    const bare = instrument(Object.assign(Object.create(null), { f: () => 1 }) as { f(): number }, {
      metrics,
      prefix: 'x',
    })
    bare.f()
    expect(counted()).toEqual({ double: 1, 'x.f': 1 })
  })

  it('keeps the methods of the platform', () => {
    class Registry extends Map<string, number> {
      total(): number {
        return this.size
      }
    }
    const registry = instrument(new Registry([['a', 1]]), { metrics })
    expect([registry.total(), registry.get('a')]).toEqual([1, 1])
    class Feed extends EventEmitter {
      send(): boolean {
        return this.emit('item')
      }
    }
    class Source extends Readable {
      read1(): unknown {
        return this.read()
      }
      override _read(): void {
        this.push(null)
      }
    }
    instrument(new Feed(), { metrics }).send()
    instrument(new Source(), { metrics }).read1()
    expect(counted()).toEqual({
      'Registry.total': 1,
      'Feed.send': 1,
      'Source.read1': 1,
      'Source._read': 1,
    })
  })

  it('has only those observed that are asked for', () => {
    const api = { a: () => 1, b: () => 2, c: withMetrics('mine', () => 3, { metrics }) }
    instrument(api, { metrics, only: ['a', 'b', 'c'], skip: ['b'] })
    for (const fn of [api.a, api.b, api.c]) fn()
    expect(counted()).toEqual({ a: 1, mine: 1 })
  })
})

describe('mistakes', () => {
  it.each([
    ['no object', null, undefined],
    ['a function', () => 1, undefined],
    ['a frozen object', Object.freeze({ f: () => 1 }), undefined],
    ['a name that is no method', { f: () => 1 }, { only: ['g'] }],
    ['a name to skip that is none', { f: () => 1 }, { skip: ['g'] }],
  ])('%s is refused', (_what, target, options) => {
    expect(() => instrument(target as object, options)).toThrow(
      expect.objectContaining({ code: 'KIT_NOT_INSTRUMENTABLE' }),
    )
  })

  it('nothing is replaced where one method cannot be', () => {
    const target = Object.defineProperty({ f: () => 1 }, 'g', { value: () => 2 })
    const { f } = target
    expect(() => instrument(target, { metrics })).toThrow(
      expect.objectContaining({ code: 'KIT_NOT_INSTRUMENTABLE' }),
    )
    expect(target.f).toBe(f)
  })

  it.each([{ prefix: 5 }, { only: 'f' }, { skip: [1] }])('options such as %j are refused', (options) => {
    expect(() => instrument({ f: () => 1 }, options as never)).toThrow(
      expect.objectContaining({ code: 'KIT_OBSERVE_OPTION_INVALID' }),
    )
  })

  it('an unknown option is refused', () => {
    expect(() => instrument({ f: () => 1 }, { names: [] } as never)).toThrow(
      expect.objectContaining({ code: 'KIT_OBSERVE_OPTION_UNKNOWN' }),
    )
  })
})
