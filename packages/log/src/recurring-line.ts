// Lines that are written again and again with the same names and the same message, such as the one for each request. What
// is the same in all of them is found out once: how the names are written, that no rule hides them, that none stands twice.
// Such a line is then a few texts in a row. Where that does not hold, it is written as any other.

import type { Context } from '@kit/context'
import type { ValueEncoder } from './encode/value.ts'
import { isPlain } from './encode/escape.ts'
import { levelNumber, SILENT } from './level.ts'
import type { LineLevel } from './level.ts'
import type { LevelNode } from './level-nodes.ts'
import type { LineWriter } from './line-writer.ts'
import type { Logger } from './logger.ts'

/** What the lines have in common. */
export interface RecurringLineOptions {
  readonly message: string
  /** Names of fields that the context of each line adds (`withFields`), in their order: all that it adds. */
  readonly contextFields?: readonly string[]
  /** Their values are letters, digits and dashes only, such as ids that one has made oneself: nobody looks at them again. Default false. */
  readonly plainContext?: boolean
  /** Names of the fields of the line's own. */
  readonly fields: readonly string[]
}

/** Writes lines of one form. */
export interface RecurringLine {
  /**
   * Writes one, if the logger's level lets it through. `contextValues` and `values` stand for the names in their order, an
   * undefined one for no field; `others` are fields that most lines do not have. Never throws.
   */
  write(
    level: LineLevel,
    ctx: Context,
    contextValues: readonly (string | undefined)[],
    values: readonly unknown[],
    others?: object,
  ): void
}

/** Where the loggers of this package make their own; those of others have none. */
export const recurring: unique symbol = Symbol.for('@kit/log@1.recurring') as never

/** What a logger of this package answers with at {@link recurring}. */
export interface RecurringSource {
  [recurring](options: RecurringLineOptions): RecurringLine
}

/**
 * Lines of a form that recurs, by `log`. With a logger of this package and JSON such a line
 * takes a third of the time of one with its fields in an object; any other logger, format or rule gives the same
 * lines the usual way. Meant for set-up: keep what it returns.
 */
export function recurringLine(log: Logger, options: RecurringLineOptions): RecurringLine {
  const make = (log as Partial<RecurringSource>)[recurring]
  return make === undefined
    ? new OrdinaryLine(log, options)
    : Reflect.apply(make, log, [{ contextFields: [], plainContext: false, ...options }])
}

/** Writes them as other lines are written. */
export class OrdinaryLine implements RecurringLine {
  readonly #log: Logger
  readonly #message: string
  readonly #names: readonly string[]

  constructor(log: Logger, { message, fields }: RecurringLineOptions) {
    this.#log = log
    this.#message = message
    this.#names = fields
  }

  write(level: LineLevel, ctx: Context, _shared: unknown, values: readonly unknown[], others?: object): void {
    const fields: Record<string, unknown> = { ...others }
    this.#names.forEach((name, at) => {
      if (values[at] !== undefined) fields[name] = values[at]
    })
    this.#log.withContext(ctx)[level](fields, this.#message)
  }
}

/** A line of one form as text, where nothing is in the way of that. */
export interface FixedForm {
  /** The name of the logger, and the fields before those of the call. */
  readonly head: string
  readonly contextFields: FixedFields
  readonly own: string
  readonly fields: FixedFields
  readonly message: string
}

/** Fields of fixed names. */
export class FixedFields {
  readonly #labels: readonly FixedLabel[]
  /** Texts need not be looked at. */
  readonly #arePlain: boolean

  /** `labels` are what comes before each value. */
  constructor(labels: readonly string[], arePlain: boolean) {
    this.#labels = labels.map((label) => new FixedLabel(label))
    this.#arePlain = arePlain
  }

  /** `text` with the fields behind it; undefined if a value is no text, number or truth value. */
  behind(text: string, values: readonly unknown[], encoder: ValueEncoder): string | undefined {
    const labels = this.#labels
    let all = text
    /** The latest value is a text whose end is yet to come, with what follows it. */
    let isOpen = false
    for (let at = 0; at < labels.length; at += 1) {
      const value = values[at]
      const label = labels[at]
      if (value === undefined || label === undefined) continue
      if (typeof value === 'string' && (this.#arePlain || isPlain(value))) {
        all += isOpen ? label.textBehindText : label.text
        all += value
        isOpen = true
      } else if (value === null || typeof value !== 'object') {
        all += isOpen ? label.behindText : label.any
        all += encoder.encode(value) ?? 'null'
        isOpen = false
      } else {
        return undefined
      }
    }
    return isOpen ? `${all}"` : all
  }
}

/** What comes before a value, by what that is, and what the one before it was. */
class FixedLabel {
  readonly any: string
  readonly text: string
  readonly behindText: string
  readonly textBehindText: string

  constructor(label: string) {
    this.any = label
    this.text = `${label}"`
    this.behindText = `"${label}`
    this.textBehindText = `"${label}"`
  }
}

/** Writes them as text, unless a line asks for more. */
export class TextLine implements RecurringLine {
  readonly #writer: LineWriter
  readonly #node: LevelNode
  readonly #form: FixedForm
  readonly #ordinary: RecurringLine

  constructor(writer: LineWriter, node: LevelNode, form: FixedForm, ordinary: RecurringLine) {
    this.#writer = writer
    this.#node = node
    this.#form = form
    this.#ordinary = ordinary
  }

  write(
    level: LineLevel,
    ctx: Context,
    contextValues: readonly (string | undefined)[],
    values: readonly unknown[],
    others?: object,
  ): void {
    const number = levelNumber(level) ?? SILENT
    if (this.#node.gate > number) return
    const isOrdinary = others !== undefined || this.#node.level > number || this.#writer.mayHoldBack(number)
    if (isOrdinary || !this.#writer.writeFixed(number, this.#form, contextValues, values)) {
      this.#ordinary.write(level, ctx, contextValues, values, others)
    }
  }
}
