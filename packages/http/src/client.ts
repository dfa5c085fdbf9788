/**
 * `fetch` that obeys the context: what is left of its deadline, the request id and the trace travel with the
 * call, and the call ends with the context, body included.
 */

import type { Context } from '@kit/context'
import { clock, current, isCanceled, isDeadlineExceeded } from '@kit/context'
import { injectDeadline } from '@kit/context/wire'
import type { Histogram, Metrics } from '@kit/metrics'
import { metrics as defaultMetrics } from '@kit/metrics'
import { HttpError } from './errors.ts'
import { durationBuckets } from './instruments.ts'
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
type ClientLabel =
  | 'http.request.method'
  | 'server.address'
  | 'server.port'
  | 'http.response.status_code'
  | 'error.type'

/**
 * The same `fetch`, under the ambient context (`current()`):
 *
 * - it is aborted when the context ends, until its body has been read to the end, with the context's error;
 *   a `signal` of the caller's own is obeyed as well;
 * - `grpc-timeout` (what is left of the deadline), `x-request-id` and `traceparent` are sent, except those that
 *   the caller set itself; with less than 5 ms left nothing is sent and the context's error is thrown;
 * - `http.client.request.duration` (seconds, until the body's end) is recorded by method, server, status and
 *   error type; a call that its context cancelled is no error.
 *
 * A body that nobody reads or cancels keeps its connection, and its measurement, open until the context ends.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`. Calls reject with what `fetch` rejects with.
 */
export function observeClient(fetch: Fetch = globalThis.fetch, options: ClientOptions = {}): Fetch {
  const { duration, requestIdHeader, propagate } = resolveClientOptions(options)

  return async (input, init) => {
    const parent = current()
    const request = input instanceof Request ? input : undefined
    const url = new URL(input instanceof Request ? input.url : input)
    const method = methodLabel((init?.method ?? request?.method ?? 'GET').toUpperCase())
    const startMs = clock.now()
    const signal = init?.signal ?? request?.signal
    const ctx = signal ? parent.withSignal(signal) : parent.withCancel()

    let settled = false
    let stopWatching: () => unknown = () => false
    const settle = (status: string, errorType: string): void => {
      if (settled) return
      settled = true
      stopWatching()
      const labels = {
        'http.request.method': method,
        'server.address': url.hostname,
        'server.port': url.port || (url.protocol === 'https:' ? '443' : '80'),
        'http.response.status_code': status,
        'error.type': errorType,
      }
      duration.observe(labels, (clock.now() - startMs) / 1000)
      ctx.cancel('the call is over')
    }

    try {
      const headers = new Headers(init?.headers ?? request?.headers)
      if (propagate(url)) inject(ctx, headers, requestIdHeader)
      const response = await fetch(input, { ...init, headers, signal: ctx.signal })
      const status = String(response.status)
      stopWatching = ctx.afterFunc((error) => settle(status, errorTypeOf(error) || failing(status)))
      return followBody(response, (error) =>
        settle(status, error === undefined ? failing(status) : errorTypeOf(error)),
      )
    } catch (error) {
      settle('', errorTypeOf(error))
      throw error
    }
  }
}

function resolveClientOptions(options: ClientOptions): {
  duration: Histogram<ClientLabel>
  requestIdHeader: string
  propagate: (url: URL) => boolean
} {
  for (const key of Object.keys(options)) {
    if (key !== 'metrics' && key !== 'requestIdHeader' && key !== 'propagate') {
      throw new HttpError('KIT_HTTP_OPTION_UNKNOWN', `observeClient has no option "${key}".`)
    }
  }
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
  injectDeadline(ctx, headers)
}

/** Returns the response with a body that reports its end: nothing for the last byte, the error for any other. */
function followBody(response: Response, onEnd: (error?: unknown) => void): Response {
  if (response.body === null) {
    onEnd()
    return response
  }
  const reader = response.body.getReader()
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          onEnd()
          return controller.close()
        } catch (error) {
          onEnd(error)
          return controller.error(error)
        }
      },
      async cancel(reason) {
        onEnd()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  const { status, statusText, headers, url, redirected, type } = response
  const followed = new Response(body, { status, statusText, headers })
  for (const [key, value] of Object.entries({ url, redirected, type })) {
    Object.defineProperty(followed, key, { value, configurable: true })
  }
  return followed
}

/** A 4xx or 5xx answer is an error of the call, by the conventions for clients. */
function failing(status: string): string {
  return Number(status) >= 400 ? status : ''
}

/** A bounded name for a failure: Node's system codes (`ECONNREFUSED`), else the error's class. */
function errorTypeOf(error: unknown): string {
  if (isDeadlineExceeded(error)) return 'deadline_exceeded'
  if (isCanceled(error)) return ''
  const cause = (error as { cause?: { code?: unknown } } | undefined)?.cause
  if (typeof cause?.code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(cause.code)) return cause.code
  return error instanceof Error && /^\w{1,40}$/.test(error.name) ? error.name : '_OTHER'
}
