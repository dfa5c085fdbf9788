/**
 * Counts the bytes of the bodies of a request on one of Node's own servers. There is no other way than to stand between: Node
 * keeps no count of a body, and that of a connection has heads, chunk sizes and other requests in it. So this is only for requests
 * whose sizes are wanted.
 */

import { declaredLength } from './body-sizes.ts'
import type { BodySizes } from './body-sizes.ts'
import type { NodeRequest, NodeResponse } from './node.ts'

type Method = (...args: unknown[]) => unknown

/** The bodies of one request and its response, from now on. */
export class BodyCount {
  readonly #req: NodeRequest
  readonly #res: NodeResponse
  readonly #method: string
  #read = 0
  #written = 0
  /** While the response's `end` runs, which may call `write` for what it was given. */
  #ending = false

  constructor(req: NodeRequest, res: NodeResponse) {
    this.#req = req
    this.#res = res
    this.#method = req.method ?? 'GET'
    // Every chunk comes in by `push`, whether somebody reads it or not.
    if (hasBody(req)) wrap(req, 'push', (plain, args) => this.#pushed(plain, args))
    wrap(res, 'write', (plain, args) => {
      if (!this.#ending) this.#count(args)
      return plain(...args)
    })
    wrap(res, 'end', (plain, args) => this.#ended(plain, args))
  }

  /** What was counted by now. */
  sizes(): BodySizes {
    const { statusCode } = this.#res
    const isBare = this.#method === 'HEAD' || statusCode === 204 || statusCode === 304
    return { requestBytes: this.#requestBytes(), responseBytes: isBare ? 0 : this.#written }
  }

  /** What nobody wanted Node may have thrown away uncounted; when all of it has come, its length is what was announced. */
  #requestBytes(): number {
    const { complete, headers } = this.#req
    return (complete ? declaredLength(headers['content-length']) : undefined) ?? this.#read
  }

  #pushed(plain: Method, args: unknown[]): unknown {
    this.#read += lengthOf(args[0], args[1])
    return plain(...args)
  }

  #ended(plain: Method, args: unknown[]): unknown {
    if (this.#ending) return plain(...args)
    this.#count(args)
    this.#ending = true
    try {
      return plain(...args)
    } finally {
      this.#ending = false
    }
  }

  #count([chunk, encoding]: unknown[]): void {
    if (!this.#res.writableEnded) this.#written += lengthOf(chunk, encoding)
  }
}

/** Puts a method of its own on an object, in front of the one it has. */
function wrap(object: object, name: string, around: (plain: Method, args: unknown[]) => unknown): void {
  const plain = (Reflect.get(object, name) as Method).bind(object)
  const value = (...args: unknown[]): unknown => around(plain, args)
  Object.defineProperty(object, name, { value, configurable: true, writable: true })
}

function hasBody(req: NodeRequest): boolean {
  if ('stream' in req) return !req.stream.endAfterHeaders
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers
  return coding !== undefined || (length !== undefined && length !== '0')
}

function lengthOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string') {
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  }
  return chunk instanceof Uint8Array ? chunk.byteLength : 0
}
