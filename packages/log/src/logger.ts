// The logger: a level node to ask whether a line is wanted, fields to put into it, and the writer that all
// loggers of one `createLogger` share. A line that is not wanted costs one comparison.

import type { Context } from '@kit/context'
import type { Logger as PinoLogger } from 'pino'
import { noFields, openFields } from './encode/fields.ts'
import type { FieldSet } from './encode/fields.ts'
import { withBudget } from './encode/limits.ts'
import { DEBUG, ERROR, FATAL, INFO, levelNumber, SILENT, TRACE, WARN } from './level.ts'
import type { LineLevel } from './level.ts'
import { checkName } from './level-spec.ts'
import type { LevelNode } from './level-nodes.ts'
import type { LoggerLevels } from './level-tree.ts'
import type { LevelTree } from './levels.ts'
import type { LineWriter } from './line-writer.ts'
import { pinoOver } from './pino-bridge.ts'
import { resolveRecordOptions } from './recorder.ts'
import type { Recording, RecordOptions, WriteRecorded } from './recorder.ts'
import { OrdinaryLine, recurring, TextLine } from './recurring-line.ts'
import type { RecurringLine, RecurringLineOptions } from './recurring-line.ts'
import { stats } from './stats.ts'

/**
 * Logs a line, if the logger's level lets it through. Never throws, whatever it is given.
 *
 * The message may hold `%s %d %i %f %j %o %O`. Arguments without a specifier are kept: an error as the field
 * `err`, others in the list `args`. Fields come from the own properties of an object; an error in its place is
 * the field `err`, and its message is the line's when there is no other.
 */
export interface LogMethod {
  (message: string, ...args: unknown[]): void
  (fields: object, message?: string, ...args: unknown[]): void
  (error: Error, message?: string, ...args: unknown[]): void
}

/**
 * Writes structured lines. A disabled call costs one comparison. A line holds no key twice: fields of the call
 * win over those of the logger, these over the context's, these over `base`; and a field named like one of the
 * line's own keys (`level`, `time`, `logger`, `msg`) is written as `fields.level` and so on.
 *
 * A method that is called without its logger, as in `promise.catch(log.error)` or after `const { info } = log`,
 * does not throw: it acts for the logger that `createLogger` returned, so the destination, the rules and the
 * levels are right, but the name, fields and context of a logger made from it are missing. It costs some
 * microseconds, even when disabled.
 */
export interface Logger {
  readonly trace: LogMethod
  readonly debug: LogMethod
  readonly info: LogMethod
  readonly warn: LogMethod
  readonly error: LogMethod
  readonly fatal: LogMethod
  /**
   * A logger that adds these fields to each line. They are encoded now, once; a child of any depth costs a
   * line what the root costs. Never throws.
   */
  child(fields: object): Logger
  /**
   * A logger for a part of the program, with a level of its own in the tree. Names compose: `named('db')` and
   * then `named('pool')` is `db.pool`. Loggers of one name share one level. The tree keeps 4,096 names; a
   * logger beyond that uses the level of its nearest known ancestor (counted in `logStats().foldedNames`).
   *
   * Throws a `LogError` with code `KIT_LOG_BAD_NAME`. Cheap, but meant for set-up: keep what it returns.
   */
  named(name: string): Logger
  /**
   * The same logger, whose lines take their context fields from `ctx` instead of from the ambient context.
   * Costs one small object.
   */
  withContext(ctx: Context): Logger
  /** Whether a line of this level would be written, or recorded, now. For work that only a log line needs. */
  isLevelEnabled(level: LineLevel): boolean
  /**
   * Keeps the lines of a context that the levels of their loggers refuse, of all loggers of this tree, until somebody
   * wants them written or they are discarded: what a request did before it failed, without writing it for those
   * that succeed.
   *
   * It records under the `ctx` that it returns and whatever is derived from that. It ends by `discard`, at the end of a
   * `using` block, or with the context; what it has by then can still be dumped. At most 4,096 recordings are
   * active in a process and keep 16,777,216 characters; beyond that the oldest ends (`logStats().evictedRecordings`).
   * Lines that fall out are counted (`logStats().lostRecordedLines`).
   *
   * While one is active a disabled call of this tree costs some 30 ns, under its context what a line costs but
   * for the writing. Throws `LogError`: `KIT_LOG_UNKNOWN_OPTION`, `KIT_LOG_BAD_OPTION`, `KIT_LOG_BAD_LEVEL`.
   */
  record(ctx: Context, options?: RecordOptions): Recording
  /** The levels of all loggers of this tree, to read and to change. */
  readonly levels: LevelTree
  /**
   * A pino logger that writes what this logger would, for libraries that insist on pino: `loggerInstance` of fastify,
   * `logger` of pino-http. Its level is this logger's and as live; a child's own level can only let less through.
   * Serializers, bindings and message prefixes of its children count; `redact`, `mixin`, `formatters` and transports of pino
   * do not, redaction being this logger's. Made when it is first asked for.
   */
  readonly pino: PinoLogger
  /**
   * Resolves once the destination has written what it was given, at the latest after `timeoutMs` (default
   * 5,000). A logger that is not `async` has nothing to wait for. Never rejects.
   */
  flush(timeoutMs?: number): Promise<void>
  /**
   * Opens the log file again by its path, after it was renamed; for all loggers that write to it. False, with the
   * lines going on to the old file, if that fails (counted in `logStats().failedReopens`) or the destination is no
   * path. Never throws.
   */
  reopen(): boolean
}

// Constants of this module are part of the compiled code; those that are imported would be loaded by each call.
const [traceLevel, debugLevel, infoLevel] = [TRACE, DEBUG, INFO]
const [warnLevel, errorLevel, fatalLevel] = [WARN, ERROR, FATAL]

const defaultFlushMs = 5000

/**
 * The logger of a tree that `createLogger` returns, '' being the name of the root. The class of its loggers is the
 * tree's own: so their methods, which all of them share, know where to log when they are called without a logger.
 */
export function treeLogger(writer: LineWriter, levels: LoggerLevels, name: string): Logger {
  class TreeLogger implements Logger {
    readonly #node: LevelNode
    readonly #name: string
    readonly #label: string
    readonly #fields: FieldSet
    readonly #ctx: Context | undefined

    constructor(node: LevelNode, full: string, label: string, fields: FieldSet, ctx: Context | undefined) {
      this.#node = node
      this.#name = full
      this.#label = label
      this.#fields = fields
      this.#ctx = ctx
    }

    /** The logger that a method was called on, or the one that stands in for it. */
    static of(receiver: unknown): TreeLogger {
      return TreeLogger.#is(receiver) ? receiver : home
    }

    /** What a log method does when its first look at its logger has failed. */
    static rescue(receiver: unknown, level: LineLevel, args: unknown[]): void {
      // The logger is there, so the stack was full.
      if (TreeLogger.#is(receiver)) stats.droppedLines += 1
      else home[level](...args)
    }

    static #is(receiver: unknown): receiver is TreeLogger {
      return typeof receiver === 'object' && receiver !== null && #node in receiver
    }

    get levels(): LevelTree {
      return levels
    }

    get pino(): PinoLogger {
      const self = TreeLogger.of(this)
      const made = pinos.get(self) ?? pinoOver(self)
      pinos.set(self, made)
      return made
    }

    // Reading the private field throws when there is no logger, which costs a call that has one nothing.

    trace(...args: unknown[]): void {
      try {
        if (this.#node.gate <= traceLevel)
          emit(traceLevel, this.#node, this.#label, this.#fields, this.#ctx, args)
      } catch {
        TreeLogger.rescue(this, 'trace', args)
      }
    }

    debug(...args: unknown[]): void {
      try {
        if (this.#node.gate <= debugLevel)
          emit(debugLevel, this.#node, this.#label, this.#fields, this.#ctx, args)
      } catch {
        TreeLogger.rescue(this, 'debug', args)
      }
    }

    info(...args: unknown[]): void {
      try {
        if (this.#node.gate <= infoLevel)
          emit(infoLevel, this.#node, this.#label, this.#fields, this.#ctx, args)
      } catch {
        TreeLogger.rescue(this, 'info', args)
      }
    }

    warn(...args: unknown[]): void {
      try {
        if (this.#node.gate <= warnLevel)
          emit(warnLevel, this.#node, this.#label, this.#fields, this.#ctx, args)
      } catch {
        TreeLogger.rescue(this, 'warn', args)
      }
    }

    error(...args: unknown[]): void {
      try {
        if (this.#node.gate <= errorLevel)
          emit(errorLevel, this.#node, this.#label, this.#fields, this.#ctx, args)
      } catch {
        TreeLogger.rescue(this, 'error', args)
      }
    }

    fatal(...args: unknown[]): void {
      try {
        if (this.#node.gate <= fatalLevel)
          emit(fatalLevel, this.#node, this.#label, this.#fields, this.#ctx, args)
      } catch {
        TreeLogger.rescue(this, 'fatal', args)
      }
    }

    child(fields: object): Logger {
      const self = TreeLogger.of(this)
      if (typeof fields !== 'object' || fields === null) return self
      const all = withBudget(() => self.#fields.with(writer.format, openFields(fields)))
      return new TreeLogger(self.#node, self.#name, self.#label, all, self.#ctx)
    }

    named(part: string): TreeLogger {
      const self = TreeLogger.of(this)
      const full = self.#name === '' ? part : `${self.#name}.${part}`
      checkName(part)
      checkName(full)
      return new TreeLogger(levels.node(full), full, writer.format.label(full), self.#fields, self.#ctx)
    }

    withContext(ctx: Context): Logger {
      const self = TreeLogger.of(this)
      return new TreeLogger(self.#node, self.#name, self.#label, self.#fields, ctx)
    }

    isLevelEnabled(level: LineLevel): boolean {
      const number = levelNumber(level)
      if (number === undefined || number >= SILENT) return false
      const self = TreeLogger.of(this)
      if (self.#node.gate > number) return false
      return self.#node.level <= number || levels.exceptions.wouldTake(number, self.#ctx)
    }

    [recurring](options: Required<RecurringLineOptions>): RecurringLine {
      const self = TreeLogger.of(this)
      const ordinary = new OrdinaryLine(self, options)
      const form = writer.fixedForm(self.#label, self.#fields, options)
      return form === undefined ? ordinary : new TextLine(writer, self.#node, form, ordinary)
    }

    record(ctx: Context, options: RecordOptions = {}): Recording {
      return levels.exceptions.record(ctx, resolveRecordOptions(options), writeRecorded)
    }

    flush(timeoutMs = defaultFlushMs): Promise<void> {
      const isTime = typeof timeoutMs === 'number' && !Number.isNaN(timeoutMs)
      return writer.flush(isTime ? timeoutMs : defaultFlushMs)
    }

    reopen(): boolean {
      return writer.reopen()
    }
  }

  /** A line that passed the gate: by its level, or because an exception may want it. */
  function emit(
    level: number,
    node: LevelNode,
    label: string,
    fields: FieldSet,
    ctx: Context | undefined,
    args: readonly unknown[],
  ): void {
    const { exceptions } = levels
    if (node.level <= level) {
      // What an override asks for is not held back by the rules for lines that nobody asked for.
      const always = writer.mayHoldBack(level) && exceptions.admits(level, ctx)
      writer.log(level, label, fields, ctx, args, always)
    } else if (exceptions.admits(level, ctx)) {
      writer.log(level, label, fields, ctx, args, true)
    } else {
      const recorder = exceptions.recorderOf(level, ctx)
      if (recorder !== undefined) writer.log(level, label, fields, ctx, args, true, recorder)
    }
  }

  const writeRecorded: WriteRecorded = (ctx, lines, lost, why) => writer.writeRecorded(ctx, lines, lost, why)

  /** Few loggers are asked for one, so they have no field for it. */
  const pinos = new WeakMap<Logger, PinoLogger>()
  const root = new TreeLogger(levels.root, '', '', noFields, undefined)
  const home = name === '' ? root : root.named(name)
  return home
}
