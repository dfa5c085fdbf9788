import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { background, isCanceled, isDeadlineExceeded, race, sleep } from './index.ts'
import type { ManualClock } from './testing.ts'
import { liveContexts, manualClock } from './testing.ts'

let time: ManualClock
beforeEach(() => {
  time = manualClock()
})
afterEach(() => {
  time[Symbol.dispose]()
})

const tick = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

/** What the promise has come to so far. */
async function outcome(promise: Promise<unknown>): Promise<unknown> {
  const state: { value: unknown } = { value: 'pending' }
  promise.then(
    (value) => (state.value = { value }),
    (error: unknown) => (state.value = { error }),
  )
  await tick()
  return state.value
}

describe('sleep', () => {
  it('resolves when the time has passed, and leaves nothing', async () => {
    const ctx = background.withTimeout(1000)
    const slept = sleep(ctx, 50)
    expect(time.pendingTimers).toBe(2)
    time.advance(49)
    expect(await outcome(slept)).toBe('pending')
    time.advance(1)
    expect(await outcome(slept)).toEqual({ value: undefined })
    expect(time.pendingTimers).toBe(0)
  })

  it('rejects with err as soon as the context ends', async () => {
    const ctx = background.withCancel()
    const slept = sleep(ctx, 50)
    ctx.cancel('why')
    expect(await outcome(slept)).toEqual({ error: ctx.err })
    expect(time.pendingTimers).toBe(0)
  })

  it.each([50, 80])('of %s ms rejects at a deadline of 50 ms', async (ms) => {
    const ctx = background.withTimeout(50)
    const slept = sleep(ctx, ms)
    time.advance(50)
    expect(await outcome(slept)).toEqual({ error: ctx.err })
    expect(isDeadlineExceeded(ctx.err)).toBe(true)
    expect(time.pendingTimers).toBe(0)
  })

  it('rejects at once on a context that has ended', async () => {
    const ctx = background.withTimeout(0)
    expect(await outcome(sleep(ctx, 0))).toEqual({ error: ctx.err })
    expect(time.pendingTimers).toBe(0)
  })

  it('of 0 ms or less waits for one turn', async () => {
    const slept = [sleep(background, 0), sleep(background, -5)]
    expect(await outcome(Promise.race(slept))).toBe('pending')
    time.advance(0)
    expect(await outcome(Promise.all(slept))).toEqual({ value: [undefined, undefined] })
  })

  it('rejects what is no duration or no context', async () => {
    await expect(sleep(background, Number.NaN)).rejects.toMatchObject({ code: 'KIT_INVALID_TIMEOUT' })
    await expect(sleep(background, '5' as never)).rejects.toMatchObject({ code: 'KIT_INVALID_TIMEOUT' })
    await expect(sleep({} as never, 5)).rejects.toMatchObject({ code: 'KIT_INVALID_CONTEXT' })
  })
})

describe('race', () => {
  it('settles like the promise, and leaves nothing', async () => {
    const ctx = background.withTimeout(1000)
    const fault = new Error('fault')
    expect(await race(ctx, Promise.resolve(1))).toBe(1)
    await expect(race(ctx, Promise.reject(fault))).rejects.toBe(fault)
    expect(time.pendingTimers).toBe(0)
  })

  it('rejects with err when the context ends first; a later rejection is handled [I37]', async () => {
    const ctx = background.withTimeout(50)
    let fail: (error: Error) => void = () => {}
    const raced = race(ctx, new Promise((_resolve, reject) => (fail = reject)))
    expect(await outcome(raced)).toBe('pending')
    time.advance(50)
    expect(await outcome(raced)).toEqual({ error: ctx.err })
    // Vitest fails the run on an unhandled rejection.
    fail(new Error('late'))
    await new Promise((resolve) => setImmediate(resolve))
  })

  it('rejects at once on a context that has ended, and handles the rejection of the promise', async () => {
    const ctx = background.withCancel()
    ctx.cancel()
    await expect(race(ctx, Promise.resolve(1))).rejects.toBe(ctx.err)
    await expect(race(ctx, Promise.reject(new Error('x')))).rejects.toBe(ctx.err)
    await new Promise((resolve) => setImmediate(resolve))
    expect(isCanceled(ctx.err)).toBe(true)
  })

  it('takes thenables, however hostile', async () => {
    // oxlint-disable-next-line unicorn/no-thenable -- thenables are what this is about
    const thenable = { then: (resolve: (value: number) => void) => resolve(5) } as PromiseLike<number>
    expect(await race(background, thenable)).toBe(5)
    const hostile = {
      // oxlint-disable-next-line unicorn/no-thenable -- thenables are what this is about
      get then(): never {
        throw new Error('trap')
      },
    }
    await expect(race(background, hostile as never)).rejects.toThrow('trap')
    const ctx = background.withCancel()
    const ownThen = Object.assign(Promise.resolve(), {
      // oxlint-disable-next-line unicorn/no-thenable -- thenables are what this is about
      then: () => {
        throw new Error('then')
      },
    })
    await expect(race(ctx, ownThen)).rejects.toThrow('then')
    expect(liveContexts().find(({ name }) => name === String(ctx))?.watched).toBe(false)
    ctx.cancel()
    await expect(race(undefined as never, Promise.resolve(1))).rejects.toMatchObject({
      code: 'KIT_INVALID_CONTEXT',
    })
  })
})
