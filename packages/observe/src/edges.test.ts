// oxlint-disable-next-line import/no-unassigned-import -- a polyfill: it has nothing to assign
import 'reflect-metadata'
import { manualClock } from '@kit/context/testing'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { observe } from './observe.ts'
import type { AnyFunction } from './options.ts'
import { readingsOf } from './testing/readings.ts'
import { withMetrics } from './with-metrics.ts'

let metrics: Metrics
beforeEach(() => {
  metrics = createMetrics()
})

/** Wraps a class, which is no function that could be called. */
function wrapClass<C>(name: string, type: C): C {
  return withMetrics(name, type as AnyFunction, { metrics }) as C
}

describe('the clock', () => {
  it('is read twice a call, and for nobody not at all', async () => {
    const clock = manualClock()
    const now = vi.spyOn(clock, 'now')
    const reads = (call: () => unknown): number => {
      now.mockClear()
      call()
      return now.mock.calls.length
    }
    const lines = memoryDestination()
    const log = createLogger({ destination: lines, level: 'error' })
    const timed = withMetrics('timed', () => 1, { metrics })
    const untimed = observe('untimed', () => 1, { metrics, log, timeEvery: 0 })
    const logged = observe('logged', () => 1, { metrics: false, log })
    expect([reads(timed), reads(untimed), reads(logged)]).toEqual([2, 0, 0])
    log.levels.set('', 'debug')
    expect([reads(untimed), reads(logged)]).toEqual([2, 2])
    log.levels.set('', 'error')
    metrics.updateFilter({ block: ['function.duration'] })
    expect([reads(timed), reads(untimed), reads(logged)]).toEqual([0, 0, 0])
    metrics.updateFilter({})
    expect(reads(timed)).toBe(2)
    expect(readingsOf(metrics, 'timed')).toMatchObject({ calls: { ok: 3 }, timed: { ok: 2 } })
    await metrics.shutdown()
    expect(reads(timed)).toBe(0)
    clock[Symbol.dispose]()
  })

  it('may be read for one call in so many, while all are counted', () => {
    const fn = withMetrics(
      'f',
      (fail: boolean) => {
        if (fail) throw new Error('no')
      },
      { metrics, timeEvery: 4 },
    )
    for (let i = 0; i < 10; i += 1) fn(false)
    for (let i = 0; i < 2; i += 1) expect(() => fn(true)).toThrow('no')
    expect(readingsOf(metrics, 'f')).toMatchObject({
      calls: { ok: 10, error: 2 },
      timed: { ok: 3 },
      active: 0,
    })
  })
})

/** What is thrown on a full stack is not always that it is full: the test runner's way to look up imports fails otherwise. */
function attempt(dive: () => unknown): void {
  try {
    dive()
  } catch {
    return
  }
  throw new Error('the stack has no end')
}

describe('a full stack', () => {
  const ways: [string, (fn: () => number) => () => number][] = [
    ['withMetrics', (fn) => withMetrics('f', fn, { metrics })],
    [
      'observe',
      (fn) => observe('f', fn, { metrics, log: false, timeoutMs: 1000, labels: () => ({ a: 'b' }) }),
    ],
  ]

  it.each(ways)('%s: can be caught, and every call is counted', (_name, wrap) => {
    let depth = 0
    let deepest = 0
    const dive = wrap((): number => {
      depth += 1
      if (depth === deepest) throw new RangeError('deep enough')
      return dive() + 1
    })
    // A function that fails for the first time where there is no room for its series is another matter.
    deepest = 1
    expect(dive).toThrow('deep enough')
    deepest = 0
    for (let round = 0; round < 20; round += 1) attempt(dive)
    const { calls, active } = readingsOf(metrics, 'f')
    expect(active).toBe(0)
    // A call that found no room for its function to begin may be counted or not.
    expect(calls['error']).toBeGreaterThanOrEqual(depth)
    expect(calls['error']).toBeLessThanOrEqual(depth + 100)
  })

  it.each(ways)(
    '%s: the promise that is watched is given out, whatever cannot be carried over',
    async (_name, wrap) => {
      const promise = Promise.reject(new Error('no'))
      void Object.defineProperty(promise, 'pid', {
        enumerable: true,
        get: () => {
          throw new RangeError('Maximum call stack size exceeded')
        },
      })
      const fn = wrap((() => promise) as unknown as () => number) as unknown as () => Promise<unknown>
      const given = fn()
      expect(given === promise).toBe(false)
      await expect(given).rejects.toThrow('no')
      expect(readingsOf(metrics, 'f')).toMatchObject({ calls: { error: 1 }, active: 0 })
    },
  )

  it('fills no log: of all the calls that it ends, one tells', async () => {
    const lines = memoryDestination()
    const log = createLogger({ destination: lines })
    // Not a full stack itself: on one, the test runner's own way to look up imports fails with other errors.
    const error = new RangeError('Maximum call stack size exceeded')
    const dive = observe(
      'f',
      (depth: number): number => {
        if (depth === 0) throw error
        return dive(depth - 1) + 1
      },
      { metrics, log },
    )
    expect(() => dive(300)).toThrow(error)
    await Promise.resolve()
    expect(lines.records).toMatchObject([{ level: 'error', function: 'f', errorType: 'RangeError' }])
  })

  it.each(ways)('%s: does not turn results into errors', (_name, wrap) => {
    const leaf = wrap(() => 1)
    let results = 0
    const dive = (): number => {
      try {
        results += leaf()
      } catch {
        results += 0
      }
      return dive() + 1
    }
    attempt(dive)
    leaf()
    expect(readingsOf(metrics, 'f').active).toBe(0)
    expect(results).toBeGreaterThan(100)
  })
})

describe('what the wrapper is', () => {
  it('can be constructed exactly if the function can', () => {
    for (const fn of [() => 1, async () => 1, function* () {}, { method: () => 1 }.method]) {
      const wrapped = withMetrics('f', fn as AnyFunction, { metrics })
      expect(() => Reflect.construct(wrapped, [])).toThrow(TypeError)
      expect(Object.getPrototypeOf(wrapped)).toBe(Object.getPrototypeOf(fn))
      expect(new Set(Reflect.ownKeys(wrapped))).toEqual(new Set(Reflect.ownKeys(fn)))
    }
    function Old(this: { made: boolean }): void {
      this.made = true
    }
    const Wrapped = withMetrics(Old, { metrics }) as unknown as new () => { made: boolean }
    expect(new Wrapped()).toMatchObject({ made: true })
    expect(new Wrapped()).toBeInstanceOf(Old)
  })

  it('has the metadata of the real polyfill, its own and not what is inherited', () => {
    const handler = (): void => {}
    Reflect.defineMetadata('guards', ['admin'], handler)
    const wrapped = withMetrics('f', handler, { metrics })
    expect(Reflect.getOwnMetadata('guards', wrapped)).toEqual(['admin'])
    expect(Reflect.getMetadataKeys(wrapped)).toEqual(['guards'])
  })

  it('leaves alone what Node keeps on promises', async () => {
    const hidden = Symbol('hidden')
    const result = Object.assign(Promise.resolve(1), { shown: 1, [hidden]: 2 })
    const returned = withMetrics('f', () => result, { metrics })()
    expect(returned.shown).toBe(1)
    expect(Object.getOwnPropertySymbols(returned)).not.toContain(hidden)
    expect(await returned).toBe(1)
  })

  it('makes an observed constructor too', () => {
    class Point {
      readonly x: number
      constructor(x: number) {
        this.x = x
      }
    }
    const Observed = observe('Point', Point as never, {
      metrics,
      log: false,
      timeoutMs: 10,
    }) as unknown as typeof Point
    class Sub extends Observed {}
    expect(new Observed(1)).toEqual(new Point(1))
    expect(new Sub(2)).toBeInstanceOf(Sub)
    expect(() => (Observed as unknown as () => void)()).toThrow(TypeError)
    expect(readingsOf(metrics, 'Point')).toMatchObject({ calls: { ok: 2, error: 1 }, active: 0 })
  })
})

describe('static members of a class', () => {
  it('live on, on both sides', () => {
    class Counter {
      static made = 0
      static create(): Counter {
        return new this()
      }
      constructor() {
        Counter.made += 1
      }
    }
    const Wrapped = wrapClass('Counter', Counter)
    expect(new Wrapped()).toBeInstanceOf(Counter)
    expect(Wrapped.made).toBe(1)
    Wrapped.made = 10
    Wrapped.create()
    expect([Counter.made, Wrapped.made]).toEqual([11, 11])
    expect(readingsOf(metrics, 'Counter').calls).toEqual({ ok: 2 })
    expect(Object.keys(Wrapped)).toEqual(['made'])
  })

  it('that are private work, by methods, getters and setters', () => {
    class Pool {
      readonly id = 1
      static #free = 3
      static get free(): number {
        return this.#free
      }
      static set free(value: number) {
        this.#free = value
      }
      static take(this: typeof Pool): number {
        this.#free -= 1
        return this.#left()
      }
      static #left(): number {
        return this.#free
      }
    }
    const Wrapped = wrapClass('Pool', Pool)
    expect([Wrapped.free, Wrapped.take(), Pool.take()]).toEqual([3, 2, 1])
    Wrapped.free = 9
    expect([Pool.free, Wrapped.free]).toEqual([9, 9])
    expect([Wrapped.take.name, Wrapped.take]).toEqual(['take', Wrapped.take])
  })

  it.each([
    'static #a = 7; static take() { return this.#a }',
    'static#a=7;static take(){return this.#a}',
    'static get#a(){return 7}static take(){return this.#a}',
    'static async #a() {} static take() { void this.#a(); return 7 }',
    'static async#a(){}static take(){void this.#a();return 7}',
    'static *#a() { yield 7 } static take() { return this.#a().next().value }',
    'static*#a(){yield 7}static take(){return this.#a().next().value}',
    'static async*#a(){}static take(){this.#a();return 7}',
  ])('that are private work however they are written: %s', (body) => {
    // oxlint-disable-next-line typescript/no-implied-eval -- as a minifier writes it, which no formatter leaves so
    const Pool = new Function(`return class Pool {${body}}`)() as { new (): object; take(): number }
    expect(wrapClass('Pool', Pool).take()).toBe(7)
  })
})

describe('what a function throws or rejects with', () => {
  it('comes out as it is and is counted, even if it throws when it is looked at', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const thrown: unknown = proxy
    const destination = memoryDestination()
    const log = createLogger({ destination })
    const rejecting = observe('rejecting', () => Promise.reject(thrown as Error), { metrics, log })
    const throwing = observe(
      'throwing',
      () => {
        throw thrown
      },
      { metrics, log },
    )
    // Not by `rejects`, which would look at it.
    const rejection = await rejecting().then(
      () => [],
      (error: unknown) => [error],
    )
    const errors: unknown[] = []
    try {
      throwing()
    } catch (error) {
      errors.push(error)
    }
    expect([Object.is(rejection[0], thrown), Object.is(errors[0], thrown)]).toEqual([true, true])
    expect(readingsOf(metrics, 'rejecting').calls).toEqual({ error: 1 })
    expect(readingsOf(metrics, 'throwing').calls).toEqual({ error: 1 })
    expect(destination.lines).toHaveLength(2)
  })
})

describe('what a function throws or rejects with', () => {
  it('comes out as it is and is counted, even if it throws when it is looked at', async () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const thrown: unknown = proxy
    const destination = memoryDestination()
    const log = createLogger({ destination })
    const rejecting = observe('rejecting', () => Promise.reject(thrown as Error), { metrics, log })
    const throwing = observe(
      'throwing',
      () => {
        throw thrown
      },
      { metrics, log },
    )
    // Not by `rejects`, which would look at it.
    const rejection = await rejecting().then(
      () => [],
      (error: unknown) => [error],
    )
    const errors: unknown[] = []
    try {
      throwing()
    } catch (error) {
      errors.push(error)
    }
    expect([Object.is(rejection[0], thrown), Object.is(errors[0], thrown)]).toEqual([true, true])
    expect(readingsOf(metrics, 'rejecting').calls).toEqual({ error: 1 })
    expect(readingsOf(metrics, 'throwing').calls).toEqual({ error: 1 })
    expect(destination.lines).toHaveLength(2)
  })

  it('is not changed by labels that throw when they are read, which are counted', async () => {
    const log = createLogger({ destination: memoryDestination() })
    const labels = (): never =>
      Object.defineProperty({}, 'a', {
        enumerable: true,
        get: () => {
          throw new Error('not to be read')
        },
      }) as never
    const fn = observe('labelled', async () => 'result', { metrics, log, labels })
    expect(await fn()).toBe('result')
    const text = observe('texts', async () => 'result', { metrics, log, labels: () => 'text' as never })
    expect(await text()).toBe('result')
    const dropped = metrics.snapshot().metrics.find(({ name }) => name === 'kit.observe.dropped')
    expect(dropped?.series).toMatchObject([{ labels: { reason: 'bad_labels' }, value: 2 }])
    expect(readingsOf(metrics, 'labelled').calls).toEqual({ ok: 1 })
  })
})
