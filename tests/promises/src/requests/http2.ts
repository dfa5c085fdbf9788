/**
 * A client of HTTP/2 on bare sockets that costs less than any server: requests are the same bytes each time but for the
 * number of their stream, and of the answers only the ends are looked for (RFC 9113; RFC 7541 for the header blocks,
 * which are literals without indexing).
 */

import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { batch, batches, kinds } from './load.ts'
import type { Asked, Client } from './load.ts'

/** A server takes so many resets on one connection at once, and some 30 a second more. */
const maxResets = 600

/** A client with one connection that it keeps for a while, and others that it breaks off. */
export async function http2Client(port: number): Promise<Client> {
  let kept = await Session.open(port)
  let turns = 0
  return {
    async portion() {
      let requests = 0
      let aborted = 0
      for (let i = 0; i < batches; i += 1) {
        const resets = i === 0 ? [] : ['unanswered', 'begun']
        const left = i === 0 ? abandon(port, (turns += 1)) : { requests: 0, aborted: 0 }
        const [{ requests: more, aborted: leavers }] = await Promise.all([left, kept.ask(kinds, resets)])
        requests += batch + resets.length + more
        aborted += resets.length + leavers
      }
      if (kept.resets > maxResets) {
        await kept.leave('GOAWAY')
        kept = await Session.open(port)
      }
      return { requests, aborted }
    },
    close: () => kept.leave('GOAWAY'),
  }
}

/** The ways in which a client leaves. */
export const leavings = ['GOAWAY', 'FIN', 'RST'] as const

/** A connection that its client leaves, in turn in each way, while requests on it are not answered. */
async function abandon(port: number, turn: number): Promise<Asked> {
  const session = await Session.open(port)
  await session.ask(['whole'], ['unanswered', 'begun'], false)
  await session.leave(leavings[turn % leavings.length] ?? 'RST')
  return { requests: 3, aborted: 2 }
}

const frameType = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8 }
const endStream = 1
const ack = 1
const endHeaders = 4
const cancel = 8

/** One connection, which is asked one thing after the other. */
export class Session {
  /** Streams that were reset. */
  resets = 0
  /** Streams that were answered. */
  answered = 0
  readonly #socket: Socket
  readonly #closed: Promise<unknown>
  #pending: Buffer | undefined = undefined
  #next = 1
  /** Streams that are to be answered, and streams of which the first bytes are waited for. */
  #open = new Set<number>()
  #begun = new Set<number>()
  #done: () => void = () => {}
  #fail: (error: Error) => void = () => {}
  #leaving = false

  private constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#closed = new Promise((resolve) => this.#socket.once('close', resolve))
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => {
      if (!this.#leaving) this.#fail(new Error('the service closed a connection'))
    })
  }

  /** Connects. With `narrow` windows no more than 64 KiB of all answers can be sent. */
  static async open(port: number, narrow = false): Promise<Session> {
    const session = new Session(port)
    await once(session.#socket, 'connect')
    // Windows so wide that they need no tending: SETTINGS_INITIAL_WINDOW_SIZE, and the connection's own.
    const wide = [
      frame(frameType.settings, 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff])),
      frame(frameType.windowUpdate, 0, 0, Buffer.from([0x7f, 0xfe, 0, 0])),
    ]
    session.#socket.write(
      Buffer.concat([
        Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1'),
        ...(narrow ? [frame(frameType.settings, 0, 0, Buffer.alloc(0))] : wide),
      ]),
    )
    return session
  }

  /**
   * Asks for `answered` and for `abandoned`; resolves when the former have been answered and the first bytes of those of
   * the latter that send any have come. Then all of the latter have come to the service; they are reset unless told otherwise.
   */
  async ask(answered: readonly string[], abandoned: readonly string[], reset = true): Promise<void> {
    const hanging = abandoned.map((kind) => ({ kind, id: this.#take() }))
    const whole = answered.map((kind) => ({ kind, id: this.#take() }))
    this.#open = new Set(whole.map(({ id }) => id))
    this.#begun = new Set(hanging.filter(({ kind }) => kind !== 'unanswered').map(({ id }) => id))
    const frames = [...hanging, ...whole].map(({ kind, id }) =>
      frame(frameType.headers, endStream | endHeaders, id, headersOf(kind)),
    )
    await new Promise<void>((resolve, reject) => {
      this.#done = resolve
      this.#fail = reject
      this.#socket.write(Buffer.concat(frames))
    })
    if (reset) this.#reset(hanging.map(({ id }) => id))
  }

  /** Resets all streams there have been, answered or not. */
  resetAll(): void {
    this.#reset(Array.from({ length: (this.#next - 1) / 2 }, (_, i) => 2 * i + 1))
  }

  /** Leaves, whatever is under way. */
  async leave(how: (typeof leavings)[number]): Promise<void> {
    this.#leaving = true
    if (how === 'RST') this.#socket.resetAndDestroy()
    else if (how === 'FIN') this.#socket.destroy()
    else this.#socket.end(frame(frameType.goaway, 0, 0, Buffer.alloc(8)))
    await this.#closed
  }

  #reset(streams: readonly number[]): void {
    if (streams.length === 0) return
    this.resets += streams.length
    const code = Buffer.from([0, 0, 0, cancel])
    this.#socket.write(Buffer.concat(streams.map((id) => frame(frameType.rstStream, 0, id, code))))
  }

  #take(): number {
    const id = this.#next
    this.#next += 2
    return id
  }

  #read(chunk: Buffer): void {
    const bytes = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk])
    let at = 0
    while (at + 9 <= bytes.length) {
      const length = bytes.readUIntBE(at, 3)
      if (at + 9 + length > bytes.length) break
      this.#frame(bytes, at, length)
      at += 9 + length
    }
    this.#pending = at === bytes.length ? undefined : bytes.subarray(at)
  }

  #frame(bytes: Buffer, at: number, length: number): void {
    const type = bytes[at + 3] ?? 0
    const flags = bytes[at + 4] ?? 0
    const stream = bytes.readUInt32BE(at + 5)
    if (type === frameType.settings && (flags & ack) === 0) {
      this.#socket.write(frame(frameType.settings, ack, 0, Buffer.alloc(0)))
    } else if (type === frameType.ping && (flags & ack) === 0) {
      this.#socket.write(frame(frameType.ping, ack, 0, bytes.subarray(at + 9, at + 9 + length)))
    } else if (type === frameType.goaway && !this.#leaving) {
      this.#fail(new Error(`the service said goodbye, with ${bytes.readUInt32BE(at + 13)}`))
    } else if (type === frameType.rstStream && (this.#open.has(stream) || this.#begun.has(stream))) {
      this.#fail(new Error(`the service reset a stream, with ${bytes.readUInt32BE(at + 9)}`))
    } else if (type === frameType.data || type === frameType.headers) {
      if (type === frameType.data && length > 0) this.#begun.delete(stream)
      if ((flags & endStream) !== 0 && this.#open.delete(stream)) this.answered += 1
      if (this.#open.size === 0 && this.#begun.size === 0) this.#done()
    }
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes[3] = type
  bytes[4] = flags
  bytes.writeUInt32BE(stream, 5)
  payload.copy(bytes, 9)
  return bytes
}

const blocks = new Map<string, Buffer>()

/** `:method GET`, `:scheme http` by their place in the table; `:path` and `:authority` as they are. */
function headersOf(kind: string): Buffer {
  const known = blocks.get(kind)
  if (known !== undefined) return known
  const block = Buffer.concat([Buffer.from([0x82, 0x86]), literal(4, `/${kind}/1`), literal(1, 'kit')])
  blocks.set(kind, block)
  return block
}

function literal(name: number, value: string): Buffer {
  return Buffer.concat([Buffer.from([name, value.length]), Buffer.from(value, 'latin1')])
}
