import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { parse } from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { proof, type Parts } from '../../../../../tests/opentelemetry/proof.ts'
import { createMetrics } from '../../index.ts'
import { opentelemetry, redelivering } from './index.ts'

const provided = {
  attributes: { 'service.name': 'provided' },
  merge: () => provided,
  getRawAttributes: () => [],
}

const parts: Parts = {
  createMetrics,
  opentelemetry,
  redelivering,
  parse,
  exporter: ({ delta, ...options }) =>
    new OTLPMetricExporter({
      ...options,
      // The exporter's own enum, which has the same numbers, is not exported.
      temporalityPreference: (delta
        ? AggregationTemporality.DELTA
        : AggregationTemporality.CUMULATIVE) as never,
    }),
  reader: (exporter, metricProducers = []) =>
    new PeriodicExportingMetricReader({
      exporter: exporter as OTLPMetricExporter,
      metricProducers,
      exportIntervalMillis: 3_600_000,
    }),
  provider: (reader) =>
    new MeterProvider({ readers: [reader as PeriodicExportingMetricReader], resource: provided }),
}

describe("OTLP over HTTP, by OpenTelemetry's SDK 2", () => {
  it.each(proof(parts))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})
