// What the bridge and OpenTelemetry's logs exchange, written down structurally: nothing of OpenTelemetry is imported,
// and the types fit those of `@opentelemetry/api-logs` (with SDK 2) and of `@opentelemetry/api` 1.10 (with SDK 3) alike.

/** Seconds and nanoseconds since the Unix epoch. */
export type OtelHrTime = [seconds: number, nanoseconds: number]

/** A value of an attribute, as deep as need be. */
export type OtelAnyValue = string | number | boolean | null | OtelAnyValue[] | { [key: string]: OtelAnyValue }

/** The part of OpenTelemetry's context that is used; a context of the kit is one too. */
export interface OtelContext {
  getValue(key: symbol): unknown
  setValue(key: symbol, value: unknown): OtelContext
  deleteValue(key: symbol): OtelContext
}

/** A record as the Logs API takes it. */
export interface OtelLogRecord {
  timestamp: OtelHrTime
  observedTimestamp: OtelHrTime
  severityNumber: number
  severityText: string
  body?: string
  attributes: Record<string, OtelAnyValue>
  context?: OtelContext
}

/** A logger of OpenTelemetry's: one instrumentation scope. */
export interface OtelLogger {
  emit(record: OtelLogRecord): void
}

/** What `LoggerProvider` of `@opentelemetry/sdk-logs` is. */
export interface OtelLoggerProvider {
  getLogger(name: string): OtelLogger
  forceFlush?(): Promise<void>
}

/** A trace without a span object, as the kit's adapters carry it. */
export interface TraceOfContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string
  /** Two hexadecimal digits. */
  readonly flags: string
}
