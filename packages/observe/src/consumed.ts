/**
 * The end of what is read after a call has returned it: the body of a response, a stream. Who asks for it gets calls that
 * last until the last byte was read; nothing is read here that the caller does not read.
 */

import { Readable } from 'node:stream'
import { followBody } from '@kit/context/node'

/** Told once how the reading ended. */
export interface Consumption {
  /** It was read to its end, or its reader had enough. */
  readonly ended: () => void
  readonly failed: (error: unknown) => void
}

/**
 * Sees to it that the end of `value` is told. Returns what the caller is to read instead: for a `Response` or a
 * `ReadableStream` another one, since theirs cannot be watched from beside; for a stream of Node the same. Undefined if
 * there is nothing to read.
 */
export function untilConsumed(value: unknown, consumption: Consumption): unknown {
  try {
    if (value instanceof Readable) return followReadable(value, consumption)
    if (value instanceof Response) {
      const { ended } = consumption
      const failed = (error: unknown): unknown => {
        consumption.failed(error)
        return error
      }
      return value.bodyUsed ? undefined : followBody(value, { ended, failed, dropped: ended })
    }
    if (value instanceof ReadableStream && !value.locked) return followStream(value, consumption)
  } catch {
    // What cannot be followed is a value like any other.
  }
  return undefined
}

/** Whether a result is read after it was returned, under the context of its call. */
export function holdsBody(value: unknown): boolean {
  try {
    return value instanceof Response || value instanceof ReadableStream || value instanceof Readable
  } catch {
    return false
  }
}

/** Listens to its end alone: listening to `error` would hide errors that nobody handles. */
function followReadable(stream: Readable, consumption: Consumption): Readable | undefined {
  if (stream.readableEnded || stream.destroyed) return undefined
  let over = false
  const end = (): void => {
    if (over) return
    over = true
    if (stream.errored === null) consumption.ended()
    else consumption.failed(stream.errored)
  }
  stream.once('end', end).once('close', end)
  return stream
}

function followStream(stream: ReadableStream, consumption: Consumption): ReadableStream {
  const reader = stream.getReader()
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          consumption.ended()
          controller.close()
        } catch (error) {
          consumption.failed(error)
          controller.error(error)
        }
      },
      async cancel(reason) {
        await reader.cancel(reason).finally(() => consumption.ended())
      },
    },
    { highWaterMark: 0 },
  )
}
