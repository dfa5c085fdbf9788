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
 * and its reason is what the call then rejects with. Rejects with KIT_INVALID_CONTEXT, KIT_INVALID_SIGNAL.
 */
export async function fetch(
  ctx: Context,
  input: string | URL | Request,
  init?: RequestInit | null,
): Promise<Response> {
  assertContext(ctx)
  const { signal: given, ...rest } = read(init)
  const signal = given === undefined && input instanceof Request ? input.signal : given
  const own = signal === undefined || signal === null ? ctx.withCancel() : ctx.withSignal(signal)
  const failed = (error: unknown): unknown => {
    const told = reasonOf(own, signal, error)
    own.cancel()
    return told
  }
  try {
    const response = await globalThis.fetch(input, { ...rest, signal: own.signal })
    return followBody(response, { ended: () => own.cancel(), dropped: () => own.cancel(), failed })
  } catch (error) {
    throw failed(error)
  }
}

/** What the platform reads of `init`, by name: a `Request` and other objects with a prototype have it all there. */
const members = [
  'method',
  'headers',
  'body',
  'referrer',
  'referrerPolicy',
  'mode',
  'credentials',
  'cache',
  'redirect',
  'integrity',
  'keepalive',
  'signal',
  'duplex',
  'priority',
  'window',
  'dispatcher',
] as const

/** A plain object with all that `init` says, each member read once. */
function read(init: RequestInit | null | undefined): RequestInit {
  if (init === undefined || init === null) return {}
  const own: Record<string, unknown> = { ...init }
  for (const name of members) {
    if (!Object.hasOwn(own, name)) own[name] = Reflect.get(init, name)
  }
  return own
}

/** A caller that aborted with a reason of its own is given that reason back, as fetch does. */
function reasonOf(own: Context, signal: AbortSignal | null | undefined, error: unknown): unknown {
  const aborted = signal?.aborted === true && error === own.err && own.cause === signal.reason
  return aborted ? signal.reason : error
}
