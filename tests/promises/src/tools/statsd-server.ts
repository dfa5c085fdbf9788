/** A StatsD server that adds up: all that a server of the trade would make of what it receives. */

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

/** Adds up what datagrams tell, on a port of its own. */
export class StatsdServer {
  /** By name without tags: the sum of counters, and how many samples there were of timers and distributions. */
  readonly totals: Map<string, number> = new Map()
  datagrams = 0
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (datagram) => {
      this.datagrams++
      this.take(datagram.toString())
    })
  }

  static async start(port = 0): Promise<StatsdServer> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1_048_576 })
    const server = new StatsdServer(socket)
    socket.bind(port, '127.0.0.1')
    await once(socket, 'listening')
    return server
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** Lines, however they came. */
  take(text: string): void {
    for (const line of text.split('\n')) {
      const [left = '', type, ...more] = line.split('|')
      const [name = '', ...values] = left.split(':')
      const rate = more.find((part) => part.startsWith('@'))
      const weight = rate === undefined ? 1 : 1 / Number(rate.slice(1))
      if (type === 'c') this.#add(name, values.reduce((sum, value) => sum + Number(value), 0) * weight)
      else if (type !== 'g') this.#add(name, values.length * weight)
    }
  }

  total(name: string): number {
    return this.totals.get(name) ?? 0
  }

  close(): void {
    this.#socket.close()
  }

  #add(name: string, amount: number): void {
    this.totals.set(name, this.total(name) + amount)
  }
}
