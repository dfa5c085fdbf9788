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
  /** Makes a new id. Default: 16 random bytes in hexadecimal. */
  generate?: () => string
}

const acceptable = /^[\w.:-]{1,128}$/

/** The id that was made last, which needs no look: nearly every id that is asked about is this one. */
let made = ''

/** True for an id that may be taken over from a header: 1 to 128 of `A-Z a-z 0-9 _ . : -`. */
export function isRequestId(value: unknown): value is string {
  return typeof value === 'string' && ((value === made && value !== '') || acceptable.test(value))
}

/** A new id: 32 hexadecimal digits. */
export function generateRequestId(): string {
  made = randomHex(16)
  return made
}
