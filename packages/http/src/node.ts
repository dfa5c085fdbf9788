/**
 * The binding to Node's own servers, HTTP/1 and HTTP/2: what every Node framework's adapter rests on. It reads
 * the request head, follows the response to its close, answers 504 and 503 for the deadline, and touches the
 * response in no other way: nothing is wrapped or patched while a request goes well.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { run } from '@kit/context'
import { clientLeft, connectionError, NodeExchange } from './node-exchange.ts'
import type { HttpObserver, Observation } from './observer.ts'
import { createObserver } from './observer.ts'
import type { HttpOptions } from './options.ts'
import { needFunction } from './options.ts'
import { answer } from './answer.ts'
import { saysItIsOver } from './over.ts'

export { observeUpgrade } from './upgrade.ts'
export type { UpgradeListener } from './upgrade.ts'

/** A request of node:http or of node:http2's compatibility API. */
export type NodeRequest = IncomingMessage | Http2ServerRequest
/** A response of node:http or of node:http2's compatibility API. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** What a framework's adapter adds to the binding. */
export interface NodeBinding {
  /**
   * The template of the route that answered, asked when the response has closed, and before that whenever an override
   * of the log's levels wants to know.
   */
  route(): string | undefined
  /** Puts the context and the logger where handlers of this framework look for them. */
  attach?(observation: Observation): void
}

/** Options of {@link observeListener}. */
export interface ListenerOptions extends HttpOptions {
  /**
   * The route template of a request, as node:http has no router; may be asked more than once. Never answer a raw path.
   * Default: none.
   */
  route?: (req: NodeRequest) => string | undefined
  /**
   * Takes the errors of the listener, which it would throw or reject with otherwise. The request has its answer by then, and the
   * error stands in its log line. Not called for what only says that the request is over. Default: errors go on.
   */
  onError?: (error: unknown, req: NodeRequest) => void
}

/**
 * Observes one request and calls `next` within its context. Where the request is observed already, the outer
 * observation stays in charge: handlers find it here too, and this binding's route goes before the outer one's. Answers 504 instead when the caller's deadline has passed, and 503 in the handler's place when the
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
  const exchange = new NodeExchange(req, res)
  const { observation, first } = observer.begin(req, exchange.head)
  observation.route(() => binding.route())
  binding.attach?.(observation)
  if (!first) return next()

  exchange.follow(observation)
  if (!res.headersSent) res.setHeader(observation.requestIdHeader, observation.requestId)
  if (observation.expired && !res.headersSent) {
    exchange.refuse(504)
    return undefined
  }
  const { ctx } = observation
  if (ctx.deadline !== undefined) exchange.watchDeadline(ctx)
  return run(ctx, next)
}

/**
 * Wraps a listener for `createServer` of node:http, node:https or node:http2. Inside it, `current()` is the
 * request's context. A listener that throws, or whose promise rejects, before it answered gets a 500 (its
 * connection is cut when it had begun to answer, and not done), and the error goes to `onError`, or on to where it would have gone:
 * by Node's defaults it ends the process.
 *
 * A listener that is rejected because its request is over (the context's error, a cancellation, a stream of the client's
 * connection that broke) has not failed: that goes nowhere.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`, `KIT_HTTP_OPTION_INVALID`.
 */
export function observeListener<
  Req extends NodeRequest = IncomingMessage,
  Res extends NodeResponse = ServerResponse,
>(
  // The server that takes the result says what its requests are.
  listener: (req: NoInfer<Req>, res: NoInfer<Res>) => unknown,
  options?: ListenerOptions,
): (req: Req, res: Res) => void
export function observeListener(
  listener: (req: Http2ServerRequest, res: Http2ServerResponse) => unknown,
  options?: ListenerOptions,
): (req: Http2ServerRequest, res: Http2ServerResponse) => void
export function observeListener(
  listener: (req: never, res: never) => unknown,
  options: ListenerOptions = {},
): (req: NodeRequest, res: NodeResponse) => void {
  const { route, onError, ...rest } = options
  needFunction('route', route)
  needFunction('onError', onError)
  const observer = createObserver(rest)
  return (req, res) => {
    let observation: Observation | undefined
    const failed = (error: unknown): void => {
      const over =
        observation !== undefined &&
        (error === connectionError(req) || saysItIsOver(error, observation.ctx, () => clientLeft(req)))
      if (!over) observation?.fail(error)
      // Of a request that is over, the answer is somebody else's: the deadline's, or nobody's.
      if (res.headersSent) {
        if (!res.writableEnded) breakOff(res)
      } else if (!over) {
        answer(res, 500)
      }
      if (over) return
      if (onError === undefined) throw error
      onError(error, req)
    }
    const binding: NodeBinding = {
      route: () => route?.(req),
      attach: (opened) => {
        observation = opened
      },
    }
    return observeNode(observer, req, res, binding, () => {
      try {
        const result = listener(req as never, res as never)
        return result instanceof Promise ? result.catch(failed) : result
      } catch (error) {
        return failed(error)
      }
    }) as void
  }
}

/** Breaks off a response that has begun, so that the client cannot take what it got for the whole. */
function breakOff(res: NodeResponse): void {
  if ('stream' in res) res.stream?.close(constants.NGHTTP2_INTERNAL_ERROR)
  else res.destroy()
}
