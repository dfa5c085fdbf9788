// `@kit/log/opentelemetry`: written lines as records of OpenTelemetry's Logs API.

export { openTelemetryLogs } from './open-telemetry-logs.ts'
export type { OpenTelemetryLogsOptions } from './open-telemetry-logs.ts'
export type {
  OtelAnyValue,
  OtelContext,
  OtelHrTime,
  OtelLogger,
  OtelLoggerProvider,
  OtelLogRecord,
  TraceOfContext,
} from './types.ts'
