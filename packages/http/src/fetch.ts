/**
 * The binding to fetch-style handlers (`Request` in, `Response` out): Bun, Deno, workers, and every framework that
 * speaks their language. What the client got is known as far as the response's body tells: it was read to its end,
 * given up, or failed.
 */

import { STATUS_CODES } from 'node:http'
import { isDeadlineExceeded, run } from '@kit/context'
import { declaredLength } from './body-sizes.ts'
import type { End, Exchange, StreamKind } from './exchange.ts'
import type { HttpObserver, Observation } from './observer.ts'
import { createObserver } from './observer.ts'
import type { HttpOptions } from './options.ts'
import { needFunction } from './options.ts'
import { saysItIsOver } from './over.ts'
import { plainAnswer } from './plain-answer.ts'
import type { BodyEnd } from './response-body.ts'
import { watchBody } from './response-body.ts'
import { streamKind } from './streams.ts'

/** What an adapter for a fetch-style framework adds to the binding. */
export interface FetchBinding {
  /** The template of the route that answered, asked once, when the response is over. */
  route(): string | undefined
  /** Puts the context and the logger where handlers of this framework look for them. */
  attach?(observation: Observation): void
}

/** Options of {@link observeFetch}. */
export interface FetchOptions extends HttpOptions {
  /** The route template of a request. Never answer a raw path. Default: none. */
  route?: (request: Request) => string | undefined
}

type Answer = Response | Promise<Response>

/**
 * Wraps a fetch-style handler; further arguments (`env`, `server`, …) and `this` reach it as they come. Inside it,
 * `current()` is the request's context: it ends when the body of the response was read to its end, when the client
 * leaves (`request.signal`, or the server cancels the body), or with the deadline. A deadline that passes before the
 * handler answered is answered with 503, one that had passed on arrival with 504.
 *
 * The response is returned with the request id added, and otherwise with the status, headers and bytes it had. A
 * handler that fails counts as the 500 that its server makes of it, and the error goes on to there; one that gives up because
 * its client has left answers 499, which nobody gets.
 *
 * Costs a stream and a promise for each chunk of a response.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`, `KIT_HTTP_OPTION_INVALID`.
 */
export function observeFetch<This, Rest extends unknown[]>(
  handler: (this: This, request: Request, ...rest: Rest) => Answer,
  options: FetchOptions = {},
): (this: This, request: Request, ...rest: Rest) => Promise<Response> {
  const { route, ...others } = options
  needFunction('route', route)
  const observer = createObserver(others)
  return function observed(request, ...rest) {
    const binding = { route: () => route?.(request) }
    return observeRequest(observer, request, binding, () => handler.call(this, request, ...rest))
  }
}

/**
 * Observes one request and calls `next` within its context. Where the request is observed already, the outer
 * observation stays in charge, and this binding's route goes before the outer one's. Rejects with what `next` throws.
 */
export async function observeRequest(
  observer: HttpObserver,
  request: Request,
  binding: FetchBinding,
  next: () => Answer,
): Promise<Response> {
  const { observation, first } = observer.begin(request, new FetchExchange(request))
  observation.route(() => binding.route())
  binding.attach?.(observation)
  if (!first) return next()

  const reply = new Reply(observation, request)
  const { ctx } = observation
  if (observation.expired) return reply.send(refusal(504))
  return new Promise((resolve, reject) => {
    let refused = false
    const miss = (error: Error): void => {
      if (!isDeadlineExceeded(error)) return
      refused = true
      resolve(reply.send(refusal(503)))
    }
    const stopWatching = ctx.deadline === undefined ? undefined : ctx.afterFunc(miss)
    const work = async (): Promise<void> => {
      try {
        const response = await run(ctx, async () => next())
        if (refused) reply.discard(response)
        else resolve(reply.send(response))
      } catch (error) {
        if (refused) return
        if (reply.isOver(error)) {
          // Nobody waits for it; the server may be one that prints what its handler rejects with, or ends by it.
          const { err } = ctx
          if (isDeadlineExceeded(err)) miss(err as Error)
          else resolve(reply.send(new Response(null, { status: 499 })))
          return
        }
        reply.fail(error)
        reject(error)
      } finally {
        stopWatching?.()
      }
    }
    void work()
  })
}

/** The way of a response to its client, as far as it can be seen from here. */
class Reply {
  readonly #observation: Observation
  readonly #request: Request
  readonly #left: () => void
  #status: number | undefined
  /** Of the response's body, where sizes are wanted and they can be told. */
  #bytes: number | undefined

  constructor(observation: Observation, request: Request) {
    this.#observation = observation
    this.#request = request
    this.#status = undefined
    this.#bytes = undefined
    this.#left = () => this.#end('aborted')
    if (request.signal.aborted) this.#left()
    else request.signal.addEventListener('abort', this.#left, { once: true })
  }

  /** The response to return in place of `response`, with the request id and a body that tells its end. */
  send(response: Response): Response {
    try {
      return this.#follow(response)
    } catch {
      // Of a class that is none of the platform's, and unlike it: its server may know what to do with it.
      this.#end('finished')
      return response
    }
  }

  #follow(response: Response): Response {
    // Servers have answers of their own that are no responses: Bun's for an upgraded connection is undefined.
    if (!isResponse(response) || response.type === 'error') {
      this.#end(isResponse(response) ? 'cut' : 'finished')
      return response
    }
    const { body, status, statusText } = response
    this.#status = status
    const isBare = body === null || this.#request.method === 'HEAD'
    const watched = !isBare && !body.locked
    if (this.#observation.wantsSizes && (isBare || watched) && status >= 200) this.#bytes = 0
    const kind = watched ? this.#kindOf(response) : undefined
    if (kind !== undefined) this.#observation.streaming(kind)
    if (!watched) this.#end('finished')
    // An upgrade cannot be made anew, and what somebody reads already cannot be passed on.
    if (status < 200 || status > 599 || body?.locked === true) return response
    const headers = new Headers(response.headers)
    headers.set(this.#observation.requestIdHeader, this.#observation.requestId)
    const sent = watched
      ? watchBody(
          body,
          this.#observation.ctx,
          (how, error) => this.#bodyEnd(how, error),
          this.#bytes === undefined ? undefined : (chunk) => this.#passed(chunk),
        )
      : body
    return new Response(sent, { status, statusText, headers })
  }

  /** Of an upgrade nothing is to be seen from here but that it was granted, which is quick, and counted as such. */
  #kindOf({ status, headers }: Response): StreamKind | undefined {
    return streamKind(this.#request.method, status, headers.get('content-type'))
  }

  /** Whether a handler that failed did so because the request is over. */
  isOver(error: unknown): boolean {
    const { signal } = this.#request
    if (signal.aborted && error === signal.reason) return true
    return saysItIsOver(error, this.#observation.ctx, () => signal.aborted)
  }

  /** Of a handler that did not answer. */
  fail(error: unknown): void {
    this.#observation.fail(error)
    this.#status = 500
    this.#end('finished')
  }

  /** What a handler answered when it was too late. */
  discard(response: Response): void {
    this.#observation.lateResponse()
    if (isResponse(response)) response.body?.cancel().catch(nothing)
  }

  #passed(chunk: Uint8Array): void {
    this.#bytes = (this.#bytes ?? 0) + (chunk.byteLength ?? 0)
  }

  #bodyEnd(how: Parameters<BodyEnd>[0], error: unknown): void {
    if (how === 'failed') this.#observation.fail(error)
    this.#end(kindOf[how])
  }

  #end(kind: End['kind']): void {
    this.#request.signal.removeEventListener('abort', this.#left)
    const end = { kind, status: this.#status }
    this.#observation.end(
      this.#observation.wantsSizes
        ? { ...end, requestBytes: requestBytes(this.#request), responseBytes: this.#bytes }
        : end,
    )
  }
}

/** Of a body that comes in chunks, whoever reads it knows the size, and nobody else. */
function requestBytes({ body, headers }: Request): number | undefined {
  return body === null ? 0 : declaredLength(headers.get('content-length') ?? undefined)
}

/** A body that nobody read to its end reached no client. */
const kindOf = { read: 'finished', failed: 'cut', canceled: 'aborted', dropped: 'aborted' } as const

class FetchExchange implements Exchange {
  readonly #request: Request
  readonly peerAddress: undefined
  readonly protocolVersion = ''

  constructor(request: Request) {
    this.#request = request
    this.peerAddress = undefined
  }

  get method(): string {
    return this.#request.method
  }

  get target(): string {
    const { url } = this.#request
    const path = url.indexOf('/', url.indexOf('://') + 3)
    return path === -1 ? '/' : url.slice(path)
  }

  get scheme(): 'http' | 'https' {
    return this.#request.url.startsWith('https:') ? 'https' : 'http'
  }

  header(name: string): string | undefined {
    return this.#request.headers.get(name) ?? undefined
  }
}

/** The answer in the handler's place, as the binding to Node's servers gives it. */
function refusal(status: number): Response {
  return plainAnswer(status, `${STATUS_CODES[status] ?? status}\n`)
}

/** By its form, since servers and libraries bring classes of their own. */
function isResponse(value: Response | undefined): value is Response {
  return typeof value?.headers === 'object' && typeof value.status === 'number'
}

function nothing(): void {}
