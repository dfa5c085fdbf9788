import type { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
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
import { expectTypeOf } from 'vitest'
import {
  opentelemetry,
  redelivering,
  type OtelCollectionResult,
  type OtelExponentialHistogram,
  type OtelHistogram,
  type OtelMetricProducer,
  type OtelResourceMetrics,
} from './index.ts'

declare const exporter: OTLPMetricExporter
declare const anyExporter: PushMetricExporter
declare const reader: PeriodicExportingMetricReader
declare const anyReader: IMetricReader
declare const provider: MeterProvider
declare const resource: ResourceMetrics['resource']

const sink = opentelemetry({ resource })
opentelemetry({ resource: { 'service.name': 'shop', 'host.cpus': 4, 'a.b': true, 'c.d': ['x'] } })

expectTypeOf<OtelMetricProducer>().toExtend<MetricProducer>()
expectTypeOf<OtelCollectionResult>().toExtend<CollectionResult>()
expectTypeOf<OtelResourceMetrics>().toExtend<ResourceMetrics>()
expectTypeOf<OtelHistogram>().toExtend<Histogram>()
expectTypeOf<OtelExponentialHistogram>().toExtend<ExponentialHistogram>()

expectTypeOf(sink.connect(reader)).toEqualTypeOf<PeriodicExportingMetricReader>()
expectTypeOf(sink.connect(anyReader)).toEqualTypeOf<IMetricReader>()
expectTypeOf(redelivering(exporter)).toEqualTypeOf<OTLPMetricExporter>()
expectTypeOf(redelivering(anyExporter)).toEqualTypeOf<PushMetricExporter>()
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
