/**
 * The binding to the 'upgrade' event of Node's servers, which goes past every request listener and so past every framework: a
 * WebSocket has one observation from its handshake until its connection closes.
 */

import { STATUS_CODES } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { run } from '@kit/context'
import type { Connection, OnConnection } from './connection-end.ts'
import { joinConnection, leaveConnection } from './connection-end.ts'
import { FirstAnswer } from './first-answer.ts'
import { clientLeft, connectionError, endOfUpgrade } from './node-exchange.ts'
import { NodeHead } from './node-head.ts'
import type { ListenerOptions } from './node.ts'
import type { Observation } from './observer.ts'
import { createObserver } from './observer.ts'
import { needFunction } from './options.ts'
import { saysItIsOver } from './over.ts'

/** What `server.on('upgrade', …)` takes. */
export type UpgradeListener = (req: IncomingMessage, socket: Duplex, head: Buffer) => unknown

/**
 * Wraps a listener for `server.on('upgrade', …)` of node:http or node:https. Inside it, `current()` is the connection's context:
 * it ends when the connection closes (or with the deadline, if there is one: the connection is not cut then). An upgrade that was
 * granted is a stream, recorded in `http.server.stream.duration`; one that was refused is a request with the status of the
 * refusal. There is one log line for either, when the connection has closed.
 *
 * A listener that fails before it answered gets a 500, one whose caller's deadline had passed a 504; the rest is as with
 * `observeListener`, but that the request id is not echoed: the answer is not kit's to write.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`, `KIT_HTTP_OPTION_INVALID`.
 */
export function observeUpgrade(listener: UpgradeListener, options: ListenerOptions = {}): UpgradeListener {
  const { route, onError, ...rest } = options
  needFunction('route', route)
  needFunction('onError', onError)
  const observer = createObserver(rest)
  return (req, socket, head) => {
    const exchange = new UpgradeExchange(req, socket)
    const { observation, first } = observer.begin(req, exchange.head)
    observation.route(() => route?.(req))
    if (!first) return listener(req, socket, head)

    exchange.follow(observation)
    if (observation.expired) return exchange.refuse(504)
    const failed = (error: unknown): void => {
      const over =
        error === connectionError(req) || saysItIsOver(error, observation.ctx, () => clientLeft(req))
      if (!over) observation.fail(error)
      exchange.refuse(500)
      if (over) return
      if (onError === undefined) throw error
      onError(error, req)
    }
    return run(observation.ctx, () => {
      try {
        const result = listener(req, socket, head)
        return result instanceof Promise ? result.catch(failed) : result
      } catch (error) {
        return failed(error)
      }
    })
  }
}

/** A request for another protocol and its connection. */
class UpgradeExchange implements OnConnection {
  readonly head: NodeHead
  readonly #socket: Duplex
  readonly #answer: FirstAnswer
  #observation: Observation | undefined = undefined

  constructor(req: IncomingMessage, socket: Duplex) {
    this.head = new NodeHead(req)
    this.#socket = socket
    this.#answer = new FirstAnswer(socket)
  }

  follow(observation: Observation): void {
    this.#observation = observation
    if (this.#socket.closed) this.closed()
    else joinConnection(this.#socket as Connection, this)
  }

  closed(): void {
    leaveConnection(this.#socket as Connection, this)
    this.#observation?.end(endOfUpgrade(this.#answer, this.#socket as Socket))
  }

  look(): void {
    if (this.#answer.status === 101) this.#observation?.streaming('upgrade')
  }

  /** Answers in the listener's place, unless it has answered; then the connection is cut. */
  refuse(status: number): void {
    const { status: answered } = this.#answer
    if (answered !== undefined) return void this.#socket.destroy()
    const body = `${STATUS_CODES[status] ?? status}\n`
    // Node has taken its own listeners off the connection, and nobody else need have any: what breaks it now would end the
    // process, and a client that keeps its side open would keep it for ever.
    this.#socket.on('error', ignore).once('finish', () => this.#socket.destroy())
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n`
    this.#socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }
}

function ignore(): void {}
