/**
 * `fetch` that obeys the context: what is left of its deadline, the request id and the trace travel with the
 * call, and the call ends with the context, body included.
 */

import type { Context } from '@kit/context'
import { injectDeadline } from '@kit/context/wire'
import type { Histogram, Metrics } from '@kit/metrics'
import { metrics as defaultMetrics } from '@kit/metrics'
import type { ClientLabel } from './client-call.ts'
import { Call } from './client-call.ts'
import { durationBuckets } from './instruments.ts'
import { rejectUnknown } from './options.ts'
import { methodLabel } from './outcome.ts'
import { requestIdKey } from './request-id.ts'
import { formatTraceparent, traceKey } from './trace-context.ts'

/** Options of {@link observeClient}. */
export interface ClientOptions {
  /** Where to record. Default: the process-wide metrics. */
  metrics?: Metrics
  /** The header that carries the request id. Default: `x-request-id`. */
  requestIdHeader?: string
  /** Which hosts are told request id, trace and deadline; strangers need not know them. Default: all. */
  propagate?(url: URL): boolean
}

type Fetch = typeof globalThis.fetch
/**
 * The same `fetch`, under the ambient context (`current()`):
 *
 * - it is aborted when the context ends, until its body has been read to the end, with the context's error;
 *   a `signal` of the caller's own is obeyed as well, and its reason is what the call rejects with;
 * - `grpc-timeout` (what is left of the deadline), `x-request-id` and `traceparent` are sent, except those that
 *   the caller set itself; with less than 5 ms left nothing is sent and the context's error is thrown;
 * - `http.client.request.duration` (seconds, until the body's end) is recorded by method, server, status and
 *   error type; a call that its context cancelled is no error. A body that is never read is timed to its head.
 *
 * `fetch` follows redirects by itself, with the same headers. Observing an observed fetch returns it as it is.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`. Calls reject with what `fetch` rejects with.
 */
export function observeClient(fetch: Fetch = globalThis.fetch, options: ClientOptions = {}): Fetch {
  if (observedClients.has(fetch)) return fetch
  const { duration, requestIdHeader, propagate } = resolveClientOptions(options)

  const observed: Fetch = async (input, init) => {
    const request = input instanceof Request ? input : undefined
    const url = new URL(input instanceof Request ? input.url : input)
    const call = new Call(
      duration,
      methodLabel((init?.method ?? request?.method ?? 'GET').toUpperCase()),
      url,
      init?.signal === undefined ? request?.signal : init.signal,
    )
    try {
      const headers = new Headers(init?.headers ?? request?.headers)
      if (propagate(url)) inject(call.ctx, headers, requestIdHeader)
      const response = await fetch(input, { ...init, headers, signal: call.ctx.signal })
      return call.follow(response)
    } catch (error) {
      throw call.fail(error)
    }
  }
  observedClients.add(observed)
  return observed
}

const observedClients = new WeakSet<Fetch>()

function resolveClientOptions(options: ClientOptions): {
  duration: Histogram<ClientLabel>
  requestIdHeader: string
  propagate: (url: URL) => boolean
} {
  rejectUnknown('', options, ['metrics', 'requestIdHeader', 'propagate'])
  const metrics = options.metrics ?? defaultMetrics
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
    requestIdHeader: options.requestIdHeader ?? 'x-request-id',
    propagate: (url) => options.propagate?.(url) ?? true,
  }
}

function inject(ctx: Context, headers: Headers, requestIdHeader: string): void {
  const id = ctx.value(requestIdKey)
  if (id !== undefined && !headers.has(requestIdHeader)) headers.set(requestIdHeader, id)
  const trace = ctx.value(traceKey)
  if (trace !== undefined && !headers.has('traceparent')) headers.set('traceparent', formatTraceparent(trace))
  const own = headers.get('grpc-timeout')
  injectDeadline(ctx, headers) // also refuses a call that has too little time left
  if (own !== null) headers.set('grpc-timeout', own)
}
