/**
 * The binding to Node's own servers, HTTP/1 and HTTP/2: what every Node framework's adapter rests on. It reads
 * the request head, follows the response to its close, answers 504 and 503 for the deadline, and touches the
 * response in no other way: nothing is wrapped or patched while a request goes well.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'
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
  const { observation, first } = observer.begin(req, new NodeExchange(req))
  observation.route(() => binding.route())
  binding.attach?.(observation)
  if (!first) return next()

  const { ctx } = observation
  const socket = connectionOf(req)
  let answered: number | undefined
  let stopWatching: () => unknown = nothing
  followToTheEnd(res, socket, () => {
    stopWatching()
    observation.end(endOf(res, socket, answered))
  })

  if (!res.headersSent) res.setHeader(observation.requestIdHeader, observation.requestId)
  const refuse = (status: number): void => {
    answered = status
    answer(res, status)
    seal(res, () => observation.lateResponse())
  }
  if (observation.expired && !res.headersSent) {
    refuse(504)
    return undefined
  }
  // What an upgraded connection speaks is no longer HTTP: it only learns that its context has ended.
  const upgraded = (req as { upgrade?: boolean }).upgrade === true
  if (ctx.deadline !== undefined && !upgraded) {
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
export function observeListener(
  listener: (req: IncomingMessage, res: ServerResponse) => unknown,
  options?: ListenerOptions,
): (req: IncomingMessage, res: ServerResponse) => void
export function observeListener(
  listener: (req: Http2ServerRequest, res: Http2ServerResponse) => unknown,
  options?: ListenerOptions,
): (req: Http2ServerRequest, res: Http2ServerResponse) => void
export function observeListener(
  listener: (req: never, res: never) => unknown,
  options: ListenerOptions = {},
): (req: NodeRequest, res: NodeResponse) => void {
  const { route, ...rest } = options
  const observer = createObserver(rest)
  return (req, res) => {
    let observation: Observation | undefined
    const failed = (error: unknown): never => {
      observation?.fail(error)
      if (res.headersSent) breakOff(res)
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
        const result = listener(req as never, res as never)
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
 * Calls `close` when nothing more of the response can reach the client; perhaps more than once. The response's own
 * `close` says so, but not always: before Node 24, a pipelined response that waits for its turn is forgotten when the
 * connection ends, and a cancelled HTTP/2 stream may not tell its compatibility response (nodejs/node#56374).
 */
function followToTheEnd(res: NodeResponse, socket: Socket | undefined, close: () => void): void {
  if ('stream' in res) {
    if (res.stream === undefined || res.stream.destroyed) return close()
    res.stream.once('close', close)
  } else if (res.closed || res.destroyed) {
    return close()
  } else if (socket !== undefined) {
    const open = openOn(socket)
    open.add(close)
    res.once('close', () => open.delete(close))
  }
  res.once('close', close)
}

/** What is to be told when a connection ends: one listener a connection, however many requests it carries. */
const waiting: WeakMap<Socket, Set<() => void>> = new WeakMap()

function openOn(socket: Socket): Set<() => void> {
  const known = waiting.get(socket)
  if (known !== undefined) return known
  const open = new Set<() => void>()
  waiting.set(socket, open)
  socket.once('close', () => {
    for (const close of open) close()
  })
  return open
}

/**
 * A response is whole when it was ended and finished, and its connection had no error by then: before Node 24, one
 * whose last bytes the network refused reports itself as finished all the same. So does a cancelled HTTP/2 stream,
 * where the reset code has the last word.
 */
function endOf(res: NodeResponse, socket: Socket | undefined, answered: number | undefined): End {
  const http2 = 'stream' in res
  const reset = http2 ? (res.stream?.rstCode ?? 0) : 0
  const broken = http2 ? reset !== 0 : errorOf(socket) !== null
  const ended = answered !== undefined || res.writableEnded
  // Without a network, nothing can be lost after the end.
  const handedOver = res.writableFinished || (socket === undefined && !http2)
  const whole = ended && handedOver && !broken
  const cut = http2 ? reset === constants.NGHTTP2_INTERNAL_ERROR : !endedByPeer(socket)
  const kind = whole ? 'finished' : cut ? 'cut' : 'aborted'
  return { kind, status: answered ?? (res.headersSent ? res.statusCode : undefined) }
}

/** A client that leaves ends its side or breaks the connection; a service that gives up just destroys the socket. */
function endedByPeer(socket: Socket | undefined): boolean {
  const error = errorOf(socket)
  return socket === undefined || socket.readableEnded || (error !== null && 'syscall' in error)
}

function errorOf(socket: Socket | undefined): Error | null {
  return socket?.errored ?? null
}

/** The request's connection. Tools that inject requests without a network have none, or a mere look-alike. */
function connectionOf(req: NodeRequest): Socket | undefined {
  const { socket } = req as { socket?: Partial<Socket> | null }
  const real = typeof socket?.once === 'function' && typeof socket.destroy === 'function'
  return real ? (socket as Socket) : undefined
}

/** Breaks off a response that has begun, so that the client cannot take what it got for the whole. */
function breakOff(res: NodeResponse): void {
  if ('stream' in res) res.stream?.close(constants.NGHTTP2_INTERNAL_ERROR)
  else res.destroy()
}

function nothing(): void {}
