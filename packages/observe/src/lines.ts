/**
 * The log lines of one wrapped function: that a call started, and how it ended, at a level that says how much that
 * matters. A line that nobody wants costs one comparison.
 */

import type { Context } from '@kit/context'
import type { LineLevel, Logger } from '@kit/log'
import type { Span } from '@opentelemetry/api'
import type { Outcome } from './outcome.ts'

const messages: { readonly [O in Outcome]: string } = {
  ok: 'call finished',
  error: 'call failed',
  canceled: 'call canceled',
  deadline: 'call missed its deadline',
}

/** What there is to tell of a call that ended. */
export interface Ending {
  readonly ctx: Context | undefined
  readonly span: Span | undefined
  readonly outcome: Outcome
  readonly errorType: string
  readonly error: unknown
  /** NaN if the call was not timed. */
  readonly seconds: number
  readonly extra: unknown
}

/** Writes the lines of one function's calls. Never throws, as loggers never do. */
export class Lines {
  readonly #log: Logger
  readonly #name: string
  readonly #level: LineLevel
  readonly #slowSeconds: number

  constructor(log: Logger, name: string, level: LineLevel, slowMs: number | undefined) {
    this.#log = log
    this.#name = name
    this.#level = level
    this.#slowSeconds = slowMs === undefined ? Infinity : slowMs / 1000
  }

  /** Whether a line would tell how long a call took that ends well now. */
  get wantsTime(): boolean {
    return this.#slowSeconds < Infinity || this.#log.isLevelEnabled(this.#level)
  }

  /** At `debug`: that a call began. */
  started(ctx: Context | undefined, span: Span | undefined): void {
    if (!this.#log.isLevelEnabled('debug')) return
    this.#loggerFor(ctx).debug({ function: this.#name, ...idsOf(span) }, 'call started')
  }

  /** At the function's own level, or `warn` for a missed deadline and what was slow, or `error`: how it ended. */
  ended(ending: Ending): void {
    const { outcome, seconds, error } = ending
    const slow = outcome === 'ok' && seconds >= this.#slowSeconds
    const level = slow ? 'warn' : this.#levelOf(outcome)
    if (!this.#log.isLevelEnabled(level)) return
    if (isFullStack(error)) this.#laterOnce(level, ending)
    else this.#write(level, slow ? 'call was slow' : messages[outcome], ending)
  }

  #write(level: LineLevel, message: string, ending: Ending): void {
    const { ctx, span, outcome, errorType, error, seconds, extra } = ending
    const fields: Record<string, unknown> = {
      ...(extra as object | undefined),
      function: this.#name,
      outcome,
      ...idsOf(span),
    }
    if (seconds >= 0) fields['durationMs'] = Math.round(seconds * 1e6) / 1000
    if (errorType !== '') fields['errorType'] = errorType
    if (error !== undefined) fields['err'] = error
    this.#loggerFor(ctx)[level](fields, message)
  }

  /**
   * Of thousands of calls that a full stack ends, one tells; and later, since a line needs room, and Node 20 aborts the
   * process when there is not enough to compile a regular expression.
   */
  #laterOnce(level: LineLevel, ending: Ending): void {
    if (ending.error === lastFullStack) return
    queueMicrotask(() => this.#write(level, messages.error, ending))
    lastFullStack = ending.error
  }

  #levelOf(outcome: Outcome): LineLevel {
    if (outcome === 'error') return 'error'
    return outcome === 'deadline' ? 'warn' : this.#level
  }

  #loggerFor(ctx: Context | undefined): Logger {
    return ctx === undefined ? this.#log : this.#log.withContext(ctx)
  }
}

/** The error of the latest call that failed for want of stack, and was told. */
let lastFullStack: unknown

function isFullStack(error: unknown): boolean {
  try {
    return error instanceof RangeError && error.message === 'Maximum call stack size exceeded'
  } catch {
    return false // a revoked proxy, or a message that cannot be read
  }
}

/** The names that requests use for them. */
function idsOf(span: Span | undefined): object | undefined {
  try {
    const found = span?.spanContext()
    return found === undefined ? undefined : { traceId: found.traceId, spanId: found.spanId }
  } catch {
    return undefined
  }
}
