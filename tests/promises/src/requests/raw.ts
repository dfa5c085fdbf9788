/** A connection that says bytes and leaves when and how it is told to. */

import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'

/** Both ways to leave: a reset, and the end of the conversation in good order. */
export const departures = ['RST', 'FIN'] as const
export type Departure = (typeof departures)[number]

/** A connection of a client. */
export class Raw {
  /** All that came, a character a byte. */
  received = ''
  readonly #socket: Socket
  readonly #closed: Promise<unknown>
  #heard: () => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#closed = new Promise((resolve) => {
      socket.once('close', resolve)
    })
    socket.setEncoding('latin1')
    socket.on('error', () => {})
    socket.on('data', (text: string) => {
      this.received += text
      this.#heard()
    })
    socket.on('close', () => this.#heard())
  }

  static async open(port: number): Promise<Raw> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const raw = new Raw(socket)
    await once(socket, 'connect')
    return raw
  }

  say(bytes: string): void {
    this.#socket.write(bytes, 'latin1')
  }

  /** Reads no more for now. */
  pause(): void {
    this.#socket.pause()
  }

  /** Resolves when `heard` holds of what came, or the other side has closed the connection. */
  async hears(heard: (received: string) => boolean): Promise<void> {
    while (!heard(this.received) && !this.#socket.destroyed) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }

  async leave(how: Departure): Promise<void> {
    if (how === 'RST') this.#socket.resetAndDestroy()
    else this.#socket.destroy()
    await this.#closed
  }

  /** Leaves some turns of the event loop later. */
  async leaveAfter(turns: number, how: Departure): Promise<void> {
    for (let i = 0; i < turns; i += 1) await setImmediate()
    await this.leave(how)
  }

  /** Ends this side, and resolves when the other side has ended, too. */
  async end(): Promise<void> {
    this.#socket.end()
    await this.#closed
  }
}

/** A request of HTTP/1 without a body. */
export function get(kind: string, headers = ''): string {
  return `GET /${kind}/1 HTTP/1.1\r\nHost: kit\r\n${headers}\r\n`
}

/** How many answers of HTTP/1 are complete in what came. */
export function answersIn(received: string): number {
  let answers = 0
  for (let at = 0; ; answers += 1) {
    const end = received.indexOf('\r\n\r\n', at)
    if (end === -1) return answers
    const head = received.slice(at, end)
    const length = /\r\ncontent-length: ?(\d+)/i.exec(head)?.[1]
    const last = length === undefined ? received.indexOf('\r\n0\r\n\r\n', end + 2) : end + 4 + Number(length)
    if (last === -1) return answers
    at = length === undefined ? last + 7 : last
    if (at > received.length) return answers
  }
}

/** Whether the body of the answer after `complete` others has begun. */
export function beganAfter(complete: number): (received: string) => boolean {
  return (received) => answersIn(received) >= complete && received.split('\r\n\r\n').length > complete + 1
}
