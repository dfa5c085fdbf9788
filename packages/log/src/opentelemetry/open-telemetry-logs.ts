// The bridge to OpenTelemetry: each written line becomes a log record of its Logs API, from which the SDK's processors and
// exporters take over. Nothing is patched and no line is parsed; the fields, redacted and bounded, are the attributes.

import type { Context } from '@kit/context'
import { checkOptionNames, LogError } from '../errors.ts'
import type { LineLevel } from '../level.ts'
import type { LineRecord, RecordReceiver } from '../records.ts'
import { stats } from '../stats.ts'
import { attributesOf, wellFormed } from './attributes.ts'
import { globalProvider } from './global-api.ts'
import { contextOf } from './trace.ts'
import type { OtelHrTime, OtelLogger, OtelLoggerProvider, OtelLogRecord, TraceOfContext } from './types.ts'

/** How lines become records. */
export interface OpenTelemetryLogsOptions {
  /**
   * The SDK's `LoggerProvider`. Default: the one that is registered for the process when a line is logged, by
   * `@opentelemetry/api-logs` or `@opentelemetry/api` 1.10; while there is none, records are counted in
   * `logStats().failedRecords`.
   */
  provider?: OtelLoggerProvider | undefined
  /** The instrumentation scope of loggers without a name. Default `@kit/log`. */
  scope?: string | undefined
  /**
   * The trace of a context in which OpenTelemetry has no span, such as `(ctx) => ctx.value(traceKey)` with the key of
   * `@kit/http`. Default: none.
   */
  trace?: ((ctx: Context) => TraceOfContext | undefined) | undefined
}

/** Scopes of one provider that are kept apart; it keeps each for good. Loggers beyond are told apart by an attribute. */
const MAX_SCOPES = 1024

/** Severities of the Logs Data Model. */
const SEVERITIES: Readonly<Record<LineLevel, number>> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
}

/**
 * Gives what `createLogger({ records: … })` takes to hand every written line to OpenTelemetry. `flush` of the logger
 * flushes the provider as well, which stays its owner's to shut down.
 *
 * Throws `LogError`: `KIT_LOG_UNKNOWN_OPTION`, `KIT_LOG_BAD_OPTION`.
 */
export function openTelemetryLogs(options: OpenTelemetryLogsOptions = {}): RecordReceiver {
  checkOptionNames('openTelemetryLogs', options, ['provider', 'scope', 'trace'])
  const { provider, scope = '@kit/log', trace } = options
  if (provider !== undefined && !isProvider(provider)) {
    throw new LogError(
      'KIT_LOG_BAD_OPTION',
      'provider is a LoggerProvider of @opentelemetry/sdk-logs, or anything with its method getLogger(name).',
    )
  }
  if (typeof scope !== 'string' || scope === '') {
    throw new LogError('KIT_LOG_BAD_OPTION', "scope is the name of a scope, such as '@kit/log'.")
  }
  if (trace !== undefined && typeof trace !== 'function') {
    throw new LogError(
      'KIT_LOG_BAD_OPTION',
      'trace is a function of a context, such as (ctx) => ctx.value(traceKey).',
    )
  }
  return new OpenTelemetryLogs(provider, scope, trace)
}

class OpenTelemetryLogs implements RecordReceiver {
  readonly #given: OtelLoggerProvider | undefined
  readonly #scope: string
  readonly #traceOf: OpenTelemetryLogsOptions['trace']
  /** Whose loggers are kept. */
  #provider: OtelLoggerProvider | undefined = undefined
  readonly #loggers = new Map<string, OtelLogger>()

  constructor(
    given: OtelLoggerProvider | undefined,
    scope: string,
    traceOf: OpenTelemetryLogsOptions['trace'],
  ) {
    this.#given = given
    this.#scope = scope
    this.#traceOf = traceOf
  }

  receive(record: LineRecord): void {
    const provider = this.#given ?? globalProvider()
    if (provider === undefined || record.level === 'silent') {
      stats.failedRecords += 1
      return
    }
    if (provider !== this.#provider) {
      this.#provider = provider
      this.#loggers.clear()
    }
    const { level, message, logger } = record
    const time = hrTime(record.timeMs)
    const context = contextOf(record.ctx, this.#traceOf)
    const own = this.#loggerOf(provider, logger)
    const attributes = attributesOf(record)
    if (own === undefined) attributes['logger'] = logger
    const emitted: OtelLogRecord = {
      timestamp: time,
      observedTimestamp: time,
      severityNumber: SEVERITIES[level],
      severityText: level,
      attributes,
    }
    if (message !== undefined) emitted.body = wellFormed(message)
    if (context !== undefined) emitted.context = context
    const target = own ?? provider.getLogger(this.#scope)
    target.emit(emitted)
  }

  async flush(): Promise<void> {
    await (this.#given ?? globalProvider())?.forceFlush?.()
  }

  /** The logger of a scope; undefined when there are too many. */
  #loggerOf(provider: OtelLoggerProvider, name: string): OtelLogger | undefined {
    const known = this.#loggers.get(name)
    if (known !== undefined) return known
    if (this.#loggers.size >= MAX_SCOPES) return undefined
    const made = provider.getLogger(name === '' ? this.#scope : name)
    this.#loggers.set(name, made)
    return made
  }
}

/** As a pair, since the SDK takes a small number for one of the monotonic clock. */
function hrTime(timeMs: number): OtelHrTime {
  const seconds = Math.floor(timeMs / 1000)
  return [seconds, Math.round((timeMs - seconds * 1000) * 1e6)]
}

function isProvider(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'getLogger' in value &&
    typeof value.getLogger === 'function'
  )
}
