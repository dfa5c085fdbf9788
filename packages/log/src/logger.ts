// The logger: a level node to ask whether a line is wanted, fields to put into it, and the writer that all
// loggers of one `createLogger` share. A line that is not wanted costs one comparison.

import type { Context } from '@kit/context'
import { encodeFields, noFields, openFields } from './encode/fields.ts'
import type { FieldSet } from './encode/fields.ts'
import { withBudget } from './encode/limits.ts'
import { DEBUG, ERROR, FATAL, INFO, levelNumber, SILENT, TRACE, WARN } from './level.ts'
import type { LineLevel } from './level.ts'
import { checkName } from './level-spec.ts'
import type { LevelNode, LoggerLevels } from './level-tree.ts'
import type { LevelTree } from './levels.ts'
import type { LineWriter } from './line-writer.ts'

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
  /** Whether a line of this level would be written now. For work that only a log line needs. */
  isLevelEnabled(level: LineLevel): boolean
  /** The levels of all loggers of this tree, to read and to change. */
  readonly levels: LevelTree
  /**
   * Resolves once the destination has written what it was given, at the latest after `timeoutMs` (default
   * 5,000). Files and file descriptors are written synchronously and have nothing to wait for. Never rejects.
   */
  flush(timeoutMs?: number): Promise<void>
}

/** The logger that `createLogger` returns first, before any `named`. */
export function rootLogger(writer: LineWriter, levels: LoggerLevels): Logger {
  return new TreeLogger(writer, levels, levels.root, '', '', noFields, undefined)
}

class TreeLogger implements Logger {
  readonly levels: LoggerLevels
  readonly #writer: LineWriter
  readonly #node: LevelNode
  readonly #name: string
  readonly #label: string
  readonly #fields: FieldSet
  readonly #ctx: Context | undefined

  constructor(
    writer: LineWriter,
    levels: LoggerLevels,
    node: LevelNode,
    name: string,
    label: string,
    fields: FieldSet,
    ctx: Context | undefined,
  ) {
    this.levels = levels
    this.#writer = writer
    this.#node = node
    this.#name = name
    this.#label = label
    this.#fields = fields
    this.#ctx = ctx
  }

  trace(...args: unknown[]): void {
    if (this.#node.gate <= TRACE) this.#writer.log(TRACE, this.#label, this.#fields, this.#ctx, args)
  }

  debug(...args: unknown[]): void {
    if (this.#node.gate <= DEBUG) this.#writer.log(DEBUG, this.#label, this.#fields, this.#ctx, args)
  }

  info(...args: unknown[]): void {
    if (this.#node.gate <= INFO) this.#writer.log(INFO, this.#label, this.#fields, this.#ctx, args)
  }

  warn(...args: unknown[]): void {
    if (this.#node.gate <= WARN) this.#writer.log(WARN, this.#label, this.#fields, this.#ctx, args)
  }

  error(...args: unknown[]): void {
    if (this.#node.gate <= ERROR) this.#writer.log(ERROR, this.#label, this.#fields, this.#ctx, args)
  }

  fatal(...args: unknown[]): void {
    if (this.#node.gate <= FATAL) this.#writer.log(FATAL, this.#label, this.#fields, this.#ctx, args)
  }

  child(fields: object): Logger {
    if (typeof fields !== 'object' || fields === null) return this
    const added = withBudget(() => encodeFields(this.#writer.format, openFields(fields)))
    return this.#derive(this.#node, this.#name, this.#label, this.#fields.under(added), this.#ctx)
  }

  named(name: string): Logger {
    const full = this.#name === '' ? name : `${this.#name}.${name}`
    checkName(name)
    checkName(full)
    return this.#derive(
      this.levels.node(full),
      full,
      this.#writer.format.label(full),
      this.#fields,
      this.#ctx,
    )
  }

  withContext(ctx: Context): Logger {
    return this.#derive(this.#node, this.#name, this.#label, this.#fields, ctx)
  }

  isLevelEnabled(level: LineLevel): boolean {
    const number = levelNumber(level)
    return number !== undefined && number < SILENT && this.#node.gate <= number
  }

  flush(timeoutMs = 5000): Promise<void> {
    return this.#writer.flush(timeoutMs)
  }

  #derive(node: LevelNode, name: string, label: string, fields: FieldSet, ctx: Context | undefined): Logger {
    return new TreeLogger(this.#writer, this.levels, node, name, label, fields, ctx)
  }
}
