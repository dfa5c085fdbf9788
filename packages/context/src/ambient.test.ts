import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { background, bind, ContextError, createKey, current, run } from './index.ts'
import type { Context } from './index.ts'
import { state } from './state.ts'

const key = createKey('k', 0)
const ctx = background.withValue(key, 1)
const other = background.withValue(key, 2)
const seen = (): number => current().value(key)

it('is background outside of run, and the innermost inside', () => {
  expect(current()).toBe(background)
  const result = run(ctx, () => [seen(), run(other, seen), seen()])
  expect(result).toEqual([1, 2, 1])
  expect(current()).toBe(background)
  expect(() =>
    run(ctx, () => {
      throw new Error('x')
    }),
  ).toThrow('x')
  expect(current()).toBe(background)
})

it('follows awaits, timers, immediates, ticks, microtasks and thenables [I34]', async () => {
  const results = await run(ctx, async () => {
    const collected = [seen()]
    await Promise.resolve()
    collected.push(seen())
    collected.push(await new Promise<number>((resolve) => setTimeout(() => resolve(seen()), 1)))
    collected.push(await new Promise<number>((resolve) => setImmediate(() => resolve(seen()))))
    collected.push(await new Promise<number>((resolve) => process.nextTick(() => resolve(seen()))))
    collected.push(await new Promise<number>((resolve) => queueMicrotask(() => resolve(seen()))))
    // oxlint-disable-next-line unicorn/no-thenable -- a thenable is what this is about
    await { then: (resolve: (value: unknown) => void) => resolve(collected.push(seen())) }
    await Promise.all([run(other, () => Promise.resolve()), Promise.resolve()])
    collected.push(seen())
    return collected
  })
  expect(results).toEqual([1, 1, 1, 1, 1, 1, 1, 1])
})

it('does not leak to the caller after the first await [I36]', async () => {
  const work = async (): Promise<number> =>
    await run(other, async () => {
      await Promise.resolve()
      return seen()
    })
  const results = await run(ctx, async () => {
    const before = seen()
    const pending = work()
    return [before, seen(), await pending, seen()]
  })
  expect(results).toEqual([1, 1, 2, 1])
  expect(current()).toBe(background)
})

it('is that of the emitter in an event handler, unless bound [I35]', () => {
  const emitter = new EventEmitter()
  const log: number[] = []
  run(ctx, () => {
    emitter.on('e', () => log.push(seen()))
    emitter.on(
      'e',
      bind(() => log.push(seen())),
    )
  })
  run(other, () => emitter.emit('e'))
  expect(log).toEqual([2, 1])
})

it('is that of the consumer in an async generator [I35]', async () => {
  const numbers = run(ctx, () =>
    (async function* generate() {
      yield seen()
    })(),
  )
  expect(await run(other, async () => (await numbers.next()).value)).toBe(2)
})

it('bind keeps this, arguments, result, name and length', () => {
  function add(this: { base: number }, a: number, b: number): number {
    return this.base + a + b + seen()
  }
  const bound = bind(add, ctx)
  expect(bound.call({ base: 10 }, 1, 2)).toBe(14)
  expect([bound.name, bound.length]).toEqual(['add', 2])
  const unbound = run(ctx, () => bind(seen))
  expect([unbound(), run(other, unbound)]).toEqual([1, 1])
  expect(run(ctx, () => bind(seen, other))()).toBe(2)
})

it('of an afterFunc callback is that of its registration, whoever cancels', async () => {
  const target = background.withCancel()
  const log: number[] = []
  run(ctx, () => target.afterFunc(() => log.push(seen())))
  target.afterFunc(() => log.push(seen()))
  run(other, () => target.afterFunc(() => log.push(seen())))
  target.signal.addEventListener('abort', () => log.push(seen()))
  run(other, () => target.cancel())
  run(ctx, () => target.afterFunc(() => log.push(seen())))
  for (let i = 0; i < 5; i++) await Promise.resolve()
  expect(log).toEqual([2, 1, 0, 2, 1]) // the listener of the signal, which sees the canceller's, comes first
})

it('is one storage in the process, whatever number of copies of the package', () => {
  const shared = (globalThis as Record<symbol, unknown>)[Symbol.for('@kit/context@1')]
  expect(shared).toBe(state)
})

const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()

it.each([
  ['null', null],
  ['an object', {}],
  ['a string', 'background'],
  ['an object without a prototype', Object.create(null)],
  ['a proxy of a context', new Proxy(background, {})],
  ['a revoked proxy', revoked],
])('rejects %s as a context', (_name, value) => {
  const invalid = expect.objectContaining({ code: 'KIT_INVALID_CONTEXT' })
  expect(() => run(value as Context, () => {})).toThrow(invalid)
  expect(() => bind(() => {}, value as Context)).toThrow(invalid)
  expect(() => run(undefined as never, () => {})).toThrow(invalid)
  expect(() => bind('x' as never)).toThrow(ContextError)
})

it('binds a function that does not tell its name', () => {
  const { proxy, revoke: end } = Proxy.revocable(() => 1, {})
  const bound = bind(proxy)
  end()
  expect(bind(proxy).length).toBe(0)
  expect(bound).toThrow(TypeError)
})
