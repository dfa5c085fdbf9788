import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { background, clock, createKey, race, run, sleep } from './index.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** How many of the objects that `make` returns are still alive once nobody but the library could hold them. */
async function kept(make: () => WeakKey[] | Promise<WeakKey[]>): Promise<number> {
  const references = await (async () => (await make()).map((object) => new WeakRef(object)))()
  for (let i = 0; i < 3; i++) {
    // A WeakRef holds its target until the end of the current job.
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  return references.filter((reference) => reference.deref() !== undefined).length
}

const count = 200
const times = (make: () => WeakKey): WeakKey[] => Array.from({ length: count }, make)
const key = createKey<unknown>('k')
const root = background.withTimeout(3_600_000)
const held = root.afterFunc(() => {})

// What is returned is always something that the inner state of the context leads to: a cause, a signal, a callback.
it.each<[string, () => WeakKey[] | Promise<WeakKey[]>]>([
  [
    'cancelled children',
    () =>
      times(() => {
        const cause = {}
        root.withCancel().cancel(cause)
        return cause
      }),
  ],
  [
    'cancelled children with a signal and callbacks',
    () =>
      times(() => {
        const child = root.withTimeout(1_800_000)
        const { signal } = child
        signal.addEventListener('abort', () => child)
        child.afterFunc(() => child)
        child.cancel()
        return signal
      }),
  ],
  [
    'forgotten children',
    () =>
      times(() => {
        const cause = {}
        root.withTimeout(60_000, cause).withValue(key, {}).withCancel()
        return cause
      }),
  ],
  [
    'forgotten children whose observers are gone',
    () =>
      times(() => {
        const cause = {}
        const stop = root
          .withTimeout(60_000, cause)
          .withCancel()
          .afterFunc(() => {})
        stop()
        return cause
      }),
  ],
  [
    'forgotten children whose own children are cancelled',
    () =>
      times(() => {
        const cause = {}
        root.withTimeout(60_000, cause).withSignal(new AbortController().signal).cancel()
        return cause
      }),
  ],
  ['contexts that never end', () => times(() => background.withValue(key, {}).withoutCancel().signal)],
  [
    'what was raced',
    async () => {
      const values = times(() => ({}))
      for (const value of values) await race(root, Promise.resolve(value))
      const causes = times(() => ({}))
      for (const cause of causes) await race(root.withTimeout(60_000, cause), Promise.resolve())
      return [...values, ...causes]
    },
  ],
  [
    'who slept',
    async () => {
      const all = Array.from({ length: count }, () => root.withCancel())
      const sleeps = all.map((ctx) => sleep(ctx, 60_000).catch((error: unknown) => error))
      for (const ctx of all) ctx.cancel({})
      await Promise.all(sleeps)
      return all.map((ctx) => ctx.signal)
    },
  ],
  [
    'the ambient context of the first reader of a signal',
    () =>
      times(() => {
        const request = root.withValue(key, {})
        run(request, () => background.withCancel().signal.addEventListener('abort', () => {}))
        run(request, () => root.signal)
        return request
      }),
  ],
])('keeps nothing of %s', async (_name, make) => {
  expect(root.err).toBeUndefined()
  // A stack slot or a cache of the engine may still point at the last one made; a leak keeps them all.
  expect(await kept(make)).toBeLessThanOrEqual(1)
})

it('keeps what is observed and not cancelled, until the parent ends', async () => {
  const parent = background.withCancel()
  const ends: unknown[] = []
  const make = (): WeakKey[] =>
    times(() => {
      const end = (err: unknown): unknown => ends.push(err)
      parent.withCancel().afterFunc(end)
      return end
    })
  expect(await kept(make)).toBe(count)
  parent.cancel()
  await Promise.resolve()
  expect(ends.length).toBe(count)
})

it('fires though nobody holds the context, only its signal [I33]', async () => {
  const aborted = new Promise((resolve) => {
    const arm = (): void => background.withTimeout(20).signal.addEventListener('abort', resolve)
    arm()
  })
  collect()
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  // Deadlines alone do not keep the process alive, and a test should not end before they fire.
  const alive = clock.setTimer(60_000, () => {}, { ref: true })
  expect(await aborted).toMatchObject({ type: 'abort' })
  alive.cancel()
})

it('keeps the process alive for a sleep, and for no deadline [I28]', () => {
  held()
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const ctx = root.withTimeout(60_000)
  const stop = ctx.afterFunc(() => {})
  expect(timers()).toBe(before)
  stop()
  void sleep(ctx, 60_000).catch(() => {})
  expect(timers()).toBe(before + 1)
  ctx.cancel()
})
