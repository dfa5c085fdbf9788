/** Clients for the conformance cases that show what fetch hides: connections, and answers that are given up. */

import { Agent, request } from 'node:http'
import type { IncomingHttpHeaders, OutgoingHttpHeaders, RequestOptions } from 'node:http'
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2'
import { connect, constants } from 'node:http2'

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

/** Sends requests to one server. */
export interface Client {
  /** Resolves with the answer; rejects when the connection, or the stream, breaks. */
  send(path: string, call?: Call): Promise<Answer>
  /** Sends a request and hangs up: once `when` resolves, or at the first bytes of the answer's body. */
  hangUp(path: string, when: Promise<unknown> | 'at first bytes'): Promise<void>
  close(): void
}

/** Over kept-alive connections of HTTP/1.1. */
export class Http1Client implements Client {
  readonly #url: URL
  readonly #agent = new Agent({ keepAlive: true })

  constructor(url: string) {
    this.#url = new URL(url)
  }

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

  close(): void {
    this.#agent.destroy()
  }

  #options(path: string, method: string, headers: OutgoingHttpHeaders): RequestOptions {
    const { hostname, port } = this.#url
    return { agent: this.#agent, hostname, port, path, method, headers }
  }
}

/** Over streams of one connection of HTTP/2. */
export class Http2Client implements Client {
  readonly #url: string
  #session: ClientHttp2Session | undefined = undefined

  constructor(url: string) {
    this.#url = url
  }

  send(path: string, { method = 'GET', headers = {}, body }: Call = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = this.#request(path, method, headers)
      let received: IncomingHttpHeaders | undefined
      let text = ''
      stream.setEncoding('utf8')
      stream.on('response', (head) => (received = head as IncomingHttpHeaders))
      stream.on('data', (chunk: string) => (text += chunk))
      stream.on('error', reject)
      // A stream that the service destroys without an error has ended, and says only here that it was not whole.
      stream.on('aborted', () => reject(new Error('aborted')))
      stream.on('close', () => {
        if (received === undefined) return reject(new Error('no answer'))
        const status = Number((received as Record<string, unknown>)[constants.HTTP2_HEADER_STATUS])
        const connection = this.#session?.socket.localPort ?? 0
        resolve({ status, headers: received, body: text, connection })
      })
      stream.end(body)
    })
  }

  hangUp(path: string, when: Promise<unknown> | 'at first bytes'): Promise<void> {
    return new Promise((resolve) => {
      const stream = this.#request(path, 'GET', {})
      const leave = (): void => stream.close(constants.NGHTTP2_CANCEL)
      if (when === 'at first bytes') stream.once('data', leave)
      else void when.then(leave)
      stream.on('error', () => {})
      stream.on('close', () => resolve())
      stream.end()
    })
  }

  close(): void {
    this.#session?.destroy()
  }

  #request(path: string, method: string, headers: OutgoingHttpHeaders): ClientHttp2Stream {
    // Made when it is needed: there are apps that are only talked to in bytes.
    this.#session ??= connect(this.#url).on('error', () => {})
    const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH } = constants
    return this.#session.request(
      { ...headers, [HTTP2_HEADER_METHOD]: method, [HTTP2_HEADER_PATH]: path },
      { endStream: false },
    )
  }
}
