/** What every adapter accepts, and the one place where it is checked and given its defaults. */

import { validateHeaderName } from 'node:http'
import type { Logger, RecurringLine } from '@kit/log'
import { defaultLogger, recurringLine } from '@kit/log'
import type { Metrics } from '@kit/metrics'
import { metrics as defaultMetrics } from '@kit/metrics'
import type { AddressOptions } from './client-address.ts'
import { clientAddressOf } from './client-address.ts'
import { HttpError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import type { MetricNames } from './metric-names.ts'
import { namePresets } from './metric-names.ts'
import type { MethodLabel } from './methods.ts'
import { methodLabels } from './methods.ts'
import type { RecorderOptions, RequestRecorder } from './recorder.ts'
import { resolveRecorder } from './recorder.ts'
import type { RequestIdOptions } from './request-id.ts'
import { checkedGenerator, generateRequestId } from './request-id.ts'

/** Options of every adapter. Without any, a request is measured, logged and given a context; no header is trusted. */
export interface HttpOptions {
  /** Where to record. Default: the process-wide metrics. */
  metrics?: Metrics
  /**
   * How the metrics are called and labelled. `otel`: as OpenTelemetry's conventions have it. `legacy`: the duration as
   * express-prom-bundle has it, `http_request_duration_seconds{method,path,status_code}` for Prometheus, for dashboards that query
   * that; the other metrics keep their names. Default: `otel`.
   */
  names?: 'otel' | 'legacy'
  /**
   * Whether to record the sizes of bodies: `http.server.request.body.size` and `http.server.response.body.size`. On Node's
   * servers this puts methods of its own on each request and response, to count. Default: false.
   */
  bodySizes?: boolean
  /** Where to log: one line a request, and what handlers log. Default: the process-wide logger. `false`: no line a request. */
  log?: Logger | false
  /** The request's own deadline, ms after its arrival. Default: none. */
  timeoutMs?: number
  /** The request id: header, trust, generator. */
  requestId?: RequestIdOptions
  /** The caller's remaining time, read from its headers where trusted (default: not). It may only shorten; `maxMs` bounds it. */
  deadline?: { trust?: boolean; maxMs?: number }
  /** Whether an incoming `traceparent` is carried on. Default: not, every request begins a trace id of its own. */
  trace?: { trust?: boolean }
  /** Which forwarding hops to believe about the client's address. Default: none. */
  address?: AddressOptions
  /**
   * Keeps the lines of each request that the levels refuse, and writes them if it ends as `error` or `deadline` or takes
   * longer than `slowMs`. While requests are recorded their disabled log calls cost what lines cost, but for the
   * writing. Default: off.
   */
  recorder?: RecorderOptions
  /** Requests to leave out of metrics and logs (health probes, say). They get their context all the same. */
  skip?: (exchange: Exchange) => boolean
}

/** Trusts request id, deadline and trace of the caller: for services that only your own edge can reach. */
export const internal: Required<Pick<HttpOptions, 'requestId' | 'deadline' | 'trace'>> = {
  requestId: { trust: true },
  deadline: { trust: true },
  trace: { trust: true },
}

/** {@link HttpOptions}, complete. */
export interface ResolvedOptions {
  readonly metrics: Metrics
  readonly names: MetricNames
  readonly bodySizes: boolean
  /** For handlers. */
  readonly log: Logger
  /** For the line a request; undefined without one. */
  readonly requestLine: RecurringLine | undefined
  readonly methodLabel: MethodLabel
  readonly timeoutMs: number
  readonly requestIdHeader: string
  /** Undefined: of no request. */
  readonly trustRequestId: ((exchange: Exchange) => boolean) | undefined
  readonly generateRequestId: () => string
  readonly trustDeadline: boolean
  readonly maxDeadlineMs: number
  readonly trustTrace: boolean
  readonly clientAddress: (exchange: Exchange) => string | undefined
  readonly recorder: RequestRecorder | undefined
  readonly skip: ((exchange: Exchange) => boolean) | undefined
}

/** The line a request, whose values the observer gives in this order. */
const requestLine = {
  message: 'request',
  contextFields: ['requestId', 'traceId'],
  fields: ['method', 'route', 'path', 'status', 'outcome', 'durationMs', 'stream', 'errorType', 'err'],
}

const known: Readonly<Record<keyof HttpOptions, readonly string[]>> = {
  metrics: [],
  names: [],
  bodySizes: [],
  log: [],
  timeoutMs: [],
  requestId: ['header', 'trust', 'generate'],
  deadline: ['trust', 'maxMs'],
  trace: ['trust'],
  address: ['trust', 'header'],
  recorder: ['level', 'maxLines', 'maxCharacters', 'slowMs', 'when'],
  skip: [],
}

/**
 * Checks and completes options.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`, `KIT_HTTP_OPTION_INVALID`.
 */
export function resolveOptions(options: HttpOptions = {}): ResolvedOptions {
  rejectUnknown('', options, Object.keys(known))
  for (const [key, members] of Object.entries(known)) {
    const value: unknown = options[key as keyof HttpOptions]
    if (members.length > 0 && value !== undefined) rejectUnknown(`${key}.`, value, members)
  }
  const { requestId = {}, deadline = {}, trace = {} } = options
  const log =
    options.log === false
      ? undefined
      : given(
          'log',
          options.log ?? defaultLogger(),
          ['named', 'withContext'],
          'a logger of @kit/log, or false',
        )
  const { recorder } = options
  needFunction('skip', options.skip)
  needFunction('requestId.generate', requestId.generate)
  const trustRequestId = predicate(requestId.trust)
  const asksForIds = trustRequestId !== undefined || requestId.generate !== undefined
  return {
    metrics: given(
      'metrics',
      options.metrics ?? defaultMetrics,
      ['histogram', 'observable'],
      'metrics of @kit/metrics',
    ),
    names: preset(options.names),
    bodySizes: flag('bodySizes', options.bodySizes),
    log: log ?? defaultLogger(),
    requestLine:
      log === undefined
        ? undefined
        : recurringLine(log.named('http'), { ...requestLine, plainContext: !asksForIds }),
    methodLabel: methodLabels(),
    timeoutMs: duration('timeoutMs', options.timeoutMs),
    requestIdHeader: headerName(requestId.header ?? 'x-request-id'),
    trustRequestId,
    generateRequestId:
      requestId.generate === undefined ? generateRequestId : checkedGenerator(requestId.generate),
    trustDeadline: flag('deadline.trust', deadline.trust),
    maxDeadlineMs: duration('deadline.maxMs', deadline.maxMs),
    trustTrace: flag('trace.trust', trace.trust),
    clientAddress: clientAddressOf(options.address),
    recorder: recorder === undefined ? undefined : resolveRecorder(recorder, log ?? defaultLogger()),
    skip: options.skip === undefined ? undefined : (exchange) => options.skip?.(exchange) ?? false,
  }
}

/** Throws for an option that nobody reads; `prefix` is the path to the options, `''` at the top. */
export function rejectUnknown(prefix: string, value: unknown, members: readonly string[]): void {
  if (typeof value !== 'object' || value === null) {
    throw new HttpError('KIT_HTTP_OPTION_INVALID', `${prefix.slice(0, -1) || 'options'} must be an object.`)
  }
  for (const key of Object.keys(value)) {
    if (!members.includes(key)) {
      throw new HttpError(
        'KIT_HTTP_OPTION_UNKNOWN',
        `There is no option "${prefix}${key}"; there are ${members.join(', ')}.`,
      )
    }
  }
}

function duration(name: string, value: number = Infinity): number {
  if (typeof value === 'number' && value > 0) return value
  throw new HttpError('KIT_HTTP_OPTION_INVALID', `${name} must be a number of milliseconds above 0.`)
}

function preset(name: unknown = 'otel'): MetricNames {
  if (name === 'otel' || name === 'legacy') return namePresets[name]
  throw new HttpError('KIT_HTTP_OPTION_INVALID', "names must be 'otel' or 'legacy'.")
}

function headerName(name: string): string {
  try {
    validateHeaderName(name)
    return name.toLowerCase()
  } catch (error) {
    throw new HttpError('KIT_HTTP_OPTION_INVALID', 'requestId.header must be a header name.', error)
  }
}

function predicate(trust: RequestIdOptions['trust'] = false): ((exchange: Exchange) => boolean) | undefined {
  if (typeof trust === 'function') return trust
  return flag('requestId.trust', trust) ? () => true : undefined
}

/** Whether an option is on. What is not quite true, such as a variable of the environment that says "false", is neither. */
function flag(name: string, value: unknown = false): boolean {
  if (typeof value === 'boolean') return value
  throw new HttpError('KIT_HTTP_OPTION_INVALID', `${name} must be true or false.`)
}

/** Throws for a hook that could not be called: at a request, that would be passed over in silence. */
export function needFunction(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return
  throw new HttpError('KIT_HTTP_OPTION_INVALID', `${name} must be a function.`)
}

/** What was given, by the methods that it has: other copies of a package make objects of the same kind. */
function given<T extends object>(name: string, value: T, methods: readonly string[], what: string): T {
  const has = value as Readonly<Record<string, unknown>>
  if (methods.every((method) => typeof has[method] === 'function')) return value
  throw new HttpError('KIT_HTTP_OPTION_INVALID', `${name} must be ${what}.`)
}
