import { background, run } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ObserveError } from './errors.ts'
import { withMetrics } from './with-metrics.ts'

let metrics: Metrics
let clock: ReturnType<typeof manualClock>

beforeEach(() => {
  clock = manualClock()
  metrics = createMetrics()
})
afterEach(() => clock[Symbol.dispose]())

/** `{ ok: 2, error: 1 }`: calls by outcome, checked against the histogram's counts. */
function calls(name: string): Record<string, number> {
  const counted: Record<string, number> = {}
  const timed: Record<string, number> = {}
  for (const metric of metrics.snapshot().metrics) {
    for (const point of metric.series) {
      if (point.labels['function'] !== name) continue
      const outcome = point.labels['outcome'] ?? ''
      if (metric.name === 'function.calls') counted[outcome] = (point as { value: number }).value
      if (metric.name === 'function.duration') timed[outcome] = (point as { count: number }).count
    }
  }
  expect(timed).toEqual(counted)
  return counted
}

function read(name: 'function.active' | 'function.duration', fn: string): number {
  const metric = metrics.snapshot().metrics.find((candidate) => candidate.name === name)
  const point = metric?.series.find((candidate) => candidate.labels['function'] === fn)
  return (
    (point as { value?: number; sum?: number } | undefined)?.value ??
    (point as { sum?: number } | undefined)?.sum ??
    0
  )
}

describe('what is returned', () => {
  it('counts a value and a throw, and rethrows the same object', () => {
    const error = new Error('no')
    const fn = withMetrics(
      'f',
      (fail: boolean) => {
        if (fail) throw error
        return 7
      },
      { metrics },
    )
    expect(fn(false)).toBe(7)
    expect(() => fn(true)).toThrow(error)
    expect(calls('f')).toEqual({ ok: 1, error: 1 })
    expect(read('function.active', 'f')).toBe(0)
  })

  it('measures a promise until it settles', async () => {
    let settle!: (value: number) => void
    const fn = withMetrics('f', () => new Promise<number>((resolve) => (settle = resolve)), { metrics })
    const result = fn()
    clock.advance(250)
    expect(calls('f')).toEqual({})
    expect(read('function.active', 'f')).toBe(1)
    settle(3)
    expect(await result).toBe(3)
    expect(calls('f')).toEqual({ ok: 1 })
    expect(read('function.duration', 'f')).toBe(0.25)
    expect(read('function.active', 'f')).toBe(0)
  })

  it('leaves an unhandled rejection unhandled', async () => {
    const seen: unknown[] = []
    const listeners = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection')
    process.on('unhandledRejection', (reason) => seen.push(reason))
    const error = new Error('nobody cares')
    void withMetrics('f', () => Promise.reject(error), { metrics })()
    await new Promise((resolve) => setImmediate(resolve))
    process.removeAllListeners('unhandledRejection')
    for (const listener of listeners) process.on('unhandledRejection', listener)
    expect(seen).toEqual([error])
  })

  it('tells a cancelled call and a missed deadline from a failure', async () => {
    const canceled = background.withCancel()
    canceled.cancel('changed my mind')
    const late = background.withTimeout(0)
    const fn = withMetrics('f', async (ctx: typeof background) => ctx.throwIfDone(), { metrics })
    await expect(fn(canceled)).rejects.toBe(canceled.err)
    await expect(fn(late)).rejects.toBe(late.err)
    const wrapped = withMetrics(
      'g',
      () => {
        throw new Error('the query failed', { cause: late.err })
      },
      { metrics },
    )
    expect(wrapped).toThrow('the query failed')
    expect(calls('f')).toEqual({ canceled: 1, deadline: 1 })
    expect(calls('g')).toEqual({ deadline: 1 })
  })

  it('does not start lazy work, and measures it from its first consumption', async () => {
    let runs = 0
    const query = {
      sql: 'select 1',
      then(resolve: (rows: string[]) => void) {
        runs += 1
        resolve(['row'])
      },
    }
    const fn = withMetrics('f', () => query, { metrics })
    const returned = fn()
    expect(returned).toBe(query)
    await Promise.resolve()
    expect(runs).toBe(0)
    expect(calls('f')).toEqual({})
    expect(read('function.active', 'f')).toBe(0)
    expect(await returned).toEqual(['row'])
    expect(runs).toBe(1)
    expect(calls('f')).toEqual({ ok: 1 })
  })

  it('measures a thenable that is returned again and again once, without burdening it', async () => {
    const cached = { then: (resolve: (value: number) => void) => resolve(1) }
    const fn = withMetrics('f', () => cached, { metrics })
    for (let i = 0; i < 20_000; i += 1) fn()
    expect(await fn()).toBe(1)
    expect(await fn()).toBe(1)
    expect(calls('f')).toEqual({ ok: 1 })
    expect(read('function.active', 'f')).toBe(0)
  })

  it('ends a thenable whose then throws', async () => {
    const broken = {
      then() {
        throw new TypeError('no')
      },
    }
    const ask = withMetrics('f', (): unknown => broken, { metrics })
    await expect((async () => ask())()).rejects.toThrow('no')
    expect(calls('f')).toEqual({ error: 1 })
    expect(read('function.active', 'f')).toBe(0)
  })

  it('keeps what a promise carries besides its value', async () => {
    const child = { pid: 7 }
    const fn = withMetrics('f', () => Object.assign(Promise.resolve(1), { child }), { metrics })
    expect(fn().child).toBe(child)
    expect(await fn()).toBe(1)
  })

  it('returns a Promise subclass as it is', async () => {
    class Query<T> extends Promise<T> {
      limit(): string {
        return 'limited'
      }
    }
    const fn = withMetrics('f', () => Query.resolve(5) as Query<number>, { metrics })
    const result = fn()
    expect(result.limit()).toBe('limited')
    expect(await result).toBe(5)
    expect(calls('f')).toEqual({ ok: 1 })
  })

  it('measures a generator from its first step to its last', () => {
    const fn = withMetrics(
      'f',
      function* (n: number) {
        for (let i = 0; i < n; i += 1) yield i
        return 'done'
      },
      { metrics },
    )
    const generator = fn(2)
    expect(read('function.active', 'f')).toBe(0)
    expect(generator.next()).toEqual({ done: false, value: 0 })
    clock.advance(1000)
    expect(read('function.active', 'f')).toBe(1)
    expect([...generator]).toEqual([1])
    expect(calls('f')).toEqual({ ok: 1 })
    expect(read('function.duration', 'f')).toBe(1)
    for (const _ of fn(3)) break
    expect(calls('f')).toEqual({ ok: 2 })
    expect(read('function.active', 'f')).toBe(0)
  })

  it('measures an async generator, and its failure', async () => {
    const fn = withMetrics(
      'f',
      async function* () {
        yield 1
        throw new TypeError('torn')
      },
      { metrics },
    )
    const seen: number[] = []
    await expect(
      (async () => {
        for await (const value of fn()) seen.push(value)
      })(),
    ).rejects.toThrow('torn')
    expect(seen).toEqual([1])
    expect(calls('f')).toEqual({ error: 1 })
    expect(read('function.active', 'f')).toBe(0)
  })

  it('takes hostile objects as plain values', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    const trap = Object.defineProperty({}, 'then', {
      get() {
        throw new Error('do not look')
      },
    })
    expect(withMetrics('f', () => proxy, { metrics })()).toBe(proxy)
    expect(withMetrics('f', () => trap, { metrics })()).toBe(trap)
    expect(calls('f')).toEqual({ ok: 2 })
  })

  it('asks isFailure about results, and takes a predicate that throws for a yes', async () => {
    const isFailure = (value: unknown): boolean => (value as { status: number }).status >= 500
    const fn = withMetrics('f', async (value: unknown) => value, { metrics, isFailure })
    await fn({ status: 200 })
    await fn({ status: 503 })
    await fn(undefined)
    expect(calls('f')).toEqual({ ok: 1, error: 2 })
  })
})

describe('what the wrapper looks like', () => {
  it('keeps name, arity, own properties, this and the ambient context', () => {
    const tag = Symbol('tag')
    const original = Object.assign(
      function find(this: { base: number }, a: number, b: number): number {
        return this.base + a + b
      },
      { [tag]: 'x', displayName: 'Find' },
    )
    const fn = withMetrics(original, { metrics })
    expect(fn.name).toBe('find')
    expect(fn).toHaveLength(2)
    expect(fn[tag]).toBe('x')
    expect(fn.displayName).toBe('Find')
    expect(fn.call({ base: 1 }, 2, 3)).toBe(6)
    const ctx = background.withCancel()
    expect(run(ctx, () => withMetrics('g', () => ctx.err, { metrics })())).toBeUndefined()
  })

  it('wraps a class, whose instances and subclasses stay what they are', () => {
    class Base {
      readonly #secret = 42
      static made = 0
      readonly name: string
      constructor(name: string) {
        this.name = name
        Base.made += 1
      }
      get secret(): number {
        return this.#secret
      }
    }
    const Wrapped = withMetrics('Base', Base as unknown as (...args: never[]) => unknown, {
      metrics,
    }) as unknown as typeof Base
    class Sub extends Wrapped {}
    expect(new Wrapped('a')).toBeInstanceOf(Base)
    expect(new Sub('b')).toBeInstanceOf(Sub)
    expect(new Sub('c').secret).toBe(42)
    expect(Base.made).toBe(3)
    expect(calls('Base')).toEqual({ ok: 3 })
  })

  it('copies the metadata that frameworks keep by function identity', () => {
    const store = new Map<object, Map<unknown, unknown>>()
    const reflect = Reflect as unknown as Record<string, unknown>
    reflect['getOwnMetadataKeys'] = (target: object) => [...(store.get(target)?.keys() ?? [])]
    reflect['getOwnMetadata'] = (key: unknown, target: object) => store.get(target)?.get(key)
    reflect['defineMetadata'] = (key: unknown, value: unknown, target: object) =>
      store.set(target, (store.get(target) ?? new Map<unknown, unknown>()).set(key, value))
    try {
      const handler = (): void => {}
      store.set(handler, new Map([['guards', ['admin']]]))
      expect(store.get(withMetrics(handler, { metrics }))?.get('guards')).toEqual(['admin'])
    } finally {
      for (const key of ['getOwnMetadataKeys', 'getOwnMetadata', 'defineMetadata']) delete reflect[key]
    }
  })

  it('does nothing when it is applied twice', () => {
    const once = withMetrics('f', () => 1, { metrics })
    expect(withMetrics('g', once, { metrics })).toBe(once)
  })
})

describe('mistakes', () => {
  it.each([
    ['KIT_NAME_REQUIRED', () => withMetrics(() => 1)],
    ['KIT_NOT_A_FUNCTION', () => withMetrics('f', 5 as never)],
    ['KIT_OBSERVE_OPTION_UNKNOWN', () => withMetrics('f', () => 1, { metric: 1 } as never)],
  ])('%s is thrown where the function is wrapped', (code, wrap) => {
    expect(wrap).toThrow(ObserveError)
    expect(wrap).toThrow(expect.objectContaining({ code }))
  })
})
