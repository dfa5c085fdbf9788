/**
 * `@kit/metrics`: counters, gauges and histograms whose recording costs nanoseconds, and sinks that read them.
 */

export type { BoundCounter, BoundGauge, BoundHistogram } from './cell.ts'
export type { DropReason } from './drops.ts'
export type { FindSpan, SampledSpan } from './exemplars.ts'
export { MetricsError, type MetricsErrorCode } from './errors.ts'
export type { MetricFilter } from './filter.ts'
export { defaultBuckets } from './histogram.ts'
export type { Counter, Gauge, Histogram, Recording, SomeLabels } from './instrument.ts'
export { maxLabelValueLength, overflowLabelValue, type Labels, type LabelValue } from './labels.ts'
export {
  createMetrics,
  metrics,
  type HistogramSpec,
  type InstrumentSpec,
  type Metrics,
  type MetricsOptions,
  type ObservableSpec,
} from './metrics.ts'
export type { InstrumentKind, Unit } from './naming.ts'
export type { Observation } from './observables.ts'
export type {
  Described,
  Exemplar,
  ExponentialBuckets,
  ExponentialRange,
  HistogramSeries,
  MetricSource,
  NumberSeries,
  Sink,
  SourceCounter,
  SourceGauge,
  SourceHistogram,
  SourceInstrument,
  Tap,
} from './sink.ts'
export type {
  ExponentialPoint,
  HistogramPoint,
  HistogramSnapshot,
  MetricSnapshot,
  NumberPoint,
  NumberSnapshot,
  Snapshot,
} from './snapshot.ts'
