/** The types of the sink and of the logs' bridge against those of OpenTelemetry's SDK 3; they are checked, and never run. */

import type { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import type { LoggerProvider as ApiLoggerProvider } from '@opentelemetry/api'
import type { LoggerProvider } from '@opentelemetry/sdk-logs'
import type {
  CollectionResult,
  ExponentialHistogram,
  Histogram,
  IMetricReader,
  MeterProvider,
  MetricProducer,
  PeriodicExportingMetricReader,
  PushMetricExporter,
  ResourceMetrics,
} from '@opentelemetry/sdk-metrics'

import { createLogger } from '@kit/log'
import { openTelemetryLogs } from '@kit/log/opentelemetry'
import {
  opentelemetry,
  redelivering,
  type OtelCollectionResult,
  type OtelExponentialHistogram,
  type OtelHistogram,
  type OtelMetricProducer,
  type OtelResourceMetrics,
} from '@kit/metrics/opentelemetry'

declare const exporter: OTLPMetricExporter
declare const anyExporter: PushMetricExporter
declare const reader: PeriodicExportingMetricReader
declare const anyReader: IMetricReader
declare const provider: MeterProvider
declare const resource: ResourceMetrics['resource']

const sink = opentelemetry({ resource })
opentelemetry({ resource: { 'service.name': 'shop', 'host.cpus': 4, 'a.b': true, 'c.d': ['x'] } })

declare const ours: {
  producer: OtelMetricProducer
  result: OtelCollectionResult
  metrics: OtelResourceMetrics
  histogram: OtelHistogram
  exponential: OtelExponentialHistogram
}
export const theirs: {
  producer: MetricProducer
  result: CollectionResult
  metrics: ResourceMetrics
  histogram: Histogram
  exponential: ExponentialHistogram
} = ours

export const readers: [PeriodicExportingMetricReader, IMetricReader] = [
  sink.connect(reader),
  sink.connect(anyReader),
]
export const exporters: [OTLPMetricExporter, PushMetricExporter] = [
  redelivering(exporter),
  redelivering(anyExporter),
]
sink.flushWith(provider)
const producers: MetricProducer[] = [
  sink.producer(),
  sink.producer({ temporality: exporter }),
  sink.producer({ temporality: anyExporter }),
  sink.producer({ temporality: reader, buckets: 'classic' }),
  sink.producer({ temporality: 'delta' }),
]
reader.setMetricProducer(producers.at(0)!)

// @ts-expect-error -- no such temporality
sink.producer({ temporality: 'lowmemory' })
// @ts-expect-error -- no reader
sink.connect({})
// @ts-expect-error -- no attribute
opentelemetry({ resource: { 'service.name': null } })

declare const logProvider: LoggerProvider
declare const apiLogProvider: ApiLoggerProvider
createLogger({ records: openTelemetryLogs({ provider: logProvider }) })
createLogger({ records: [openTelemetryLogs({ provider: apiLogProvider })] })
// @ts-expect-error -- a provider of metrics
openTelemetryLogs({ provider })
