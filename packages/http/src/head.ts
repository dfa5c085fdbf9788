/** What is read from the head of a request when it arrives: believed where the options say so, and checked all the same. */

import { extractDeadline } from '@kit/context/wire'
import type { Exchange } from './exchange.ts'
import type { HttpInstruments } from './instruments.ts'
import type { ResolvedOptions } from './options.ts'
import { generateRequestId, isRequestId } from './request-id.ts'
import type { TraceContext } from './trace-context.ts'
import { parseTraceparent, startTrace } from './trace-context.ts'

/** The client's id where it is trusted and acceptable, else a new one. */
export function requestIdOf(
  exchange: Exchange,
  options: ResolvedOptions,
  instruments: HttpInstruments,
): string {
  const { trustRequestId: trusts } = options
  // Headers are parsed when they are first read.
  const sent = trusts === undefined ? undefined : exchange.header(options.requestIdHeader)
  if (
    sent !== undefined &&
    trusts !== undefined &&
    instruments.attempt('request_id', false, () => trusts(exchange))
  ) {
    if (isRequestId(sent)) return sent
    instruments.ignored('request_id')
  }
  const made = instruments.attempt('request_id', undefined, options.generateRequestId)
  return made ?? generateRequestId()
}

/** The caller's trace where it is trusted and well-formed, else a new one. */
export function traceOf(
  exchange: Exchange,
  options: ResolvedOptions,
  instruments: HttpInstruments,
): TraceContext {
  const header = options.trustTrace ? exchange.header('traceparent') : undefined
  if (header === undefined) return startTrace()
  const trace = parseTraceparent(header)
  if (trace === undefined) instruments.ignored('traceparent')
  return trace ?? startTrace()
}

/** The caller's remaining time in ms; Infinity when it sent none, or is not trusted. */
export function callerDeadline(
  exchange: Exchange,
  options: ResolvedOptions,
  instruments: HttpInstruments,
): number {
  if (!options.trustDeadline) return Infinity
  const headers = { get: (name: string): string | null => exchange.header(name) ?? null }
  const onMalformed = (): void => instruments.ignored('deadline')
  return extractDeadline(headers, { maxMs: options.maxDeadlineMs, onMalformed }) ?? Infinity
}

/** Without the query, which is where people put secrets, and cut to a length that a log line can bear. */
export function pathOf(target: string): string {
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  return path.length > 1024 ? `${path.slice(0, 1024)}…` : path
}
