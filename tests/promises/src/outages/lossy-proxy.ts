/** A network that loses datagrams and mixes up their order, between a sink and a server: Linux has one, but not every kernel. */

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { randomOf } from '../tools/seeded.ts'
import type { OutageServer } from './servers.ts'
import { UdpServer, sumOf } from './servers.ts'

/** Of the datagrams, while it is lossy: as many are lost, and as many come after the one behind them. */
const share = 0.3

/** A server behind such a network. What was lost on the way counts as having come: only the proxy knows what it was. */
export class LossyServer implements OutageServer {
  port = 0
  mode: OutageServer['mode'] = 'well'
  readonly #server = new UdpServer()
  readonly #random = randomOf(1)
  #front: Socket | undefined
  #late: Buffer | undefined
  #lost = { total: 0, datagrams: 0 }

  get total(): number {
    return this.#server.total + this.#lost.total
  }

  get datagrams(): number {
    return this.#server.datagrams + this.#lost.datagrams
  }

  async start(): Promise<void> {
    await this.#server.start()
    const front = createSocket({ type: 'udp4', recvBufferSize: 4_194_304 })
    front.on('message', (datagram) => this.#carry(datagram))
    front.bind(this.port, '127.0.0.1')
    await once(front, 'listening')
    this.#front = front
    this.port = front.address().port
  }

  async stop(): Promise<void> {
    const front = this.#front
    this.#front = undefined
    if (front !== undefined) {
      const closed = once(front, 'close')
      front.close()
      await closed
    }
    await this.#server.stop()
  }

  #carry(datagram: Buffer): void {
    const chance = this.mode === 'lossy' ? this.#random() : 1
    if (chance < share) {
      this.#lost.total += sumOf(datagram.toString())
      this.#lost.datagrams += 1
    } else if (chance < 2 * share && this.#late === undefined) {
      this.#late = datagram
      return
    } else this.#forward(datagram)
    if (this.#late !== undefined) this.#forward(this.#late)
    this.#late = undefined
  }

  #forward(datagram: Buffer): void {
    this.#front?.send(datagram, this.#server.port, '127.0.0.1')
  }
}
