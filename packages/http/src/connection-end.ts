/**
 * The end of a connection, told to every request on it. Before Node 24, a pipelined response that waits for its turn is
 * forgotten when the connection ends, and emits no 'close' of its own.
 */

import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** What a connection tells of its end. */
export interface OnConnection {
  /** Nothing more can reach the client. */
  closed(): void
}

/** Where a connection has those that it tells: one listener a connection, however many requests it carries. */
const openOf: unique symbol = Symbol('kit.http.open')

type Connection = Socket & { [openOf]?: Set<OnConnection> }

/** Has `one` told when the connection closes. */
export function joinConnection(socket: Connection, one: OnConnection): void {
  let open = socket[openOf]
  if (open === undefined) {
    open = new Set()
    socket[openOf] = open
    socket.once('close', onClose)
  }
  open.add(one)
}

/** Has it told no more. */
export function leaveConnection(socket: Connection, one: OnConnection): void {
  socket[openOf]?.delete(one)
}

/** Calls `closed` when the response or its connection closes; perhaps twice. */
export function onEnd(res: ServerResponse, socket: Socket, closed: () => void): void {
  const one = { closed }
  joinConnection(socket, one)
  res.once('close', () => {
    leaveConnection(socket, one)
    closed()
  })
}

function onClose(this: Connection): void {
  for (const one of this[openOf] ?? []) one.closed()
}
