/**
 * A client of HTTP/1 on bare sockets that costs less than any server: requests are pipelined, and of the answers only
 * the ends are looked for.
 */

import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { batch, batches, kinds } from './load.ts'
import type { Asked, Client, ClientOptions } from './load.ts'

/** A client with one connection that it keeps, and others that it breaks off. */
export async function http1Client(port: number, { pipelined }: ClientOptions): Promise<Client> {
  const kept = await Connection.open(port)
  const batchText = kinds.map(get).join('')
  let turns = 0
  return {
    async portion() {
      let requests = batches * batch
      let aborted = 0
      for (let i = 0; i < batches; i += 1) {
        turns += 1
        const given = pipelined ? [abandoned[i % abandoned.length] as Abandoned] : abandonedAlone
        const [left] = await Promise.all([
          Promise.all(given.map((one) => abandon(port, one, turns))),
          kept.ask(batchText, batch),
        ])
        for (const one of left) {
          requests += one.requests
          aborted += one.aborted
        }
      }
      return { requests, aborted }
    },
    close: () => kept.close(),
  }
}

/** A connection that its client breaks off when it has `answers`, and, if `begun`, the first bytes of the next one. */
interface Abandoned {
  readonly text: string
  readonly answers: number
  readonly begun: boolean
  readonly aborted: number
}

/**
 * All are sent in one piece behind a request that is answered: then they have come as well. Others are pipelined behind
 * the one that hangs, so that their answers wait for their turn.
 */
const abandoned: readonly Abandoned[] = [
  abandonment(['whole', 'unanswered', 'whole', 'streamed'], false),
  abandonment(['whole', 'begun', 'whole'], true),
  abandonment(['whole', 'unanswered'], false),
]

/** One at a time. */
const abandonedAlone: readonly Abandoned[] = [
  abandonment(['whole', 'unanswered'], false),
  abandonment(['whole', 'begun'], true),
]

function abandonment(paths: readonly string[], begun: boolean): Abandoned {
  return { text: paths.map(get).join(''), answers: 1, begun, aborted: paths.length - 1 }
}

/** Every second time with a reset, else in good order. */
async function abandon(
  port: number,
  { text, answers, begun, aborted }: Abandoned,
  turn: number,
): Promise<Asked> {
  const connection = await Connection.open(port)
  await connection.ask(text, answers, begun)
  await (turn % 2 === 0 ? connection.reset() : connection.close())
  return { requests: answers + aborted, aborted }
}

function get(kind: string, i: number): string {
  return `GET /${kind}/${i} HTTP/1.1\r\nHost: kit\r\nUser-Agent: promises\r\n\r\n`
}

const endOfHead = Buffer.from('\r\n\r\n')
const endOfChunks = Buffer.from('\r\n0\r\n\r\n')

/** One connection, which is asked one thing after the other. */
class Connection {
  readonly #socket: Socket
  readonly #closed: Promise<unknown>
  #pending: Buffer | undefined = undefined
  #missing = 0
  #first = false
  #done: () => void = () => {}
  #fail: (error: Error) => void = () => {}
  #leaving = false

  private constructor(port: number) {
    const onread = {
      buffer: Buffer.allocUnsafe(64 * 1024),
      callback: (length: number, buffer: Uint8Array) => {
        this.#read(Buffer.from(buffer.buffer, buffer.byteOffset, length))
        return true
      },
    }
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
    this.#closed = new Promise((resolve) => this.#socket.once('close', resolve))
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => {
      if (!this.#leaving) this.#fail(new Error('the service closed a connection'))
    })
  }

  static async open(port: number): Promise<Connection> {
    const connection = new Connection(port)
    await once(connection.#socket, 'connect')
    return connection
  }

  /** Sends `text`, and resolves when `answers` have come; if `first`, also the first bytes of a body after them. */
  ask(text: string, answers: number, first = false): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#missing = answers
      this.#first = first
      this.#done = resolve
      this.#fail = reject
      this.#socket.write(text, 'latin1')
    })
  }

  async close(): Promise<void> {
    this.#leaving = true
    this.#socket.destroy()
    await this.#closed
  }

  async reset(): Promise<void> {
    this.#leaving = true
    this.#socket.resetAndDestroy()
    await this.#closed
  }

  #read(chunk: Buffer): void {
    const bytes = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk])
    let at = 0
    while (this.#missing > 0) {
      const end = endOfAnswer(bytes, at)
      if (end === -1) break
      at = end
      this.#missing -= 1
    }
    this.#pending = at === bytes.length ? undefined : Buffer.from(bytes.subarray(at))
    if (this.#missing > 0) return
    if (this.#first && (this.#pending === undefined || !bodyBegan(this.#pending))) return
    this.#done()
  }
}

function bodyBegan(bytes: Buffer): boolean {
  const end = bytes.indexOf(endOfHead)
  return end !== -1 && bytes.length > end + 4
}

/** Where the answer that begins at `start` ends; -1 while it is not all there. */
function endOfAnswer(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(endOfHead, start)
  if (end === -1) return -1
  const head = bytes.toString('latin1', start, end)
  const length = /\r\ncontent-length: ?(\d+)/i.exec(head)?.[1]
  if (length !== undefined) {
    const after = end + 4 + Number(length)
    return after <= bytes.length ? after : -1
  }
  if (!/\r\ntransfer-encoding: ?chunked/i.test(head)) throw new Error(`an answer without an end: ${head}`)
  const last = bytes.indexOf(endOfChunks, end + 2)
  return last === -1 ? -1 : last + endOfChunks.length
}
