/** A client for the conformance cases that shows what fetch hides: connections, aborts, raw bytes. */

import { Agent, request } from 'node:http'
import type { IncomingHttpHeaders, OutgoingHttpHeaders, RequestOptions } from 'node:http'
import { connect } from 'node:net'

/** An answer, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The client's port: the same for answers that came over one connection. */
  readonly connection: number
}

/** What to send. */
export interface Call {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
}

/** Sends requests to one server over kept-alive connections. */
export class Client {
  readonly #url: URL
  readonly #agent = new Agent({ keepAlive: true })

  constructor(url: string) {
    this.#url = new URL(url)
  }

  /** Resolves with the answer; rejects when the connection breaks. */
  send(path: string, { method = 'GET', headers = {}, body }: Call = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(this.#options(path, method, headers), (response) => {
        const { statusCode: status = 0, headers: received } = response
        const connection = response.socket.localPort ?? 0
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('error', reject)
        response.on('end', () => {
          resolve({ status, headers: received, body: text, connection })
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  /** Sends a request and hangs up: once `when` resolves, or at the first bytes of the answer's body. */
  hangUp(path: string, when: Promise<unknown> | 'at first bytes'): Promise<void> {
    return new Promise((resolve) => {
      const sent = request({ ...this.#options(path, 'GET', {}), agent: false }, (response) => {
        response.on('error', () => {})
        if (when === 'at first bytes') response.once('data', () => sent.destroy())
      })
      sent.on('error', () => {})
      sent.on('close', () => resolve())
      sent.end()
      if (when !== 'at first bytes') void when.then(() => sent.destroy())
    })
  }

  /**
   * Writes bytes to a connection of its own and resolves with all that came back when that is closed: by the server,
   * or from here once `until` resolves.
   */
  raw(bytes: string, until?: Promise<unknown>): Promise<string> {
    return new Promise((resolve) => {
      let text = ''
      const socket = connect(Number(this.#url.port), this.#url.hostname)
      socket.setEncoding('latin1')
      socket.on('data', (chunk: string) => (text += chunk))
      socket.on('error', () => {})
      socket.on('close', () => resolve(text))
      socket.write(bytes)
      void until?.then(() => socket.destroy())
    })
  }

  /** Asks for another protocol on a connection of its own; resolves with the first bytes that come back, and what closes it. */
  upgrade(path: string): Promise<{ readonly head: string; readonly close: () => void }> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(this.#url.port), this.#url.hostname)
      socket.on('error', reject)
      socket.once('data', (bytes) => resolve({ head: String(bytes), close: () => socket.end() }))
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
    })
  }

  /** Writes bytes (a character each) to a connection of its own, ends this side, and resolves with all that came back. */
  sayAll(bytes: string): Promise<string> {
    return new Promise((resolve) => {
      let text = ''
      const socket = connect({ port: Number(this.#url.port), host: this.#url.hostname, allowHalfOpen: true })
      socket.setEncoding('latin1')
      socket.on('data', (chunk: string) => (text += chunk))
      socket.on('error', () => {})
      socket.on('end', () => socket.destroy())
      socket.on('close', () => resolve(text))
      socket.end(bytes, 'latin1')
    })
  }

  /** Writes bytes to a connection of its own and resets it `turns` turns of the event loop later. */
  reset(bytes: string, turns: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(Number(this.#url.port), this.#url.hostname)
      const wait = (left: number): unknown =>
        left === 0 ? socket.resetAndDestroy() : setImmediate(() => wait(left - 1))
      socket.on('error', () => {})
      socket.on('close', () => resolve())
      socket.write(bytes, 'latin1', () => wait(turns))
    })
  }

  close(): void {
    this.#agent.destroy()
  }

  #options(path: string, method: string, headers: OutgoingHttpHeaders): RequestOptions {
    const { hostname, port } = this.#url
    return { agent: this.#agent, hostname, port, path, method, headers }
  }
}
