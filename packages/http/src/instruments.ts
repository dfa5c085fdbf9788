/** The metrics of an HTTP server, by the names and buckets of OpenTelemetry's semantic conventions 1.44. */

import type { Metrics } from '@kit/metrics'
import type { Verdict } from './outcome.ts'

/** What can be wrong with a header that is ignored for it. */
export type IgnoredHeader = 'request_id' | 'traceparent' | 'deadline'

/** The recording side of the observer. */
export interface HttpInstruments {
  opened(method: string, scheme: string): void
  closed(method: string, scheme: string, route: string, verdict: Verdict, seconds: number): void
  /** `met`, `missed`, or `expired` before the request came: of the requests that had a deadline. */
  deadline(result: 'met' | 'missed' | 'expired'): void
  ignored(header: IgnoredHeader): void
  lateResponse(): void
}

/** The buckets that the conventions advise for request durations, in seconds. */
export const durationBuckets: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

/** The instruments in `metrics`; asking again gives the same cells. */
export function httpInstruments(metrics: Metrics): HttpInstruments {
  const duration = metrics.histogram('http.server.request.duration', {
    help: 'Time from the arrival of a request until its response closed.',
    unit: 's',
    labels: ['http.request.method', 'url.scheme', 'http.route', 'http.response.status_code', 'error.type'],
    buckets: durationBuckets,
  })
  const active = metrics.gauge('http.server.active_requests', {
    help: 'Requests whose response has not closed yet.',
    unit: '{request}',
    labels: ['http.request.method', 'url.scheme'],
  })
  const deadlines = metrics.counter('http.server.deadlines', {
    help: 'Requests that had a deadline: met, missed, or expired before they came.',
    unit: '{request}',
    labels: ['result'],
  })
  const ignored = metrics.counter('kit.http.ignored_headers', {
    help: 'Trusted headers that were malformed and therefore ignored.',
    labels: ['header'],
  })
  const lateResponses = metrics.counter('kit.http.late_responses', {
    help: "Responses that a handler wrote after its deadline's 503 had been sent.",
  })
  return {
    opened: (method, scheme) => active.inc({ 'http.request.method': method, 'url.scheme': scheme }),
    closed(method, scheme, route, verdict, seconds) {
      active.dec({ 'http.request.method': method, 'url.scheme': scheme })
      duration.observe(
        {
          'http.request.method': method,
          'url.scheme': scheme,
          'http.route': route,
          'http.response.status_code': verdict.status,
          'error.type': verdict.errorType,
        },
        seconds,
      )
    },
    deadline: (result) => deadlines.inc({ result }),
    ignored: (header) => ignored.inc({ header }),
    lateResponse: () => lateResponses.inc(),
  }
}
