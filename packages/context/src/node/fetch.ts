/*
 * `fetch` under a context, to the last byte of the body.
 */
import type { Context } from '../context.ts'
import { assertContext } from '../context-node.ts'
import { followBody } from './body.ts'

/**
 * The platform's `fetch`, aborted with the context until its body has been read to the end, was cancelled, or was
 * dropped: before the head the call rejects with `ctx.err`, after it the reading of the body does. Nothing stays on the
 * context once the body is over; read it or cancel it, as with every fetch. A `signal` in `init` is obeyed as well,
 * and its reason is what the call then rejects with. Rejects with KIT_INVALID_CONTEXT.
 */
export async function fetch(
  ctx: Context,
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  assertContext(ctx)
  const signal = init.signal === undefined && input instanceof Request ? input.signal : init.signal
  const own = signal ? ctx.withSignal(signal) : ctx.withCancel()
  const failed = (error: unknown): unknown => {
    const told = reasonOf(own, signal, error)
    own.cancel()
    return told
  }
  try {
    const response = await globalThis.fetch(input, { ...init, signal: own.signal })
    return followBody(response, { ended: () => own.cancel(), dropped: () => own.cancel(), failed })
  } catch (error) {
    throw failed(error)
  }
}

/** A caller that aborted with a reason of its own is given that reason back, as fetch does. */
function reasonOf(own: Context, signal: AbortSignal | null | undefined, error: unknown): unknown {
  const aborted = signal?.aborted === true && error === own.err && own.cause === signal.reason
  return aborted ? signal.reason : error
}
