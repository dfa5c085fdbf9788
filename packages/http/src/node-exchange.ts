/**
 * What is followed of a request on one of Node's own servers, and how its response came to its end. HTTP/1 and HTTP/2 tell
 * this in different ways, and the releases of Node did; all of it is here.
 */

import { constants } from 'node:http2'
import type { Socket } from 'node:net'
import type { Context } from '@kit/context'
import { isDeadlineExceeded } from '@kit/context'
import { answer, seal, statusOfSealed } from './answer.ts'
import { BodyCount } from './body-count.ts'
import { joinConnection, leaveConnection } from './connection-end.ts'
import type { Connection, OnConnection } from './connection-end.ts'
import type { End, StreamKind } from './exchange.ts'
import { FirstAnswer } from './first-answer.ts'
import { NodeHead } from './node-head.ts'
import type { NodeRequest, NodeResponse } from './node.ts'
import type { Observation } from './observer.ts'
import { saysItIsOver } from './over.ts'
import { streamKind } from './streams.ts'

/** A request and its response, from the head to the close. Not derived from the head: `super` costs more than an object. */
export class NodeExchange implements OnConnection {
  readonly head: NodeHead
  readonly #req: NodeRequest
  readonly #res: NodeResponse
  #socket: Socket | undefined = undefined
  /** What tells of its end: the socket, or the session. */
  #connection: Connection | undefined = undefined
  /** Of a request for another protocol, which is not answered by the response. */
  #upgrade: FirstAnswer | undefined = undefined
  /** Of what is read and written, where the sizes are wanted. */
  #bodies: BodyCount | undefined = undefined
  #observation: Observation | undefined = undefined
  /** The status that was answered in the handler's place; 0 while none was. */
  #answered = 0
  #stopWatching: (() => boolean) | undefined = undefined

  constructor(req: NodeRequest, res: NodeResponse) {
    this.head = new NodeHead(req)
    this.#req = req
    this.#res = res
  }

  /**
   * Ends the observation when nothing more of the response can reach the client. The response's own `close` says so,
   * but not always: before Node 24, a pipelined response that waits for its turn is forgotten when the connection ends,
   * and a cancelled HTTP/2 stream may not tell its compatibility response (nodejs/node#56374).
   */
  follow(observation: Observation): void {
    this.#observation = observation
    const res = this.#res
    const socket = connectionOf(this.#req)
    this.#socket = socket
    // Nothing is put on the response: frameworks change its prototype, after which a property costs microseconds on Node 20.
    const closed = (): void => this.closed()
    if ('stream' in res) {
      if (res.stream === undefined || res.stream.destroyed) return this.closed()
      res.stream.on('close', closed)
      this.#join(res.stream.session)
    } else if (res.closed || res.destroyed || socket?.closed === true) {
      return this.closed()
    } else if (socket !== undefined) {
      if ((this.#req as { upgrade?: boolean }).upgrade === true) {
        this.#upgrade = new FirstAnswer(socket)
        // Who answers such a request by its response has no server behind it that would close it.
        res.on('finish', closed)
      }
      this.#join(socket)
    }
    if (observation.wantsSizes) this.#bodies = new BodyCount(this.#req, res)
    res.on('close', closed)
  }

  #join(connection: Connection | undefined): void {
    if (connection === undefined) return
    this.#connection = connection
    joinConnection(connection, this)
  }

  /** Nothing more can reach the client. May be called more than once. */
  closed(): void {
    if (this.#connection !== undefined) leaveConnection(this.#connection, this)
    this.#stopWatching?.()
    const observation = this.#observation
    if (observation === undefined) return
    const end = this.#end()
    // Frameworks, and `pipeline`, break a response off with what its body failed with, and tell nobody else.
    if (end.kind === 'cut') {
      const why = errorOfResponse(this.#res)
      if (why !== null && !saysItIsOver(why, observation.ctx, () => false)) observation.fail(why)
    }
    observation.end(end)
  }

  look(): void {
    const kind = this.#stream()
    if (kind !== undefined) this.#observation?.streaming(kind)
  }

  #end(): End {
    const res = this.#res
    const socket = this.#socket
    if (this.#upgrade !== undefined && !res.headersSent) return endOfUpgrade(this.#upgrade, socket)
    const end = endOf(res, socket, this.#answered || (statusOfSealed(res) ?? 0))
    const stream = this.#stream()
    return stream === undefined && this.#bodies === undefined
      ? end
      : { ...end, stream, ...this.#bodies?.sizes() }
  }

  /** What the response is by now, if it is one that is meant to last. */
  #stream(): StreamKind | undefined {
    const res = this.#res
    if (res.headersSent) return streamKind(this.head.method, res.statusCode, res.getHeader('content-type'))
    return this.#upgrade?.status === 101 ? 'upgrade' : undefined
  }

  /** Answers in the handler's place; what the handler writes after that goes nowhere. */
  refuse(status: number): void {
    const res = this.#res
    this.#answered = status
    answer(res, status)
    seal(res, () => this.#observation?.lateResponse())
  }

  /** Answers 503 when the deadline passes before a response head was sent. */
  watchDeadline(ctx: Context): void {
    // What an upgraded connection speaks is no longer HTTP: it only learns that its context has ended.
    if ((this.#req as { upgrade?: boolean }).upgrade === true) return
    this.#stopWatching = ctx.afterFunc((error) => {
      const res = this.#res
      if (isDeadlineExceeded(error) && !res.headersSent && !res.destroyed) this.refuse(503)
    })
  }
}

/**
 * A response is whole when it was ended and finished, and its connection had no error by then: before Node 24, one
 * whose last bytes the network refused reports itself as finished all the same. So does a cancelled HTTP/2 stream,
 * where the reset code has the last word.
 */
function endOf(res: NodeResponse, socket: Socket | undefined, answered: number): End {
  const http2 = 'stream' in res
  const reset = http2 ? (res.stream?.rstCode ?? 0) : 0
  const broken = http2 ? reset !== 0 : errorOf(socket) !== null
  const ended = answered !== 0 || res.writableEnded
  // Without a network, nothing can be lost after the end.
  const handedOver = res.writableFinished || (socket === undefined && !http2)
  const whole = ended && handedOver && !broken
  // A stream that the service just destroys has no reset code; those of clients that leave, or lose their connection, do.
  const resetHere = reset === constants.NGHTTP2_INTERNAL_ERROR || reset === constants.NGHTTP2_NO_ERROR
  const cut = http2 ? resetHere && !ofNetwork(res.stream?.errored ?? null) : !endedByPeer(socket)
  const kind = whole ? 'finished' : cut ? 'cut' : 'aborted'
  const status = answered !== 0 ? answered : res.headersSent ? res.statusCode : undefined
  return { kind, status }
}

/**
 * Of a connection that asked for another protocol and was answered past Node's response, if at all. What is spoken on it then has
 * its own way to say goodbye, so it ends well unless it breaks.
 */
export function endOfUpgrade({ status }: FirstAnswer, socket: Socket | undefined): End {
  const left = endedByPeer(socket)
  if (status === undefined) return { kind: left ? 'aborted' : 'cut', status }
  if (status !== 101) return { kind: 'finished', status }
  const kind = errorOf(socket) === null ? 'finished' : left ? 'aborted' : 'cut'
  return { kind, status, stream: 'upgrade' }
}

/** A client that leaves ends its side or breaks the connection; a service that gives up just destroys the socket. */
function endedByPeer(socket: Socket | undefined): boolean {
  return socket === undefined || socket.readableEnded || ofNetwork(errorOf(socket))
}

/** Whether an error says that the connection broke; HTTP/2 ends its streams with it as if the service had failed. */
function ofNetwork(error: Error | null): boolean {
  return error !== null && 'syscall' in error
}

/** Whether the connection or the stream of a request is no more, and its client was the one to end it. */
export function clientLeft(req: NodeRequest): boolean {
  const reset = 'stream' in req ? (req.stream?.rstCode ?? 0) : 0
  if (reset !== 0) return reset !== constants.NGHTTP2_INTERNAL_ERROR
  const socket = connectionOf(req)
  return socket !== undefined && socket.destroyed && endedByPeer(socket)
}

/** What the connection of a request broke with, if it did. */
export function connectionError(req: NodeRequest): Error | undefined {
  return errorOf(connectionOf(req)) ?? undefined
}

/** What a response was broken off with, if anything. */
function errorOfResponse(res: NodeResponse): Error | null {
  return ('stream' in res ? res.stream?.errored : res.errored) ?? null
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
