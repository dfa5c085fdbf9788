/** When the body of an outgoing `Response` is over, without reading ahead and without a copy of it. */

import type { Context } from '@kit/context'
import { bind } from '@kit/context'

/** How a body ended: read to its end, failed, given up by its reader, or dropped without being read to its end. */
export type BodyEnd = (how: 'read' | 'failed' | 'canceled' | 'dropped', error?: unknown) => void

/**
 * The same bytes, chunk by chunk as they are asked for; `end` is told once how that ended. `end` must not lead to the
 * stream, or `dropped`, which comes some time after a garbage collection, is never told. `passed` is told of each chunk.
 * The body is read within `ctx`, for those that are made while they are read.
 */
export function watchBody(
  body: ReadableStream<Uint8Array>,
  ctx: Context,
  end: BodyEnd,
  passed?: (chunk: Uint8Array) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const read = bind(() => reader.read(), ctx)
  const ending = new Ending(end)
  const watched = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await read()
          // Given up while it was read: the stream takes nothing more, and would say so by throwing.
          if (ending.told) return
          if (!done) {
            passed?.(value)
            return controller.enqueue(value)
          }
          ending.tell('read')
          controller.close()
        } catch (error) {
          ending.tell('failed', error)
          controller.error(error)
        }
      },
      cancel(reason) {
        ending.tell('canceled')
        return reader.cancel(reason)
      },
    },
    // Nothing is read before it is asked for, so that the end of reading is the reader's and not the queue's.
    { highWaterMark: 0 },
  )
  unread.register(watched, ending, ending)
  return watched
}

/** The registry holds on to it, so it leads to nothing but `end`, and is taken out of there when that was told. */
class Ending {
  told = false
  readonly #end: BodyEnd

  constructor(end: BodyEnd) {
    this.#end = end
  }

  tell(...how: Parameters<BodyEnd>): void {
    if (this.told) return
    this.told = true
    unread.unregister(this)
    this.#end(...how)
  }
}

const unread = new FinalizationRegistry<Ending>((ending) => ending.tell('dropped'))
