import { background, createKey, run } from '@kit/context'
import { ContextManager } from '@kit/context/opentelemetry'
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { logs } from '@opentelemetry/api-logs'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { parse } from 'protobufjs'
import { describe, expect, it } from 'vitest'
import { logsProof } from '../../../../tests/opentelemetry/logs-proof.ts'
import { createLogger, logStats, withFields } from '../index.ts'
import { memoryDestination } from '../testing.ts'
import { openTelemetryLogs } from './index.ts'

context.setGlobalContextManager(new ContextManager().enable())

describe("OTLP over HTTP, by OpenTelemetry's SDK 2", () => {
  const cases = logsProof({
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
  })
  it.each(cases)('$name', async ({ run: prove }) => {
    await expect(prove()).resolves.toBeUndefined()
  })
})
