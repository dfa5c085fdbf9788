/**
 * The proof on OpenTelemetry's SDK 3, as a program, since that line runs on Node 22.15 and later only. Prints the names
 * of the cases, and ends with 1 if one fails.
 */

import { createMetrics } from '@kit/metrics'
import { opentelemetry, redelivering } from '@kit/metrics/opentelemetry'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { parse } from 'protobufjs'
import { proof, type Parts } from './proof.ts'

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

for (const { name, run } of proof(parts)) {
  try {
    await run()
    process.stdout.write(`passed: ${name}\n`)
  } catch (error) {
    process.exitCode = 1
    process.stdout.write(`FAILED: ${name}\n${error instanceof Error ? error.stack : String(error)}\n`)
  }
}
