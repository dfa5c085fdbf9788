/** The metrics of an HTTP server, by the names and buckets of OpenTelemetry's semantic conventions 1.44 unless others are chosen. */

import type { BoundGauge, BoundHistogram, Gauge, Histogram, HistogramSeries, Metrics } from '@kit/metrics'
import type { BodySizeInstruments, BodySizes } from './body-sizes.ts'
import { bodySizeInstruments } from './body-sizes.ts'
import type { StreamKind } from './exchange.ts'
import type { MetricNames } from './metric-names.ts'
import { namePresets } from './metric-names.ts'
import type { Verdict } from './outcome.ts'
import type { StreamInstruments } from './streams.ts'
import { streamInstruments } from './streams.ts'

/** What can be wrong with a header that is ignored for it. */
export type IgnoredHeader = 'request_id' | 'traceparent' | 'deadline'

/** A function of the application's that is asked about a request: which option it is of. */
export type Callback = 'skip' | 'request_id' | 'recorder' | 'route'

/** The recording side of the observer. */
export interface HttpInstruments {
  opened(method: string, scheme: string): void
  /** `stream`: the response was one that is meant to last. `sizes`: of the bodies, where they are wanted. */
  closed(
    method: string,
    scheme: string,
    route: string,
    verdict: Verdict,
    seconds: number,
    stream?: StreamKind,
    sizes?: BodySizes,
  ): void
  readonly streams: StreamInstruments
  /** `met`, `missed`, or `expired` before the request came: of the requests that had a deadline. */
  deadline(result: 'met' | 'missed' | 'expired'): void
  ignored(header: IgnoredHeader): void
  lateResponse(): void
  /** What `fn` answers; `otherwise`, and counted, when it throws: observing a request never fails it. */
  attempt<T>(callback: Callback, otherwise: T, fn: () => T): T
}

/** The instruments in `metrics`; asking again gives the same cells. */
export function httpInstruments(
  metrics: Metrics,
  names: MetricNames = namePresets.otel,
  bodySizes = false,
): HttpInstruments {
  const duration = metrics.histogram(names.duration, {
    help: 'Time from the arrival of a request until its response closed.',
    unit: 's',
    labels: names.labels,
    buckets: names.durationBuckets,
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
  const failedCallbacks = metrics.counter('kit.http.failed_callbacks', {
    help: 'Calls of functions in the options that threw, or answered what cannot be used.',
    labels: ['callback'],
  })
  const streams = streamInstruments(metrics)
  const sizes: BodySizeInstruments | undefined = bodySizes ? bodySizeInstruments(metrics, names) : undefined
  const series = new Map<string, MethodSeries>()
  const seriesOf = (method: string, scheme: string): MethodSeries => {
    // The schemes are two, and the methods those that are told apart.
    const key = scheme === 'http' ? method : `${method} ${scheme}`
    const known = series.get(key)
    if (known !== undefined) return known
    const made = new MethodSeries(active, duration, names, method, scheme)
    series.set(key, made)
    return made
  }
  return {
    opened: (method, scheme) => seriesOf(method, scheme).active.inc(),
    streams,
    closed(method, scheme, route, verdict, seconds, stream, known) {
      const of = seriesOf(method, scheme)
      of.active.dec()
      if (stream === undefined) of.duration(route, verdict).observe(seconds)
      else streams.closed(stream, method, scheme, route, verdict, seconds)
      if (known !== undefined) sizes?.record(names.labelsOf(method, scheme, route, verdict), known)
    },
    deadline: (result) => deadlines.inc({ result }),
    ignored: (header) => ignored.inc({ header }),
    lateResponse: () => lateResponses.inc(),
    attempt(callback, otherwise, fn) {
      try {
        return fn()
      } catch {
        failedCallbacks.inc({ callback })
        return otherwise
      }
    },
  }
}

/** Routes of which the handles are kept, for each method and scheme: those beyond are looked up by their labels. */
const maxRoutes = 1000
/** A route answers with few statuses; one that answers with all there are is looked up. */
const maxEndings = 32

/**
 * The series of one method and scheme, by handles that are kept: a request is recorded without an object of labels, and
 * without a search for what they lead to.
 */
class MethodSeries {
  readonly active: BoundGauge
  readonly #method: string
  readonly #scheme: string
  readonly #duration: Histogram<string>
  readonly #names: MetricNames
  /** By route, then by status and error type. */
  readonly #routes = new Map<string, Map<string, BoundHistogram>>()

  constructor(
    active: Gauge<'http.request.method' | 'url.scheme'>,
    duration: Histogram<string>,
    names: MetricNames,
    method: string,
    scheme: string,
  ) {
    this.#method = method
    this.#scheme = scheme
    this.#duration = duration
    this.#names = names
    this.active = active.labels({ 'http.request.method': method, 'url.scheme': scheme })
  }

  duration(route: string, verdict: Verdict): BoundHistogram {
    const { status, errorType } = verdict
    const ending = errorType === '' ? status : `${status} ${errorType}`
    const endings = this.#routes.get(route)
    return endings?.get(ending) ?? this.#find(endings, route, ending, verdict)
  }

  #find(
    endings: Map<string, BoundHistogram> | undefined,
    route: string,
    ending: string,
    verdict: Verdict,
  ): BoundHistogram {
    const labels = this.#names.labelsOf(this.#method, this.#scheme, route, verdict)
    const found = this.#duration.labels(labels)
    if (!standsFor(found, Object.values(labels))) return found
    if (endings !== undefined) {
      if (endings.size < maxEndings) endings.set(ending, found)
    } else if (this.#routes.size < maxRoutes) {
      this.#routes.set(route, new Map([[ending, found]]))
    }
    return found
  }
}

/**
 * Whether a handle is that of its own labels' series for good. While there is no room for a series, or a filter blocks one
 * of its labels, others stand in for it: their handles are not kept, so that it is counted, and comes, when it can.
 */
function standsFor(
  handle: BoundHistogram & Partial<Pick<HistogramSeries, 'labelValues'>>,
  values: readonly string[],
): boolean {
  const { labelValues } = handle
  return labelValues !== undefined && values.every((value, index) => labelValues[index] === value)
}
