/**
 * The trace that a request belongs to, as W3C Trace Context spells it in the `traceparent` header
 * (https://www.w3.org/TR/trace-context/). Nothing is recorded here: an incoming trace is carried on as it came,
 * so that the caller's span stays the parent of what the next service records; without one, a trace id is made
 * up so that the lines of one request can be found across services, marked as not recorded.
 */

import type { Key } from '@kit/context'
import { createKey } from '@kit/context'
import { randomHex } from './random.ts'

/** The identity of a trace and of the span that is the parent of whatever happens next. */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string
  /** Two lower-case hexadecimal digits; the lowest bit says that the caller recorded its part. */
  readonly flags: string
}

/** The trace that a context belongs to. */
export const traceKey: Key<TraceContext | undefined> = createKey('kit.http.trace')

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const zeros = /^0+$/

/**
 * Reads a `traceparent` header. Answers undefined for anything the specification (§3.2, §4.3) calls invalid;
 * a version above 00 is read by its first four fields, as it demands.
 */
export function parseTraceparent(header: string): TraceContext | undefined {
  const match = header.length > 512 ? null : form.exec(header)
  if (match === null) return undefined
  const [, version, traceId = '', spanId = '', flags = '', rest] = match
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (zeros.test(traceId) || zeros.test(spanId)) return undefined
  return { traceId, spanId, flags }
}

/** The `traceparent` header for a trace, version 00. */
export function formatTraceparent(trace: TraceContext): string {
  return `00-${trace.traceId}-${trace.spanId}-${trace.flags}`
}

/** A trace of our own, not recorded by anybody yet. */
export function startTrace(): TraceContext {
  return { traceId: randomHex(16), spanId: randomHex(8), flags: '00' }
}
