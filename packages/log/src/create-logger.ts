// How loggers come into being: options are checked and defaulted here and nowhere else.

import { resolveDestination } from './destination.ts'
import type { Destination } from './destination.ts'
import { checkOptionNames, LogError } from './errors.ts'
import type { Level } from './level.ts'
import { checkName, parseLevelSpec } from './level-spec.ts'
import type { LevelSpecEntry } from './level-spec.ts'
import { createLevels } from './level-tree.ts'
import { LineWriter } from './line-writer.ts'
import { treeLogger } from './logger.ts'
import type { Logger } from './logger.ts'
import { resolveReceivers } from './records.ts'
import type { RecordReceiver } from './records.ts'
import { resolveRedact } from './redact.ts'
import type { RedactOptions } from './redact.ts'
import type { RepeatOptions } from './repeats.ts'
import { checkSignal, reopenOn } from './reopen-signal.ts'
import type { SamplingOptions } from './sampling.ts'
import { processState } from './stats.ts'
import { MAX_WAITING_BYTES } from './stream-sink.ts'

/** How to make a logger. */
export interface LoggerOptions {
  /** The logger's dotted name. Default: none, the root. */
  name?: string | undefined
  /**
   * The levels at start-up: one level, or a spec such as `'info,db.*=debug,http=warn'`. A name counts for
   * that logger and those below it, `db.*` for the descendants of `db`; the nearest setting wins. Default:
   * the environment variable `LOG_LEVEL`, else `info`.
   */
  level?: Level | (string & {}) | undefined
  /**
   * JSON lines, text for people, or text on a terminal and else JSON. Default: the environment variable
   * `LOG_FORMAT`, else `auto`. Colours appear on a terminal only, and not if `NO_COLOR` is set.
   */
  format?: 'json' | 'text' | 'auto' | undefined
  /**
   * Where lines go: an object with `write(line)`, the path of a file to append to, or an open file descriptor.
   * Default: 1, standard output. Files and descriptors are written before a log call returns, unless `async` says
   * otherwise. A stream keeps what it cannot write yet: what is logged while more than 8 MiB wait in it is dropped
   * and counted. Loggers of one file or descriptor share it. A file that was renamed or deleted is noticed within a
   * second of logging, and opened again by its path.
   */
  destination?: Destination | string | number | undefined
  /**
   * For files and descriptors: log calls do not wait for a reader that is behind. Lines are written when the turn of
   * the event loop ends; at most `maxBytes` (default 8 MiB) wait, what is logged beyond is dropped and counted, and a
   * line tells how many. What waits is written when the process exits, by `process.exit`, an uncaught error or a
   * rejection too; a signal that kills the process loses the lines of the current turn. Default false.
   */
  async?: boolean | AsyncOptions | undefined
  /**
   * A signal such as `'SIGHUP'` at which the file is opened again by its path, for rotation. Its default action,
   * which ends the process, is then gone. Needs the path of a file as destination. Default: none.
   */
  reopenOnSignal?: NodeJS.Signals | undefined
  /** Fields of every line. Default: none. */
  base?: object | undefined
  /**
   * What stays out of the lines. Default: `defaultRedactedKeys`, at any depth. `keys` of your own take their
   * place; to add to them, write `keys: [...defaultRedactedKeys, 'iban']`.
   */
  redact?: RedactOptions | undefined
  /**
   * Of the lines with one level and message, the first `initial` of each interval are written, then every
   * `thereafter`-th. At its end a line tells how many were left out. Lines of `error` and above are always written
   * unless `levels` names them. Default: all lines are written.
   */
  sampling?: SamplingOptions | undefined
  /**
   * Of equal lines (level, logger, fields and message), one within `windowMs` is written, and once more with the
   * field `repeated` when the window ends. Levels as in `sampling`. Default: all lines are written.
   */
  repeats?: RepeatOptions | undefined
  /**
   * Who receives the records of lines, as data, beside the written line: `openTelemetryLogs()` of
   * `@kit/log/opentelemetry`, or anything with a method `receive(record)`. Default: nobody, which costs nothing.
   */
  records?: RecordReceiver | readonly RecordReceiver[] | undefined
}

/** How lines wait. */
export interface AsyncOptions {
  /** Bytes that may wait. Default 8 MiB. */
  maxBytes?: number | undefined
}

const OPTION_NAMES = [
  'name',
  'level',
  'format',
  'destination',
  'async',
  'reopenOnSignal',
  'base',
  'redact',
  'sampling',
  'repeats',
  'records',
]
const FORMATS: ReadonlySet<unknown> = new Set(['json', 'text', 'auto'])

/**
 * Makes a logger with a level tree, a destination and rules of its own. Parts of the program then share it
 * through `named` and `child`.
 *
 * Throws `LogError`: `KIT_LOG_UNKNOWN_OPTION`, `KIT_LOG_BAD_OPTION`, `KIT_LOG_BAD_SPEC`, `KIT_LOG_BAD_LEVEL`,
 * `KIT_LOG_BAD_NAME`, `KIT_LOG_TOO_MANY_NAMES`, `KIT_LOG_BAD_DESTINATION`. A bad environment variable is not
 * worth a failed start: it is ignored, and the first line says so.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  checkOptionNames('createLogger', options, OPTION_NAMES)
  const { name, level, format, base } = options
  if (name !== undefined && name !== '') checkName(name)
  if (level !== undefined && typeof level !== 'string') {
    throw new LogError('KIT_LOG_BAD_OPTION', "level is a string such as 'info' or 'info,db.*=debug'.")
  }
  if (format !== undefined && !FORMATS.has(format)) {
    throw new LogError('KIT_LOG_BAD_OPTION', "format is 'json', 'text' or 'auto'.")
  }
  if (base !== undefined && (typeof base !== 'object' || base === null)) {
    throw new LogError(
      'KIT_LOG_BAD_OPTION',
      'base is an object whose properties become fields of every line.',
    )
  }
  const redactor = resolveRedact(options.redact)
  const maxWaiting = resolveAsync(options)
  const signal = resolveSignal(options)
  const receivers = resolveReceivers(options.records)
  const complaints: string[] = []
  const spec = level === undefined ? environmentSpec(complaints) : parseLevelSpec(level)
  const output = resolveDestination(options.destination)
  const writer = new LineWriter({
    output,
    maxWaiting,
    format: format ?? environmentFormat(complaints),
    redactor,
    base,
    sampling: options.sampling,
    repeats: options.repeats,
    receivers,
  })
  if (signal !== undefined) reopenOn(signal, output)
  const levels = createLevels(spec, (record) => writer.audit(record))
  for (const complaint of complaints) writer.warn(complaint)
  return treeLogger(writer, levels, name ?? '')
}

/**
 * The process-wide logger, made on first use from `LOG_LEVEL` and `LOG_FORMAT` and writing to standard
 * output. All copies of this package in the process share it.
 */
export function defaultLogger(): Logger {
  processState.defaultLogger ??= createLogger()
  return processState.defaultLogger
}

/** The bytes that may wait; 0 for a logger that writes at once. */
function resolveAsync({ async, destination }: LoggerOptions): number {
  if (async === undefined || async === false) return 0
  if (typeof destination === 'object' && destination !== null) {
    throw new LogError(
      'KIT_LOG_BAD_OPTION',
      'async is for files and descriptors: a destination of your own decides itself when to write.',
    )
  }
  if (async === true) return MAX_WAITING_BYTES
  checkOptionNames('async', async, ['maxBytes'])
  const { maxBytes = MAX_WAITING_BYTES } = async
  if (!Number.isSafeInteger(maxBytes) || maxBytes <= 0) {
    throw new LogError('KIT_LOG_BAD_OPTION', 'async.maxBytes is a positive whole number of bytes.')
  }
  return maxBytes
}

function resolveSignal({ reopenOnSignal, destination }: LoggerOptions): NodeJS.Signals | undefined {
  if (reopenOnSignal === undefined) return undefined
  checkSignal(reopenOnSignal)
  if (typeof destination === 'string') return reopenOnSignal
  throw new LogError('KIT_LOG_BAD_OPTION', 'reopenOnSignal needs the path of a file as destination.')
}

function environmentSpec(complaints: string[]): LevelSpecEntry[] {
  try {
    return parseLevelSpec(process.env['LOG_LEVEL'] ?? '')
  } catch (error) {
    complaints.push(`LOG_LEVEL is ignored: ${error instanceof LogError ? error.message : String(error)}`)
    return []
  }
}

function environmentFormat(complaints: string[]): 'json' | 'text' | 'auto' {
  const format = process.env['LOG_FORMAT'] ?? ''
  if (format === '') return 'auto'
  if (format === 'json' || format === 'text' || format === 'auto') return format
  complaints.push(
    `LOG_FORMAT is ignored: it is 'json', 'text' or 'auto', not ${JSON.stringify(format.slice(0, 64))}.`,
  )
  return 'auto'
}
