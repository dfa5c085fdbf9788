/**
 * How the metrics of a server's requests are called and labelled: as OpenTelemetry has it, or as the dashboards that were
 * drawn for the usual Prometheus middlewares expect it. A preset changes spelling, and nothing of what is measured.
 */

import type { Verdict } from './outcome.ts'

/** One spelling. */
export interface MetricNames {
  readonly duration: string
  readonly requestSize: string
  readonly responseSize: string
  /** The labels of these three. */
  readonly labels: readonly string[]
  /** Upper bounds of the duration's buckets, in seconds. */
  readonly durationBuckets: readonly number[]
  /** The values of the labels, by name and in the order of `labels`. */
  labelsOf(method: string, scheme: string, route: string, verdict: Verdict): Readonly<Record<string, string>>
}

/** The buckets that the conventions advise for request durations, in seconds. */
export const durationBuckets: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

const otel: MetricNames = {
  duration: 'http.server.request.duration',
  requestSize: 'http.server.request.body.size',
  responseSize: 'http.server.response.body.size',
  labels: ['http.request.method', 'url.scheme', 'http.route', 'http.response.status_code', 'error.type'],
  durationBuckets,
  labelsOf: (method, scheme, route, { status, errorType }) => ({
    'http.request.method': method,
    'url.scheme': scheme,
    'http.route': route,
    'http.response.status_code': status,
    'error.type': errorType,
  }),
}

/**
 * express-prom-bundle's, which most Node dashboards query: `http_request_duration_seconds{method,path,status_code}` on a
 * Prometheus page, with 499 for requests that were left without an answer. The buckets are those above and the bundle's own, so
 * that every `le` that is queried is there.
 */
const legacy: MetricNames = {
  duration: 'http.request.duration',
  requestSize: 'http.request.size',
  responseSize: 'http.response.size',
  labels: ['method', 'path', 'status_code'],
  durationBuckets: [...durationBuckets, 0.003, 0.03, 0.3, 1.5].toSorted((a, b) => a - b),
  labelsOf: (method, _scheme, route, { status }) => ({
    method,
    path: route,
    status_code: status === '' ? '499' : status,
  }),
}

/** Every preset by its name in the options. */
export const namePresets: Readonly<Record<'otel' | 'legacy', MetricNames>> = { otel, legacy }
