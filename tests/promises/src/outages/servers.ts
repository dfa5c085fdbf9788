/** StatsD servers that add up what they get, and can be made to fail in the ways of networks. */

import { createSocket } from 'node:dgram'
import type { Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { unlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A server as a trouble sees it. */
export interface OutageServer {
  readonly port: number
  /** What all counters together have been told. */
  readonly total: number
  /** Datagrams that came, as far as there are any. */
  readonly datagrams: number
  /** Nobody is there any more, or somebody is again. */
  stop(): Promise<void>
  start(): Promise<void>
  /** How what comes is treated. */
  mode: 'well' | 'ignoring' | 'lossy' | 'stalled' | 'resetting'
}

/** The sum of the counters in lines. */
export function sumOf(text: string): number {
  let sum = 0
  for (const line of text.split('\n')) {
    const match = /^operations:(\d+)\|c/.exec(line)
    if (match !== null) sum += Number(match[1])
  }
  return sum
}

/** Datagrams, on a port of its own that it comes back to. */
export class UdpServer implements OutageServer {
  port = 0
  total = 0
  datagrams = 0
  mode: OutageServer['mode'] = 'well'
  #socket: DatagramSocket | undefined

  async start(): Promise<void> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4_194_304 })
    socket.on('message', (datagram) => {
      if (this.mode !== 'well') return
      this.datagrams += 1
      this.total += sumOf(datagram.toString())
    })
    socket.bind(this.port, '127.0.0.1')
    await once(socket, 'listening')
    this.#socket = socket
    this.port = socket.address().port
  }

  async stop(): Promise<void> {
    const socket = this.#socket
    if (socket === undefined) return
    this.#socket = undefined
    const closed = once(socket, 'close')
    socket.close()
    await closed
  }
}

/** Connections, on a port of its own that it comes back to. A line counts when it has come whole. */
export class TcpServer implements OutageServer {
  port = 0
  total = 0
  readonly datagrams = 0
  #mode: OutageServer['mode'] = 'well'
  #server: Server | undefined
  readonly #connections = new Set<Socket>()

  get mode(): OutageServer['mode'] {
    return this.#mode
  }

  set mode(mode: OutageServer['mode']) {
    this.#mode = mode
    for (const connection of this.#connections) this.#treat(connection)
  }

  async start(): Promise<void> {
    const server = createServer((connection) => this.#accept(connection))
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
    this.port = (server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    for (const connection of this.#connections) connection.destroy()
    await closed
  }

  #accept(connection: Socket): void {
    let rest = ''
    this.#connections.add(connection)
    connection.on('error', () => {})
    connection.on('close', () => this.#connections.delete(connection))
    connection.setEncoding('latin1')
    connection.on('data', (text: string) => {
      const whole = rest + text
      const end = whole.lastIndexOf('\n') + 1
      this.total += sumOf(whole.slice(0, end))
      rest = whole.slice(end)
    })
    this.#treat(connection)
  }

  #treat(connection: Socket): void {
    if (this.#mode === 'resetting') connection.resetAndDestroy()
    else if (this.#mode === 'stalled') connection.pause()
    else connection.resume()
  }
}

interface UnixDgram {
  createSocket(type: 'unix_dgram', listener: (message: Buffer) => void): UnixSocket
}

interface UnixSocket {
  bind(path: string): void
  close(): void
  on(event: 'error', listener: () => void): void
}

/** What datagrams over a path need, where it has been built. */
export function unixDgram(): UnixDgram | undefined {
  try {
    const require = createRequire(import.meta.url)
    return createRequire(require.resolve('hot-shots'))('unix-dgram') as UnixDgram
  } catch {
    return undefined
  }
}

/** Datagrams at a path. */
export class UdsServer implements OutageServer {
  readonly port = 0
  total = 0
  datagrams = 0
  mode: OutageServer['mode'] = 'well'
  readonly path: string
  readonly #dgram: UnixDgram
  #socket: UnixSocket | undefined

  constructor(path: string, dgram: UnixDgram) {
    this.path = path
    this.#dgram = dgram
  }

  start(): Promise<void> {
    const socket = this.#dgram.createSocket('unix_dgram', (message) => {
      this.datagrams += 1
      this.total += sumOf(message.toString())
    })
    socket.on('error', () => {})
    socket.bind(this.path)
    this.#socket = socket
    return Promise.resolve()
  }

  stop(): Promise<void> {
    if (this.#socket === undefined) return Promise.resolve()
    this.#socket.close()
    this.#socket = undefined
    unlinkSync(this.path)
    return Promise.resolve()
  }
}
