/**
 * The request id: one name for a request in every log line, response and call that it causes. A client's own
 * id is taken over only where it is trusted, and only if it is short and plain: it ends up in logs.
 */

import type { Key } from '@kit/context'
import { createKey } from '@kit/context'
import type { Exchange } from './exchange.ts'
import { randomHex } from './random.ts'

/** The id of the request that a context belongs to. */
export const requestIdKey: Key<string | undefined> = createKey('kit.http.requestId')

/** Options for the request id. */
export interface RequestIdOptions {
  /** The header it is read from and echoed in. Default: `x-request-id`. */
  header?: string
  /** Whether to take over the client's id. Default: false, every request gets an id of ours. */
  trust?: boolean | ((exchange: Exchange) => boolean)
  /**
   * Makes a new id. Where it throws, or makes one that no header may bring either, the request gets one of ours, which is
   * counted in `kit.http.failed_callbacks`. Default: 16 random bytes in hexadecimal.
   */
  generate?: () => string
}

const acceptable = /^[\w.:-]{1,128}$/

/** True for an id that may be taken over from a header: 1 to 128 of `A-Z a-z 0-9 _ . : -`. */
export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && acceptable.test(value)
}

const unacceptable = new Error('requestId.generate made what is no request id')

/** A generator that throws instead of making what is no id. */
export function checkedGenerator(generate: () => unknown): () => string {
  return () => {
    const id = generate()
    if (isRequestId(id)) return id
    throw unacceptable
  }
}

/** A new id: 32 hexadecimal digits. */
export function generateRequestId(): string {
  return randomHex(16)
}
