/*
 * Waiting that ends with a context. Nothing stays behind on the context once the wait is over, which is what
 * `Promise.race` with a long-lived promise gets wrong.
 */
import { clock } from './clock.ts'
import type { Context } from './context.ts'
import { ContextError } from './errors.ts'
import { assertContext } from './context-node.ts'

/**
 * Resolves when `ms` milliseconds have passed, never early; rejects with `ctx.err` as soon as the context ends, and
 * when both are due. 0 and less wait for one turn of the event loop. Keeps the process alive, unlike deadlines.
 * Rejects with KIT_INVALID_TIMEOUT on NaN, KIT_INVALID_CONTEXT.
 */
export function sleep(ctx: Context, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    assertContext(ctx)
    if (typeof ms !== 'number' || Number.isNaN(ms)) {
      throw new ContextError('KIT_INVALID_TIMEOUT', 'sleep needs a number of milliseconds')
    }
    ctx.throwIfDone()
    const wake = (): void => {
      stop()
      const { err } = ctx
      if (err === undefined) resolve()
      else reject(err)
    }
    const timer = clock.setTimer(ms, wake, { ref: true })
    const stop = ctx.afterFunc((err) => {
      timer.cancel()
      reject(err)
    })
  })
}

/**
 * Settles like `promise`, or rejects with `ctx.err` when the context ends first; at once, if it already has. The
 * work behind the promise goes on, and a later rejection of it is handled. Costs about 0.4 µs and leaves nothing on
 * the context; the promise itself, as any promise, keeps its reactions until it settles.
 * Rejects with KIT_INVALID_CONTEXT.
 */
export function race<T>(ctx: Context, promise: PromiseLike<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    assertContext(ctx)
    // Of a context that has ended it is called before any reaction of the promise.
    const stop = ctx.afterFunc(reject)
    const fulfil = (value: T): void => {
      stop()
      resolve(value)
    }
    const fail = (error: unknown): void => {
      stop()
      reject(error)
    }
    // Also when the context has ended: a rejection that nobody waits for any more must not go unhandled.
    try {
      Promise.resolve(promise).then(fulfil, fail)
    } catch (error) {
      fail(error) // a promise of the caller's own making
    }
  })
}
