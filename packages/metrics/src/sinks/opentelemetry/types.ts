/**
 * What OpenTelemetry's metrics SDK and this sink exchange, written down structurally: nothing of OpenTelemetry is
 * imported, and the types fit those of `@opentelemetry/sdk-metrics` 2 and 3 alike.
 *
 * Names, numbers and meaning are those of the SDK's `MetricProducer`, `MetricReader` and `MetricData`. Exemplars are
 * not among them: the SDK's data points have no field for them, and its exporters encode none.
 */

/** Seconds and nanoseconds since the Unix epoch. */
export type OtelHrTime = [seconds: number, nanoseconds: number]

/** Attributes of a resource. */
export type OtelAttributes = Readonly<Record<string, string | number | boolean | string[]>>

/** What a reader collects from. */
export interface OtelMetricProducer {
  /** Never rejects: what went wrong is in `errors`. It reads at once, so a timeout has nothing to limit. */
  collect(options?: { timeoutMillis?: number }): Promise<OtelCollectionResult>
}

/** What one collection found. */
export interface OtelCollectionResult {
  resourceMetrics: OtelResourceMetrics
  errors: unknown[]
}

/** All metrics of one resource. */
export interface OtelResourceMetrics {
  resource: OtelResource
  scopeMetrics: OtelScopeMetrics[]
}

/** What the metrics tell about: a service, a process. Exporters read the attributes and the schema's address. */
export interface OtelResource {
  readonly attributes: OtelAttributes
  readonly schemaUrl?: string
  readonly asyncAttributesPending?: boolean
  waitForAsyncAttributes?(): Promise<void>
  merge(other: OtelResource | null): OtelResource
  getRawAttributes(): [string, OtelAttributes[string] | undefined][]
}

/** All metrics of one library. */
export interface OtelScopeMetrics {
  scope: { readonly name: string; readonly version?: string }
  metrics: OtelMetricData[]
}

/** One instrument; `dataPointType` tells which kind of points it has. */
export type OtelMetricData = OtelSumData | OtelGaugeData | OtelHistogramData | OtelExponentialHistogramData

/** A counter. */
export interface OtelSumData extends OtelMetric {
  readonly dataPointType: 3
  readonly isMonotonic: boolean
  readonly dataPoints: OtelDataPoint<number>[]
}

/** A gauge. */
export interface OtelGaugeData extends OtelMetric {
  readonly dataPointType: 2
  readonly dataPoints: OtelDataPoint<number>[]
}

/** A histogram with explicit buckets. */
export interface OtelHistogramData extends OtelMetric {
  readonly dataPointType: 0
  readonly dataPoints: OtelDataPoint<OtelHistogram>[]
}

/** A histogram with exponential buckets. */
export interface OtelExponentialHistogramData extends OtelMetric {
  readonly dataPointType: 1
  readonly dataPoints: OtelDataPoint<OtelExponentialHistogram>[]
}

interface OtelMetric {
  readonly descriptor: OtelMetricDescriptor
  /** 0 for delta, 1 for cumulative. */
  readonly aggregationTemporality: 0 | 1
}

/** What describes an instrument. */
export interface OtelMetricDescriptor {
  readonly name: string
  readonly description: string
  readonly unit: string
  /** Always doubles. */
  readonly valueType: 1
}

/** One series. */
export interface OtelDataPoint<T> {
  readonly startTime: OtelHrTime
  readonly endTime: OtelHrTime
  readonly attributes: Readonly<Record<string, string>>
  readonly value: T
}

/** The value of a histogram with explicit buckets. */
export interface OtelHistogram {
  /** Inclusive upper bounds, and the observations in each bucket alone: one more than there are bounds. */
  buckets: { boundaries: number[]; counts: number[] }
  count: number
  /** Left out where negative values may be observed, as the data model asks. */
  sum?: number
  /** Left out where not known. */
  min?: number
  /** Left out where not known. */
  max?: number
}

/** The value of a histogram with exponential buckets. */
export interface OtelExponentialHistogram {
  count: number
  /** Left out where negative values may be observed, as the data model asks. */
  sum?: number
  scale: number
  zeroCount: number
  positive: { offset: number; bucketCounts: number[] }
  negative: { offset: number; bucketCounts: number[] }
  /** Left out where not known. */
  min?: number
  /** Left out where not known. */
  max?: number
}

/** A reader, or an exporter, that says which temporality it wants: 0 for delta, 1 for cumulative. */
export interface TemporalitySelector {
  selectAggregationTemporality?(instrumentType: string): number
}

/** A reader that is bound to a producer, as OpenTelemetry's `MetricReader`. */
export interface MetricReaderLike extends TemporalitySelector, FlushableLike {
  setMetricProducer(producer: OtelMetricProducer): void
  shutdown(options?: { timeoutMillis?: number }): Promise<void>
}

/** What can be told to deliver, as OpenTelemetry's `MeterProvider`. */
export interface FlushableLike {
  forceFlush(options?: { timeoutMillis?: number }): Promise<void>
}

/** An exporter, as OpenTelemetry's `PushMetricExporter`. */
export interface ExporterLike {
  export(
    metrics: OtelResourceMetrics,
    resultCallback: (result: { code: number; error?: Error }) => void,
  ): void
}
