/** One server of an application on its way out: what it still has to answer, and how it is closed without waiting for ever. */

import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { answer, seal, statusOfSealed } from './answer.ts'
import { onEnd } from './connection-end.ts'
import type { NodeResponse } from './node.ts'

/** What a drain needs of a server: those of node:http, node:https and node:http2, and what has their shape. */
export interface DrainableServer {
  close(done?: (error?: Error) => void): unknown
  closeIdleConnections?(): void
  closeAllConnections?(): void
  on?(event: string, listener: (...args: never[]) => void): unknown
  prependListener?(event: string, listener: (...args: never[]) => void): unknown
}

/** What became of the requests of a server, or of several. */
export interface DrainedRequests {
  /** Under way when the drain began. */
  inFlight: number
  /** Came after that. */
  arrived: number
  /** Of both: ended by themselves. */
  ended: number
  /** Of both: not ended when the time was up, and answered with 503, or broken off where an answer had begun. */
  cut: number
}

interface Closable {
  once(event: 'close', listener: () => void): unknown
}

interface Connection extends Closable {
  readonly bytesRead?: number
  destroy(): unknown
}

interface Session extends Closable {
  close(): void
  destroy(): void
}

interface Message {
  readonly headersSent: boolean
  readonly destroyed?: boolean
  readonly writeHead?: unknown
  readonly socket: Closable | null
  readonly stream?: Closable
  setHeader(name: string, value: string): unknown
  once(event: 'close', listener: () => void): unknown
}

/** Follows a server from now on. Costs one entry in a set a connection and a request, gone when they close. */
export class ServerWatch {
  readonly requests: DrainedRequests = { inFlight: 0, arrived: 0, ended: 0, cut: 0 }
  readonly #server: DrainableServer
  readonly #connections = new Set<Connection>()
  readonly #sessions = new Set<Session>()
  readonly #open = new Set<Message>()
  #draining = false
  #closing = false

  constructor(server: DrainableServer) {
    this.#server = server
    server.on?.('connection', (socket: Connection) => keep(this.#connections, socket))
    server.on?.('session', (session: Session) => keep(this.#sessions, session))
    // Before the application's own listener, which may answer at once.
    server.prependListener?.('request', (_req: never, res: Message) => this.#opened(res))
  }

  /** From now on every answer tells its client to come back over another connection. */
  begin(): void {
    this.#draining = true
    this.requests.inFlight = this.#open.size
    for (const res of this.#open) sendAway(res)
  }

  /** Stops accepting; resolves when the last connection has closed, and all that was on it was told so. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#closeServer()
    // The server does not wait for the 'close' of a connection that was destroyed, only for its end.
    await Promise.all(
      [...this.#connections].map((one) => new Promise<void>((resolve) => one.once('close', resolve))),
    )
    await new Promise((resolve) => setImmediate(resolve))
  }

  #closeServer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.close((error) => {
        // A server that was closed already, or never listened, is closed.
        if (error === undefined || (error as NodeJS.ErrnoException).code === 'ERR_SERVER_NOT_RUNNING')
          resolve()
        else reject(error)
      })
      for (const session of this.#sessions) session.close()
      // A connection that has never said a word (browsers keep some in reserve) is not idle to Node.
      for (const connection of this.#connections) {
        if (connection.bytesRead === 0) connection.destroy()
      }
      this.#closeIdle()
    })
  }

  /** Answers 503 to what has no answer yet: better than a broken connection, of which nobody knows what it means. */
  refuse(): void {
    this.requests.cut += this.#open.size
    for (const res of this.#open) {
      const response = res as unknown as NodeResponse
      const isAnswered = res.headersSent || res.destroyed === true || statusOfSealed(response) !== undefined
      if (isAnswered || typeof res.writeHead !== 'function') continue
      answer(response, 503)
      seal(response, () => {})
    }
    this.#open.clear()
  }

  /** Breaks what is still open, upgraded connections among it. Returns how many connections that were. */
  cut(): number {
    const { size } = this.#connections
    for (const session of this.#sessions) session.destroy()
    for (const connection of this.#connections) connection.destroy()
    this.#server.closeAllConnections?.() // those from before this watch
    return size
  }

  #opened(res: Message): void {
    this.#open.add(res)
    if (this.#draining) {
      this.requests.arrived += 1
      sendAway(res)
    }
    const ended = (): void => this.#ended(res)
    if (res.stream !== undefined) {
      res.stream.once('close', ended)
      return
    }
    if (res.socket === null) res.once('close', ended)
    else onEnd(res as unknown as ServerResponse, res.socket as Socket, ended)
  }

  #ended(res: Message): void {
    if (!this.#open.delete(res) || !this.#draining) return
    this.requests.ended += 1
    // An answer whose head was sent before the drain leaves its connection open, and idle a turn later.
    if (this.#closing) setImmediate(() => this.#closeIdle())
  }

  #closeIdle(): void {
    this.#server.closeIdleConnections?.()
  }
}

function keep<T extends Closable>(all: Set<T>, one: T): void {
  all.add(one)
  one.once('close', () => all.delete(one))
}

function sendAway(res: Message): void {
  // HTTP/2 has no such header; its sessions are told by GOAWAY.
  if (!res.headersSent && res.stream === undefined) res.setHeader('connection', 'close')
}
