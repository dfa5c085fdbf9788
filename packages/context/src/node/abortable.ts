/*
 * Everything of the platform that takes an AbortSignal, under a context. The signal of a long-lived context collects a
 * listener from each call, some of which stay until the next garbage collection; here each call gets a signal of its
 * own, which is let go when the call is over. And the call ends with the context's own error, not with one of the many
 * forms in which APIs wrap it.
 */
import type { Context } from '../context.ts'
import { ContextError } from '../errors.ts'
import { assertContext } from '../context-node.ts'

/**
 * Calls `call` with a signal that aborts when the context ends, and settles as it does:
 * `abortable(ctx, (signal) => once(emitter, 'ready', { signal }))`. An abort by the context rejects with `ctx.err`
 * itself; any other failure comes out as it is, as does a result that was in time. What the call does when its signal
 * aborts is up to the call: for work that takes no signal there is `race`.
 *
 * Rejects at once, without a call, on a context that has ended. Costs one derived context and one AbortController.
 * Rejects with KIT_INVALID_CONTEXT, KIT_INVALID_CALLBACK.
 */
export async function abortable<T>(
  ctx: Context,
  call: (signal: AbortSignal) => PromiseLike<T> | T,
): Promise<T> {
  assertContext(ctx)
  if (typeof call !== 'function') {
    throw new ContextError('KIT_INVALID_CALLBACK', 'abortable needs a function that takes the signal')
  }
  ctx.throwIfDone()
  const own = ctx.withCancel()
  try {
    return await call(own.signal)
  } catch (error) {
    throw unwrapped(own, error)
  } finally {
    own.cancel()
  }
}

/** The error of the context in place of what an API made of it, `AbortError { cause: reason }`; internal. */
export function unwrapped(ctx: Context, error: unknown): unknown {
  const { err } = ctx
  if (err === undefined || error === err || typeof error !== 'object' || error === null) return error
  try {
    return Reflect.get(error, 'cause') === err ? err : error
  } catch {
    return error
  }
}
