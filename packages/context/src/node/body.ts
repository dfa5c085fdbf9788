/*
 * When the body of a fetched response is over. A fetch that is done has only its head; what happens to the body, and
 * whether anybody reads it at all, the platform tells nobody.
 */

/** Told once how a body ended. */
export interface BodyEnd {
  /** It was read to its end, or its reader cancelled it, or there was none. */
  ended(): void
  /** It failed. What this returns is what the reader is told. */
  failed(error: unknown): unknown
  /** Nobody can read it any more, and nobody did; called some time after a garbage collection. */
  dropped(): void
}

/**
 * The response, with a body that reports its end to `end`; everything else about it stays. Costs one stream, and a
 * promise a chunk. `end` must not lead to the response, or `dropped` is never called.
 */
export function followBody(response: Response, end: BodyEnd): Response {
  if (response.body === null) {
    end.ended()
    // The platform's own would fail now, if ending aborted the fetch.
    return dress(new Response(null, { headers: response.headers }), response)
  }
  let over = false
  const once = (tell: () => void): void => {
    if (!over) tell()
    over = true
  }
  const body = follow(response.body.getReader(), {
    ended: () => once(() => end.ended()),
    failed: (error) => {
      let told = error
      once(() => (told = end.failed(error)))
      return told
    },
    dropped: () => once(() => end.dropped()),
  })
  return dress(new Response(body, { headers: response.headers }), response)
}

/** By the stream and not by the response: who reads the body need not keep the response. */
const unread = new FinalizationRegistry<() => void>((dropped) => dropped())

function follow(reader: ReadableStreamDefaultReader<Uint8Array>, end: BodyEnd): ReadableStream<Uint8Array> {
  const body: ReadableStream<Uint8Array> = new ReadableStream({
    type: 'bytes',
    pull: async (controller) => {
      try {
        let { done, value } = await reader.read()
        while (!done && value?.byteLength === 0) ({ done, value } = await reader.read())
        // A copy: the stream takes the whole buffer behind a chunk, which may be Node's pool or somebody else's.
        if (value !== undefined) return controller.enqueue(new Uint8Array(value))
        end.ended()
        controller.close()
        controller.byobRequest?.respond(0)
      } catch (error) {
        controller.error(end.failed(error))
      }
    },
    cancel: async (reason) => {
      await reader.cancel(reason).finally(() => end.ended())
    },
  })
  unread.register(body, () => end.dropped())
  return body
}

/** Gives a response with a body of ours what only fetch can give one: address, odd statuses, a clone that has them. */
function dress(followed: Response, original: Response): Response {
  const { url, redirected, type, status, statusText, ok } = original
  const own = {
    url,
    redirected,
    type,
    status,
    statusText,
    ok,
    clone: () => dress(Response.prototype.clone.call(followed), original),
  }
  for (const [key, value] of Object.entries(own)) {
    Object.defineProperty(followed, key, { value, configurable: true })
  }
  return followed
}
