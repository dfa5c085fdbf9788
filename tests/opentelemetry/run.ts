/**
 * The proof on OpenTelemetry's SDK 3, as a program, since that line runs on Node 22.15 and later only. Prints the names
 * of the cases, and ends with 1 if one fails.
 */

import { background, createKey, run } from '@kit/context'
import { ContextManager } from '@kit/context/opentelemetry'
import { createLogger, logStats, withFields } from '@kit/log'
import { openTelemetryLogs } from '@kit/log/opentelemetry'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import { opentelemetry, redelivering } from '@kit/metrics/opentelemetry'
import { context, logs, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { parse } from 'protobufjs'
import { logsProof, type LogParts } from './logs-proof.ts'
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

const logParts: LogParts = {
  background,
  createKey,
  run,
  createLogger,
  logStats,
  withFields,
  memoryDestination,
  openTelemetryLogs,
  parse,
  logs,
  provider: (url) =>
    new LoggerProvider({
      processors: [
        new BatchLogRecordProcessor({
          exporter: new OTLPLogExporter({ url, timeoutMillis: 1000 }),
          scheduledDelayMillis: 3_600_000,
        }),
      ],
    }),
  inSpan: (span, fn) => context.with(trace.setSpanContext(ROOT_CONTEXT, span), fn),
}

context.setGlobalContextManager(new ContextManager().enable())
for (const { name, run: prove } of [...proof(parts), ...logsProof(logParts)]) {
  try {
    await prove()
    process.stdout.write(`passed: ${name}\n`)
  } catch (error) {
    process.exitCode = 1
    process.stdout.write(`FAILED: ${name}\n${error instanceof Error ? error.stack : String(error)}\n`)
  }
}
