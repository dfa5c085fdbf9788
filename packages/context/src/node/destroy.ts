/*
 * Streams, sockets and requests under a context: whatever has a `destroy` and says when it is closed.
 */
import { EventEmitter, errorMonitor } from 'node:events'
import type { Context } from '../context.ts'
import { assertContext } from '../context-node.ts'
import { ContextError } from '../errors.ts'

/** A stream of any kind, a socket, a `ClientRequest`, a stream of HTTP/2. */
export interface Destroyable {
  readonly closed?: boolean
  readonly destroyed?: boolean
  destroy(error?: Error): unknown
  once(event: 'close', listener: () => void): unknown
}

/**
 * Has the stream destroyed with `ctx.err` when the context ends, and returns it. Its 'error' event carries that error,
 * so `pipeline`, `finished` and `for await` fail with it; of a `ClientRequest` the response fails with it as well.
 * Nothing stays on the context once the stream has closed; one made with `emitClose: false` is let go once it destroyed
 * itself at its end or failed, but `destroy()` without an error tells nobody. As with every stream, an 'error' that
 * nobody listens to is uncaught. Throws KIT_INVALID_CONTEXT, KIT_INVALID_STREAM.
 */
export function destroyOnDone<S extends Destroyable>(ctx: Context, stream: S): S {
  assertContext(ctx)
  if (typeof stream?.destroy !== 'function' || typeof stream.once !== 'function') {
    throw new ContextError('KIT_INVALID_STREAM', 'destroyOnDone needs a stream, a socket or a request')
  }
  if (stream.destroyed ?? stream.closed) return stream // destroying it again does nothing
  const stop = ctx.afterFunc((err) => {
    // The response of a request would otherwise fail with a reset of its connection.
    const { res } = stream as { res?: Partial<Destroyable> | null }
    if (typeof res?.destroy === 'function') res.destroy(err)
    stream.destroy(err)
  })
  stream.once('close', stop)
  if (stream instanceof EventEmitter) {
    // A stream that emits no 'close' destroys itself right after its last event.
    const look = (): void => process.nextTick(() => void (stream.destroyed === true && stop()))
    for (const event of ['end', 'finish', errorMonitor]) stream.on(event, look)
  }
  return stream
}
