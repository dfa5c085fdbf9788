/** `fetch` under the ambient context. */

import { followBody } from '@kit/context/node'
import { Call } from './client-call.ts'
import type { ClientOptions } from './client-options.ts'
import { resolveClientOptions } from './client-options.ts'
import type { Fetch } from './client-redirects.ts'
import { fetchFollowing } from './client-redirects.ts'

/**
 * The same `fetch`, under the ambient context (`current()`):
 *
 * - it is aborted when the context ends, until its body has been read to the end, with the context's error;
 *   a `signal` of the caller's own is obeyed as well, and its reason is what the call rejects with;
 * - `grpc-timeout` (what is left of the deadline), `x-request-id` and `traceparent` are sent, except those that
 *   the caller set itself; with less than 5 ms left nothing is sent and the context's error is thrown;
 * - `http.client.request.duration` (seconds, until the body's end) is recorded by method, server, status and
 *   error type; a call that its context or its caller cancelled is no error. A body that is never read is timed to
 *   its head.
 *
 * Redirects are followed as `fetch` does, and measured as one call to the first server. With `propagate`, kit follows
 * them itself, so that every host is told what it may know and no more; a body that is a stream, or that of a
 * `Request`, cannot be sent a second time then, and a 307 or 308 in answer to it fails the call with a TypeError.
 * Observing an observed fetch returns it as it is.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`, `KIT_HTTP_OPTION_INVALID`. Calls reject with what `fetch` rejects with.
 */
export function observeClient(fetch: Fetch = globalThis.fetch, options: ClientOptions = {}): Fetch {
  if (observedClients.has(fetch)) return fetch
  const { duration, methodLabel, selective, headersFor } = resolveClientOptions(options)

  const observed: Fetch = async (input, init) => {
    const request = isRequest(input) ? input : undefined
    const url = new URL(isRequest(input) ? input.url : input)
    const call = new Call(
      duration,
      methodLabel(init?.method ?? request?.method ?? 'GET'),
      url,
      init?.signal === undefined ? request?.signal : init.signal,
    )
    const headersOf = (to: URL, given: Headers): Headers => {
      const headers = new Headers(given)
      for (const [name, value] of headersFor(call.ctx, to, (known) => headers.has(known))) {
        headers.set(name, value)
      }
      return headers
    }
    try {
      const own = new Headers(init?.headers ?? request?.headers)
      const follows = (init?.redirect ?? request?.redirect ?? 'follow') === 'follow'
      const { signal } = call.ctx
      const response =
        selective && follows
          ? await fetchFollowing(fetch, input, { ...init, signal }, own, headersOf)
          : await fetch(input, { ...init, headers: headersOf(url, own), signal })
      return follow(call, response)
    } catch (error) {
      throw call.fail(error)
    }
  }
  observedClients.add(observed)
  return observed
}

const observedClients = new WeakSet<Fetch>()

/** The response with a body that reports its end to the call, or the response itself when it has none. */
function follow(call: Call, response: Response): Response {
  call.head(response.status)
  call.whenContextEnds((error) => void call.fail(error))
  return followBody(response, {
    ended: () => call.finish(),
    failed: (error) => call.fail(error),
    dropped: () => call.drop(),
  })
}

/** By its shape: the `Request` of the undici package is another class than the global one. */
function isRequest(input: string | URL | Request): input is Request {
  return typeof input === 'object' && 'url' in input && 'headers' in input
}
