/** `@kit/metrics/opentelemetry`: the metrics for OpenTelemetry's readers and exporters, OTLP among them. */

export type {
  ExporterLike,
  FlushableLike,
  MetricReaderLike,
  OtelAttributes,
  OtelCollectionResult,
  OtelDataPoint,
  OtelExponentialHistogram,
  OtelExponentialHistogramData,
  OtelGaugeData,
  OtelHistogram,
  OtelHistogramData,
  OtelHrTime,
  OtelMetricData,
  OtelMetricDescriptor,
  OtelMetricProducer,
  OtelResource,
  OtelResourceMetrics,
  OtelScopeMetrics,
  OtelSumData,
  TemporalitySelector,
} from './types.ts'
export {
  opentelemetry,
  type OpenTelemetryOptions,
  type OpenTelemetrySink,
  type ProducerOptions,
} from './opentelemetry.ts'
export { redelivering } from './redelivery.ts'
export type { ResourceLike } from './resource.ts'
