/*
 * Deadlines on the wire. What travels is the time that is left, never a time of day: clocks of two machines differ.
 * Every conversion rounds down, so a deadline only ever gets shorter on its way. The default header is gRPC's
 * (gRPC over HTTP/2, "Timeout"), which proxies and gateways read on plain HTTP as well.
 */
import type { Context } from './context.ts'
import { ContextError, DeadlineExceededError } from './errors.ts'
import { assertContext } from './context-node.ts'

/**
 * The headers that carry a remaining time: `grpc-timeout` (gRPC), `connect-timeout-ms` (Connect),
 * `x-request-timeout-ms`, `x-envoy-expected-rq-timeout-ms` (Envoy) in milliseconds, `request-timeout`
 * (draft-thomson-hybi-http-timeout) in seconds.
 */
export type DeadlineHeader =
  | 'grpc-timeout'
  | 'connect-timeout-ms'
  | 'x-request-timeout-ms'
  | 'x-envoy-expected-rq-timeout-ms'
  | 'request-timeout'

/** Options of `injectDeadline`. */
export interface InjectDeadlineOptions {
  /** The header to write. Default `grpc-timeout`. */
  header?: DeadlineHeader
  /** The least time worth a call, in ms. Default 5. */
  minimumMs?: number
  /** Time held back for the way there and back, in ms. Default 0. */
  reserveMs?: number
}

/** Options of `extractDeadline`. */
export interface ExtractDeadlineOptions {
  /** The longest answer, in ms; a longer one is cut to it. Default Infinity. */
  maxMs?: number
  /** Called for each header that is there but makes no sense, so that it can be counted. */
  onMalformed?: (header: DeadlineHeader, value: unknown) => void
}

/** Headers to write to: a `Headers` of the platform, or a plain record. */
export type WritableHeaders =
  | { set(name: string, value: string): unknown }
  | Record<string, string | readonly string[] | number | undefined>

/** Headers to read from: a `Headers` of the platform, or a record with lower-case names as `IncomingMessage` has. */
export type ReadableHeaders =
  | { get(name: string): string | null | undefined }
  | Readonly<Record<string, string | readonly string[] | number | undefined>>

/**
 * Writes the time that is left to the context, less the reserve, into the header; nothing without a deadline.
 * Throws the context's error if it has ended, and a DeadlineExceededError if less than `minimumMs` would be left: a
 * call that cannot finish is better not made. Throws KIT_INVALID_OPTION, KIT_INVALID_CONTEXT.
 */
export function injectDeadline(
  ctx: Context,
  headers: WritableHeaders,
  options: InjectDeadlineOptions = {},
): void {
  assertContext(ctx)
  const { header = 'grpc-timeout', minimumMs = 5, reserveMs = 0 } = options
  if (!known.includes(header)) {
    throw new ContextError('KIT_INVALID_OPTION', `header must be one of ${known.join(', ')}`)
  }
  assertDuration('minimumMs', minimumMs)
  assertDuration('reserveMs', reserveMs)
  ctx.throwIfDone()
  const left = ctx.remaining - reserveMs
  if (left === Infinity) return
  if (left < minimumMs || left < 0) {
    throw new DeadlineExceededError(
      `context deadline exceeded: ${Math.max(0, Math.floor(left))}ms left for a call that needs ${minimumMs}ms`,
    )
  }
  write(headers, header, formats[header].format(left))
}

/**
 * Reads the time that the caller has left, in ms, at least 0: the shortest that the known headers say. 0 means that
 * the call has expired on arrival. Undefined: no usable header. Use it only to shorten a deadline, and only from
 * callers you trust to do so. Never throws on what a caller sends: a malformed header is ignored and reported.
 * Throws KIT_INVALID_OPTION.
 */
export function extractDeadline(
  headers: ReadableHeaders,
  options: ExtractDeadlineOptions = {},
): number | undefined {
  const { maxMs = Infinity, onMalformed } = options
  assertDuration('maxMs', maxMs)
  let shortest: number | undefined
  for (const header of known) {
    const value = read(headers, header)
    if (value === undefined || value === null) continue
    const ms = parseAny(header, value)
    if (ms === undefined) tell(onMalformed, header, value)
    else if (shortest === undefined || ms < shortest) shortest = ms
  }
  return shortest === undefined ? undefined : Math.min(shortest, maxMs)
}

const known: readonly DeadlineHeader[] = [
  'grpc-timeout',
  'connect-timeout-ms',
  'x-request-timeout-ms',
  'x-envoy-expected-rq-timeout-ms',
  'request-timeout',
]

interface Format {
  readonly pattern: RegExp
  /** Milliseconds of the number, where the header does not say. */
  readonly unitMs: number
  format(ms: number): string
}

/** gRPC's units, in milliseconds each, from fine to coarse; case-sensitive. */
const grpcUnits: Readonly<Record<string, number>> = { n: 1e-6, u: 1e-3, m: 1, S: 1e3, M: 60e3, H: 3_600e3 }
const mostGrpcDigits = 99_999_999

// Fifteen digits are exact in a double, and 30,000 years in milliseconds.
const plainMs: Format = {
  pattern: /^(\d{1,15})$/,
  unitMs: 1,
  format: (ms) => String(Math.min(Math.floor(ms), 999_999_999_999_999)),
}

const formats: Readonly<Record<DeadlineHeader, Format>> = {
  'grpc-timeout': { pattern: /^(\d{1,8})([HMSmun])$/, unitMs: 1, format: formatGrpc },
  // The Connect protocol allows ten digits.
  'connect-timeout-ms': {
    pattern: /^(\d{1,10})$/,
    unitMs: 1,
    format: (ms) => String(Math.min(Math.floor(ms), 9_999_999_999)),
  },
  'x-request-timeout-ms': plainMs,
  'x-envoy-expected-rq-timeout-ms': plainMs,
  'request-timeout': {
    pattern: /^(\d{1,12})$/,
    unitMs: 1e3,
    format: (ms) => String(Math.min(Math.floor(ms / 1e3), 999_999_999_999)),
  },
}

/** The finest unit from milliseconds up in which the number has at most eight digits, as gRPC demands. */

/** Counting what is malformed must not fail the request that it came with. */
function tell(
  onMalformed: ExtractDeadlineOptions['onMalformed'],
  header: DeadlineHeader,
  value: unknown,
): void {
  try {
    onMalformed?.(header, value)
  } catch {
    // the caller's own mistake, and none of the header's sender
  }
}

function formatGrpc(ms: number): string {
  for (const unit of ['m', 'S', 'M'] as const) {
    const amount = Math.floor(ms / (grpcUnits[unit] ?? 1))
    if (amount <= mostGrpcDigits) return `${amount}${unit}`
  }
  return `${Math.min(Math.floor(ms / (grpcUnits['H'] ?? 1)), mostGrpcDigits)}H`
}

/** What throws when it is looked at, as a revoked proxy does, is as malformed as any other header. */
function parseAny(header: DeadlineHeader, value: unknown): number | undefined {
  try {
    return parse(header, value)
  } catch {
    return undefined
  }
}

function parse(header: DeadlineHeader, value: unknown): number | undefined {
  const text = Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value
  if (typeof text !== 'string' && typeof text !== 'number') return undefined
  const { pattern, unitMs } = formats[header]
  const match = pattern.exec(String(text))
  if (match === null) return undefined
  const [, digits, unit] = match
  return Number(digits) * (unit === undefined ? unitMs : (grpcUnits[unit] ?? unitMs))
}

function read(headers: ReadableHeaders, header: DeadlineHeader): unknown {
  try {
    return isReader(headers) ? headers.get(header) : headers[header]
  } catch {
    // Not the caller's bytes but a broken collection of headers: as good as no header.
    return undefined
  }
}

function write(headers: WritableHeaders, header: DeadlineHeader, value: string): void {
  if (isWriter(headers)) {
    headers.set(header, value)
    return
  }
  // A record may hold the header in another spelling, and then both would be sent.
  for (const name of Object.keys(headers)) {
    if (name !== header && name.toLowerCase() === header) delete headers[name]
  }
  headers[header] = value
}

function isReader(headers: ReadableHeaders): headers is { get(name: string): string | null | undefined } {
  return typeof headers.get === 'function'
}

function isWriter(headers: WritableHeaders): headers is { set(name: string, value: string): unknown } {
  return typeof headers.set === 'function'
}

function assertDuration(name: string, ms: number): void {
  if (typeof ms === 'number' && ms >= 0) return
  throw new ContextError('KIT_INVALID_OPTION', `${name} is a number of milliseconds, 0 or more`)
}
