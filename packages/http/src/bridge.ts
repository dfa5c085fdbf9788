/** Serves a fetch-style handler (`Request` in, `Response` out) from a node:http server. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { ReadableStream, ReadableStreamBYOBReader } from 'node:stream/web'
import { answer } from './answer.ts'
import { onEnd } from './connection-end.ts'
import { carryObservation } from './observer.ts'

/** A handler in the style of fetch: the endpoints of kit are all of this kind. */
export type FetchHandler = (request: Request) => Response | Promise<Response>

/**
 * Makes a node:http listener of a fetch-style handler. A request that no `Request` can stand for (a target that is
 * no URL, a `Host` that is no host, TRACE) gets 400, a handler that throws 500; the request's `signal` aborts when the client leaves.
 */
export function toNodeListener(handler: FetchHandler): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    const left = new AbortController()
    const request = requestOf(req, left.signal)
    if (request === undefined) {
      answer(res, 400)
      return
    }
    carryObservation(req, request)
    onEnd(res, req.socket, () => {
      // The request is asked so that it lives until now: its signal follows the other through a weak reference.
      if (!res.writableFinished && !request.signal.aborted) left.abort()
    })
    void serve(handler, request, req, res)
  }
}

async function serve(
  handler: FetchHandler,
  request: Request,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  try {
    const response = await handler(request)
    res.statusCode = response.status
    for (const [name, value] of response.headers) res.appendHeader(name, value)
    // After the headers: a response that is made only when it is looked into may spell them in another way then.
    if (response.statusText !== '') res.statusMessage = response.statusText
    // What the handler left unread of a body would be taken for the next request, or wait in its way.
    if (request.body !== null && !req.readableEnded) res.setHeader('connection', 'close')
    if (response.body === null || req.method === 'HEAD') {
      await response.body?.cancel()
      res.end()
    } else {
      await send(response.body, res, req.socket)
    }
  } catch {
    if (res.headersSent) res.destroy()
    else answer(res, 500)
  }
}

/** How much of a body is in memory at a time, where it lets its reader say so. */
const readAtOnce = 122_880
/** Most bodies are short: so much is read at first. */
const firstRead = 4096

async function send(body: ReadableStream<Uint8Array>, res: ServerResponse, socket: Socket): Promise<void> {
  const byob = byobReaderOf(body)
  const chunks = byob === undefined ? body.getReader() : new ReusedMemory(byob)
  let written = (_taken: boolean): void => {}
  onEnd(res, socket, () => {
    chunks.cancel().catch(() => {})
    written(false)
  })
  for (;;) {
    const { done, value } = await chunks.read()
    if (done) break
    // Memory is not used again before the system has taken what is in it. Who has left is noticed here first: writes
    // that fail one after the other would keep the response from saying that it is closed.
    const taken = await new Promise<boolean>((resolve) => {
      written = resolve
      res.write(value, (error) => resolve(error === undefined || error === null))
    })
    // A network that takes whatever it is given would leave no turn of the event loop to anybody else.
    if (value.byteLength > firstRead) await nextTurn()
    if (!taken || socket.destroyed) {
      await chunks.cancel()
      return
    }
  }
  res.end()
}

/** Reads a body into the same memory again and again: a chunk is good until the next one is read. */
class ReusedMemory {
  readonly #reader: ReadableStreamBYOBReader
  #memory = new Uint8Array(firstRead)

  constructor(reader: ReadableStreamBYOBReader) {
    this.#reader = reader
  }

  async read(): Promise<{ done: true; value: undefined } | { done: false; value: Uint8Array }> {
    const { done, value } = await this.#reader.read(this.#memory)
    if (done) return { done, value: undefined }
    const { buffer } = value
    const isMore = buffer.byteLength === firstRead && value.byteLength === firstRead
    this.#memory = isMore ? new Uint8Array(readAtOnce) : new Uint8Array(buffer)
    return { done, value }
  }

  cancel(): Promise<void> {
    return this.#reader.cancel()
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Reads into memory that the reader brings; undefined for a stream that brings its own. */
function byobReaderOf(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: 'byob' })
  } catch {
    return undefined
  }
}

/** What would end the host in a URL: the path of a request is in its target, and nowhere else (RFC 9112, section 3.2). */
const endOfHost = /[/?#@\\]/

function requestOf(req: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = 'GET', url: target = '/', rawHeaders } = req
  // Empty is allowed, and is no host either: in a URL the path would take its place.
  const host = req.headers.host || 'localhost'
  if (endOfHost.test(host)) return undefined
  try {
    const scheme = (req.socket as { encrypted?: boolean } | undefined)?.encrypted === true ? 'https' : 'http'
    const url = new URL(target.startsWith('/') ? `${scheme}://${host}${target}` : target)
    const headers = new Headers()
    for (let i = 0; i < rawHeaders.length; i += 2)
      headers.append(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '')
    if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal })
    const body = Readable.toWeb(req) as ReadableStream<Uint8Array>
    return new Request(url, { method, headers, signal, body, duplex: 'half' })
  } catch {
    return undefined
  }
}
