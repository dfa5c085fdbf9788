/**
 * The binding to Node's own servers, HTTP/1 and HTTP/2: what every Node framework's adapter rests on. It reads
 * the request head, follows the response to its close, answers 504 and 503 for the deadline, and touches the
 * response in no other way: nothing is wrapped or patched while a request goes well.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { isDeadlineExceeded, run } from '@kit/context'
import type { End, Exchange } from './exchange.ts'
import type { HttpObserver, Observation } from './observer.ts'
import { createObserver } from './observer.ts'
import type { HttpOptions } from './options.ts'
import { answer, seal } from './answer.ts'

/** A request of node:http or of node:http2's compatibility API. */
export type NodeRequest = IncomingMessage | Http2ServerRequest
/** A response of node:http or of node:http2's compatibility API. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** What a framework's adapter adds to the binding. */
export interface NodeBinding {
  /** The template of the route that answered, asked once, when the response has closed. */
  route(): string | undefined
  /** Puts the context and the logger where handlers of this framework look for them. */
  attach?(observation: Observation): void
}

/** Options of {@link observeListener}. */
export interface ListenerOptions extends HttpOptions {
  /** The route template of a request, as node:http has no router. Never answer a raw path. Default: none. */
  route?: (req: NodeRequest) => string | undefined
}

/**
 * Observes one request and calls `next` within its context, or calls just `next` when the request is observed
 * already. Answers 504 instead when the caller's deadline has passed, and 503 in the handler's place when the
 * deadline passes before a response head was sent; what the handler writes after that goes nowhere.
 *
 * Throws what `next` throws.
 */
export function observeNode<R>(
  observer: HttpObserver,
  req: NodeRequest,
  res: NodeResponse,
  binding: NodeBinding,
  next: () => R,
): R | undefined {
  const observation = observer.begin(req, new NodeExchange(req))
  if (observation === undefined) return next()
  const { ctx } = observation

  let answered: number | undefined
  let stopWatching: () => unknown = nothing
  const close = (): void => {
    stopWatching()
    observation.end(endOf(res, answered), () => binding.route())
  }
  if (res.closed || res.destroyed) close()
  else res.once('close', close)
  // A cancelled HTTP/2 stream may close without its compatibility response saying so (nodejs/node#56374).
  if ('stream' in res) res.stream?.once('close', close)

  if (!res.headersSent) res.setHeader(observation.requestIdHeader, observation.requestId)
  binding.attach?.(observation)

  const refuse = (status: number): void => {
    answered = status
    answer(res, status)
    seal(res, () => observation.lateResponse())
  }
  if (observation.expired) {
    refuse(504)
    return undefined
  }
  if (ctx.deadline !== undefined) {
    stopWatching = ctx.afterFunc((error) => {
      if (isDeadlineExceeded(error) && !res.headersSent && !res.destroyed) refuse(503)
    })
  }
  return run(ctx, next)
}

/**
 * Wraps a listener for `createServer` of node:http, node:https or node:http2. Inside it, `current()` is the
 * request's context. A listener that throws, or whose promise rejects, before it answered gets a 500 (its
 * connection is cut when it had begun to answer), and the error goes on to where it would have gone.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`, `KIT_HTTP_OPTION_INVALID`.
 */
export function observeListener<Req extends NodeRequest, Res extends NodeResponse>(
  listener: (req: Req, res: Res) => unknown,
  options: ListenerOptions = {},
): (req: Req, res: Res) => void {
  const { route, ...rest } = options
  const observer = createObserver(rest)
  return (req, res) => {
    let observation: Observation | undefined
    const failed = (error: unknown): never => {
      observation?.fail(error)
      if (res.headersSent) res.destroy()
      else answer(res, 500)
      throw error
    }
    const binding: NodeBinding = {
      route: () => route?.(req),
      attach: (opened) => {
        observation = opened
      },
    }
    return observeNode(observer, req, res, binding, () => {
      try {
        const result = listener(req, res)
        return result instanceof Promise ? result.catch(failed) : result
      } catch (error) {
        return failed(error)
      }
    }) as void
  }
}

class NodeExchange implements Exchange {
  readonly #req: NodeRequest

  constructor(req: NodeRequest) {
    this.#req = req
  }

  get method(): string {
    return this.#req.method ?? 'GET'
  }

  get target(): string {
    // Frameworks rewrite url under a mount; what they keep aside is what the client sent.
    return (this.#req as { originalUrl?: string }).originalUrl ?? this.#req.url ?? '/'
  }

  get scheme(): 'http' | 'https' {
    return (this.#req.socket as { encrypted?: boolean } | undefined)?.encrypted === true ? 'https' : 'http'
  }

  get protocolVersion(): string {
    return this.#req.httpVersion
  }

  get peerAddress(): string | undefined {
    const address = this.#req.socket?.remoteAddress
    return address?.startsWith('::ffff:') === true ? address.slice(7) : address
  }

  header(name: string): string | undefined {
    const value = this.#req.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }
}

/**
 * `close` of the response is the only event that always comes, and `finish` the only proof that it is whole.
 * A cancelled HTTP/2 stream reports itself as finished, so its reset code has the last word.
 */
function endOf(res: NodeResponse, answered: number | undefined): End {
  const reset = 'stream' in res ? (res.stream?.rstCode ?? 0) : 0
  const kind = res.writableEnded && res.writableFinished && reset === 0 ? 'finished' : 'aborted'
  if (answered !== undefined) return { kind, status: answered }
  return { kind, status: res.headersSent ? res.statusCode : undefined }
}

function nothing(): void {}
