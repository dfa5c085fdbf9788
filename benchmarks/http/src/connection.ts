/* One connection of the load generator: sends the same request again and again, never before the last was answered. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** A connection that is kept alive. */
export class Connection {
  /** Called when a response is complete. */
  onResponse: (connection: Connection) => void = () => {}
  /** When the request that is under way was due, in ms; of the one who sends it. */
  due: number = 0.5
  readonly #socket: Socket
  readonly #request: string
  /** Of a response that came in pieces. */
  #pending: Buffer | undefined = undefined
  #closing = false

  private constructor(socket: Socket, request: string) {
    this.#socket = socket
    this.#request = request
  }

  /** Opens a connection. Failing later, it takes the process with it: such a measurement is worth nothing. */
  static open(port: number, path: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const onread = {
        buffer: Buffer.allocUnsafe(16 * 1024),
        callback: (length: number, buffer: Uint8Array) => {
          connection.#read(Buffer.from(buffer.buffer, buffer.byteOffset, length))
          return true
        },
      }
      const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
      const request = `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nuser-agent: benchmark\r\naccept: */*\r\n\r\n`
      const connection = new Connection(socket, request)
      socket.once('connect', () => resolve(connection))
      socket.on('error', reject)
      socket.on('close', () => {
        if (!connection.#closing) throw new Error(`the server of port ${port} closed a connection`)
      })
    })
  }

  /** Sends the request. */
  send(): void {
    this.#socket.write(this.#request, 'latin1')
  }

  /** Closes it for good. */
  close(): void {
    this.#closing = true
    this.#socket.destroy()
  }

  #read(chunk: Buffer): void {
    const response = this.#pending === undefined ? chunk : Buffer.concat([this.#pending, chunk])
    const length = lengthOf(response)
    if (length === undefined || response.length < length) {
      this.#pending = Buffer.from(response)
      return
    }
    if (response.length > length) throw new Error('more came than was asked for')
    this.#pending = undefined
    this.onResponse(this)
  }
}

/** The length of the response that begins here, head included; undefined as long as the head is not complete. */
export function lengthOf(response: Buffer): number | undefined {
  const end = response.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const head = response.toString('latin1', 0, end)
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`not what was asked for: ${head}`)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length === undefined) throw new Error(`no content-length: ${head}`)
  return end + 4 + Number(length)
}
