/** Connections of a byte's detail to one server, for what no HTTP client would send, or would tell. */

import { connect } from 'node:net'

/** Opens a connection of its own for each conversation. */
export class Wire {
  readonly #host: string
  readonly #port: number

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.#host = hostname
    this.#port = Number(port)
  }

  /** Writes bytes and resolves with all that came back when the connection is closed: by the server, or from here once `until` resolves. */
  raw(bytes: string, until?: Promise<unknown>): Promise<string> {
    return new Promise((resolve) => {
      let text = ''
      const socket = connect(this.#port, this.#host)
      socket.setEncoding('latin1')
      socket.on('data', (chunk: string) => (text += chunk))
      socket.on('error', () => {})
      socket.on('close', () => resolve(text))
      socket.write(bytes)
      void until?.then(() => socket.destroy())
    })
  }

  /** Asks for another protocol; resolves with the first bytes that come back, and what closes the connection. */
  upgrade(path: string): Promise<{ readonly head: string; readonly close: () => void }> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#port, this.#host)
      socket.on('error', reject)
      socket.once('data', (bytes) => resolve({ head: String(bytes), close: () => socket.end() }))
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    })
  }

  /** Writes bytes (a character each), ends this side, and resolves with all that came back. */
  sayAll(bytes: string): Promise<string> {
    return new Promise((resolve) => {
      let text = ''
      const socket = connect({ port: this.#port, host: this.#host, allowHalfOpen: true })
      socket.setEncoding('latin1')
      socket.on('data', (chunk: string) => (text += chunk))
      socket.on('error', () => {})
      socket.on('end', () => socket.destroy())
      socket.on('close', () => resolve(text))
      socket.end(bytes, 'latin1')
    })
  }

  /** Writes bytes and resets the connection `turns` turns of the event loop later. */
  reset(bytes: string, turns: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(this.#port, this.#host)
      const wait = (left: number): unknown =>
        left === 0 ? socket.resetAndDestroy() : setImmediate(() => wait(left - 1))
      socket.on('error', () => {})
      socket.on('close', () => resolve())
      socket.write(bytes, 'latin1', () => wait(turns))
    })
  }
}
