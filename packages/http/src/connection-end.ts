/**
 * The end of a connection, told to every request on it. Before Node 24, a pipelined response that waits for its turn is
 * forgotten when the connection ends, and emits no 'close' of its own.
 */

import type { ServerResponse } from 'node:http'
import type { Http2Session } from 'node:http2'
import type { Socket } from 'node:net'

/** What a connection tells of its end. */
export interface OnConnection {
  /** Nothing more can reach the client. */
  closed(): void
  /** Somebody wants to know what has become of it by now. */
  look?(): void
}

/** Where a connection has those that it tells: one listener a connection, however many requests it carries. */
const openOf: unique symbol = Symbol('kit.http.open')

/** A connection of HTTP/1 or a session of HTTP/2. */
export type Connection = (Socket | Http2Session) & { [openOf]?: OpenRequests }

/**
 * Those that a connection tells. Most carry one request at a time, for which no set is kept. Connections with a request under
 * way stand in a ring, which every request enters and leaves for the price of a few fields. Not the idle ones: they may be
 * many, and those that tools make up for a request never close.
 */
class OpenRequests {
  #one: OnConnection | undefined = undefined
  #others: Set<OnConnection> | undefined = undefined
  #previous: OpenRequests = this
  #next: OpenRequests = this

  add(request: OnConnection): void {
    if (this.#next === this) this.#enter(ring)
    if (this.#one === undefined) this.#one = request
    else (this.#others ??= new Set()).add(request)
  }

  delete(request: OnConnection): void {
    if (this.#one === request) this.#one = undefined
    else this.#others?.delete(request)
    if (this.#one === undefined && (this.#others === undefined || this.#others.size === 0)) this.leave()
  }

  /** Calls `tell` for each that was there before the first call. */
  each(tell: (request: OnConnection) => void): void {
    const one = this.#one
    const others = this.#others === undefined ? [] : [...this.#others]
    if (one !== undefined) tell(one)
    for (const other of others) tell(other)
  }

  /** The others of the ring. */
  neighbours(): OpenRequests[] {
    const found: OpenRequests[] = []
    for (let open = this.#next; open !== this; open = open.#next) found.push(open)
    return found
  }

  leave(): void {
    this.#previous.#next = this.#next
    this.#next.#previous = this.#previous
    this.#previous = this
    this.#next = this
  }

  #enter(other: OpenRequests): void {
    this.#previous = other
    this.#next = other.#next
    other.#next.#previous = this
    other.#next = this
  }
}

/** Of no connection: where the ring begins. */
const ring = new OpenRequests()

/** Has every request that is under way look what has become of it. Costs a step for each connection with one. */
export function lookAtConnections(): void {
  for (const open of ring.neighbours()) open.each(look)
}

/** Has `one` told when the connection closes. */
export function joinConnection(connection: Connection, one: OnConnection): void {
  let open = connection[openOf]
  if (open === undefined) {
    open = new OpenRequests()
    connection[openOf] = open
    ;(connection as Socket).once('close', onClose)
  }
  open.add(one)
}

/** Has it told no more. */
export function leaveConnection(connection: Connection, one: OnConnection): void {
  connection[openOf]?.delete(one)
}

/** Calls `closed` when the response or its connection closes, at once if either has; perhaps twice. */
export function onEnd(res: ServerResponse, socket: Socket, closed: () => void): void {
  if (res.closed || socket.closed) return closed()
  const one = { closed }
  joinConnection(socket, one)
  res.once('close', () => {
    leaveConnection(socket, one)
    closed()
  })
}

function onClose(this: Connection): void {
  const open = this[openOf]
  open?.leave()
  open?.each(tellClosed)
}

function look(request: OnConnection): void {
  request.look?.()
}

function tellClosed(request: OnConnection): void {
  request.closed()
}
