/** What every observed client accepts, and what travels with its calls. */

import { validateHeaderName } from 'node:http'
import type { Context } from '@kit/context'
import { injectDeadline } from '@kit/context/wire'
import type { Histogram, Metrics } from '@kit/metrics'
import { metrics as defaultMetrics } from '@kit/metrics'
import type { ClientLabel } from './client-call.ts'
import { HttpError } from './errors.ts'
import { durationBuckets } from './metric-names.ts'
import { callMethodLabels } from './methods.ts'
import { rejectUnknown } from './options.ts'
import { requestIdKey } from './request-id.ts'
import { formatTraceparent, traceKey } from './trace-context.ts'

/** Options of `observeClient`, `observeRequest` and `observeDispatcher`. */
export interface ClientOptions {
  /** Where to record. Default: the process-wide metrics. */
  metrics?: Metrics
  /** The header that carries the request id. Default: `x-request-id`. */
  requestIdHeader?: string
  /**
   * Which hosts are told request id, trace and deadline; strangers need not know them. Asked for every host that a call
   * is sent to, redirects included; one for which it throws is told nothing. Default: all.
   */
  propagate?(url: URL): boolean
}

/** {@link ClientOptions}, complete. */
export interface ResolvedClientOptions {
  readonly duration: Histogram<ClientLabel>
  readonly methodLabel: (method: unknown) => string
  /** Whether some hosts may be told less than others. */
  readonly selective: boolean
  /**
   * The headers to add to a call to `url` that has those of `has` (by lower-case name) already.
   *
   * @throws the context's error when it has ended or has less than 5 ms left: such a call is better not made.
   */
  readonly headersFor: (
    ctx: Context,
    url: URL,
    has: (name: string) => boolean,
  ) => (readonly [string, string])[]
}

/**
 * Checks and completes options.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`, `KIT_HTTP_OPTION_INVALID`.
 */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  rejectUnknown('', options, ['metrics', 'requestIdHeader', 'propagate'])
  const metrics = options.metrics ?? defaultMetrics
  const requestIdHeader = headerName(options.requestIdHeader ?? 'x-request-id')
  const duration = metrics.histogram('http.client.request.duration', {
    help: 'Time from the start of a call until the end of its response body.',
    unit: 's',
    labels: [
      'http.request.method',
      'server.address',
      'server.port',
      'http.response.status_code',
      'error.type',
    ],
    buckets: durationBuckets,
  })
  return {
    duration,
    methodLabel: callMethodLabels(),
    selective: options.propagate !== undefined,
    headersFor: (ctx, url, has) => (isTold(options, url) ? travelling(ctx, requestIdHeader, has) : []),
  }
}

function isTold(options: ClientOptions, url: URL): boolean {
  try {
    return options.propagate?.(url) ?? true
  } catch {
    return false
  }
}

function travelling(
  ctx: Context,
  requestIdHeader: string,
  has: (name: string) => boolean,
): (readonly [string, string])[] {
  const trace = ctx.value(traceKey)
  const deadline: Record<string, string> = {}
  injectDeadline(ctx, deadline) // also refuses a call that has too little time left
  const headers: (readonly [string, string | undefined])[] = [
    [requestIdHeader, ctx.value(requestIdKey)],
    ['traceparent', trace && formatTraceparent(trace)],
    ['grpc-timeout', deadline['grpc-timeout']],
  ]
  return headers.filter(
    (header): header is readonly [string, string] => isSendable(header[1]) && !has(header[0]),
  )
}

/** An application may have put anything into its context; a header that cannot be sent must not fail the call. */
function isSendable(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e][\x20-\x7e]{0,255}$/.test(value)
}

function headerName(name: string): string {
  try {
    validateHeaderName(name)
    return name.toLowerCase()
  } catch (error) {
    throw new HttpError('KIT_HTTP_OPTION_INVALID', 'requestIdHeader must be a header name.', error)
  }
}
