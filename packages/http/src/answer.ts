/** Answers that kit gives in a handler's place, and the way to keep the handler from answering again. */

import { STATUS_CODES } from 'node:http'
import type { NodeResponse } from './node.ts'
import { ownAnswer } from './plain-answer.ts'

/** Headers that described the response that is not going to be sent. */
const ofTheContent =
  /^(content-|etag$|last-modified$|cache-control$|expires$|transfer-encoding$|trailer$|set-cookie$)/

/** Sends a bare response of `status`, keeping only headers that do not describe a body. */
export function answer(res: NodeResponse, status: number): void {
  for (const name of res.getHeaderNames()) {
    if (ofTheContent.test(name)) res.removeHeader(name)
  }
  const body = `${STATUS_CODES[status] ?? status}\n`
  res.statusCode = status
  // A reason that was meant for another status, as Koa sets one with each; HTTP/2 has none.
  if (!('stream' in res)) res.statusMessage = STATUS_CODES[status] ?? ''
  res.setHeader('content-type', 'text/plain; charset=utf-8')
  res.setHeader('content-length', Buffer.byteLength(body))
  for (const [name, value] of Object.entries(ownAnswer)) res.setHeader(name, value)
  // The head goes first: a middleware's own `end` may put off the rest until after the response was sealed.
  res.writeHead(status)
  ;(res as { end(body: string): unknown }).end(body)
}

const writers = [
  'setHeader',
  'setHeaders',
  'appendHeader',
  'removeHeader',
  'flushHeaders',
  'writeContinue',
  'writeProcessing',
  'writeEarlyHints',
  'addTrailers',
  'uncork',
  'cork',
  'destroy',
] as const

/**
 * Makes a response that has been sent deaf, so that a handler which is late cannot fail with
 * ERR_HTTP_HEADERS_SENT and a framework's error handler does not cut the connection of a client that has its
 * answer: further writes succeed and go nowhere, `destroy` (a pipeline whose source failed calls it) cuts nothing off, and
 * `headersSent` and `writableEnded` are false as the late handler expects them.
 */
export function seal(res: NodeResponse, onLateEnd: () => void): void {
  if (statusOfSealed(res) !== undefined) return
  Object.defineProperty(res, sealedStatus, { value: res.statusCode })
  let told = false
  const chain = (): NodeResponse => res
  const inert: Record<string, unknown> = {
    writeHead: chain,
    write: accept,
    end(...args: unknown[]): NodeResponse {
      if (!told) onLateEnd()
      told = true
      accept(...args)
      return res
    },
  }
  for (const name of writers) inert[name] = chain
  for (const [name, value] of Object.entries(inert)) {
    if (name in res) Object.defineProperty(res, name, { value, configurable: true, writable: true })
  }
  for (const name of ['headersSent', 'writableEnded'])
    Object.defineProperty(res, name, { value: false, configurable: true, writable: true })
}

const sealedStatus: unique symbol = Symbol('kit.http.sealedStatus')

/** The status of a response that was sealed, which it no longer tells; undefined when it was not. */
export function statusOfSealed(res: NodeResponse): number | undefined {
  return (res as { [sealedStatus]?: number })[sealedStatus]
}

/** Takes a chunk as a stream would, and calls back. */
function accept(...args: unknown[]): boolean {
  const callback = args.at(-1)
  if (typeof callback === 'function') queueMicrotask(() => (callback as () => void)())
  return true
}
