/**
 * Errors that say no more than that the request is over. Work that is given up because its client left, or its deadline
 * passed, rejects: that is how it ends, and nobody's failure.
 */

import type { Context } from '@kit/context'
import { isCanceled } from '@kit/context'

/**
 * Whether an error that came out of a handler is what became of the end of its request: the error of the request's context, one
 * that it caused, or any cancellation when that context has ended; or what the streams of its connection fail with once
 * the client `left`. Never throws, whatever was thrown.
 */
export function saysItIsOver(error: unknown, ctx: Context, left: () => boolean): boolean {
  try {
    const { err } = ctx
    if (err !== undefined && (isCanceled(error) || isCausedBy(error, err))) return true
    return isOfLostStream(error) && left()
  } catch {
    return false
  }
}

/** A longer chain of causes is none that an application builds; this also bounds cycles. */
const longestChain = 64

function isCausedBy(error: unknown, cause: unknown): boolean {
  let link = error
  for (let depth = 0; depth < longestChain && typeof link === 'object' && link !== null; depth += 1) {
    if (link === cause) return true
    link = (link as { cause?: unknown }).cause
  }
  return false
}

/** What Node's streams say when the one under them has gone. What the system says, of a socket, has a `syscall`. */
function isOfLostStream(error: unknown): boolean {
  const { code, syscall } = (error ?? {}) as { code?: unknown; syscall?: unknown }
  if (code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ERR_STREAM_DESTROYED') return true
  return code === 'ECONNRESET' && syscall === undefined
}
