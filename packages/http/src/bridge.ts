/** Serves a fetch-style handler (`Request` in, `Response` out) from a node:http server. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { answer } from './answer.ts'

/** A handler in the style of fetch: the endpoints of kit are all of this kind. */
export type FetchHandler = (request: Request) => Response | Promise<Response>

/**
 * Makes a node:http listener of a fetch-style handler. A request target that is no URL gets 400 (Node's parser
 * lets several through), a handler that throws 500; the request's `signal` aborts when the client leaves.
 */
export function toNodeListener(handler: FetchHandler): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    const url = urlOf(req)
    if (url === undefined) {
      answer(res, 400)
      return
    }
    void serve(handler, req, res, url)
  }
}

async function serve(
  handler: FetchHandler,
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
): Promise<void> {
  const left = new AbortController()
  res.once('close', () => {
    if (!res.writableFinished) left.abort()
  })
  try {
    const response = await handler(requestOf(req, url, left.signal))
    res.statusCode = response.status
    for (const [name, value] of response.headers) res.appendHeader(name, value)
    if (response.body === null || req.method === 'HEAD') {
      await response.body?.cancel()
      res.end()
    } else {
      await pipeline(Readable.fromWeb(response.body), res)
    }
  } catch {
    if (res.headersSent) res.destroy()
    else answer(res, 500)
  }
}

function requestOf(req: IncomingMessage, url: URL, signal: AbortSignal): Request {
  const headers = new Headers()
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    headers.append(req.rawHeaders[i] ?? '', req.rawHeaders[i + 1] ?? '')
  }
  const method = req.method ?? 'GET'
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers, signal })
  const body = Readable.toWeb(req) as ReadableStream<Uint8Array>
  return new Request(url, { method, headers, signal, body, duplex: 'half' })
}

function urlOf(req: IncomingMessage): URL | undefined {
  const target = req.url ?? '/'
  const host = req.headers.host ?? 'localhost'
  try {
    return new URL(target.startsWith('/') ? `http://${host}${target}` : target)
  } catch {
    return undefined
  }
}
