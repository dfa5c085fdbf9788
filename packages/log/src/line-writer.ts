// What happens to a line that is wanted: its arguments become fields and a message, the fields are joined with
// those of the logger, the context and the base without a key standing twice, and the format writes it.
// This is the one place that all lines pass, and the one that catches what no other foresaw.

import { background, clock, current } from '@kit/context'
import type { Context } from '@kit/context'
import { contextFields } from './context-fields.ts'
import { auditLine } from './audit.ts'
import type { AuditRecord } from './audit.ts'
import { errorMessage, extraFields, hasOwnSafely, NONE, sortArguments } from './call-arguments.ts'
import { isPlain } from './encode/escape.ts'
import { noFields, openFields } from './encode/fields.ts'
import type { FieldSet } from './encode/fields.ts'
import { formatMessage } from './encode/format.ts'
import { JsonFormat, jsonLabel } from './encode/json.ts'
import type { LineFormat } from './encode/json.ts'
import { closeBudget, MAX_MEMBERS, nesting, openBudget, takeText, withBudget } from './encode/limits.ts'
import { TextFormat, textLabel } from './encode/text.ts'
import { ValueEncoder } from './encode/value.ts'
import { fieldsOf, keptLine, keptValues, messageOf, valuesOf } from './kept-lines.ts'
import type { KeptLine } from './kept-lines.ts'
import { INFO, WARN } from './level.ts'
import type { LineSource, Output } from './output.ts'
import type { DumpReason, Recorder } from './recorder.ts'
import type { Receivers, RecordParts } from './records.ts'
import type { Redactor } from './redact.ts'
import { FixedFields } from './recurring-line.ts'
import type { FixedForm, RecurringLineOptions } from './recurring-line.ts'
import { Repeats } from './repeats.ts'
import type { RepeatOptions, TimelessLine } from './repeats.ts'
import { Sampler } from './sampling.ts'
import type { SamplingOptions } from './sampling.ts'
import { stats } from './stats.ts'

// A fifth of the time of `Object.hasOwn` in a `for` … `in`, which V8 knows to go together; as a constant of the module.
// oxlint-disable-next-line typescript/unbound-method -- it is called on the object
const { hasOwnProperty } = Object.prototype

/** Lines that may be built inside one another, by getters and `toJSON`s that log. */
const MAX_NESTING = 4

/** What a writer is made of. */
export interface LineWriterOptions {
  readonly output: Output
  /** Bytes that may wait in the output; 0 for none. */
  readonly maxWaiting: number
  readonly format: 'json' | 'text' | 'auto'
  readonly redactor: Redactor
  readonly base: object | undefined
  readonly sampling: SamplingOptions | undefined
  readonly repeats: RepeatOptions | undefined
  readonly receivers: Receivers | undefined
}

/** The writer that all loggers of one `createLogger` share. */
export class LineWriter implements LineSource {
  readonly format: LineFormat
  readonly maxWaiting: number
  readonly #values: ValueEncoder
  readonly #output: Output
  readonly #base: FieldSet
  readonly #sampler: Sampler | undefined
  readonly #repeats: Repeats | undefined
  readonly #receivers: Receivers | undefined

  constructor(options: LineWriterOptions) {
    this.#output = options.output
    this.maxWaiting = options.maxWaiting
    const text = options.format === 'auto' ? this.#output.isTerminal : options.format === 'text'
    const colors = this.#output.isTerminal && !process.env['NO_COLOR']
    this.#values = new ValueEncoder(options.redactor, text ? textLabel(colors) : jsonLabel)
    const { base, sampling, repeats, receivers } = options
    this.#receivers = receivers
    const keepsValues = receivers !== undefined
    this.format = text
      ? new TextFormat(this.#values, colors, keepsValues)
      : new JsonFormat(this.#values, keepsValues)
    this.#sampler =
      sampling === undefined
        ? undefined
        : new Sampler(sampling, (level, count, like) => this.#tellSampled(level, count, like))
    this.#repeats =
      repeats === undefined
        ? undefined
        : new Repeats(repeats, (line, count) => this.#tellRepeated(line, count))
    this.#base = base === undefined ? noFields : withBudget(() => noFields.with(this.format, base))
  }

  /** Whether sampling or the suppression of repeats may hold back lines of this level. */
  mayHoldBack(level: number): boolean {
    return this.#sampler?.samples(level) === true || this.#repeats?.watches(level) === true
  }

  /**
   * Writes the line of one log call, unless it is suppressed and not to be written `always`; or has a recorder keep it.
   * Never throws.
   */
  log(
    level: number,
    label: string,
    fields: FieldSet,
    ctx: Context | undefined,
    args: readonly unknown[],
    always?: boolean,
    recorder?: Recorder,
  ): void {
    if (nesting() >= MAX_NESTING) {
      stats.droppedLines += 1
      return
    }
    let record: RecordParts | undefined
    openBudget()
    try {
      record = this.#line(level, label, fields, ctx ?? current(), args, always === true, recorder)
    } catch {
      stats.droppedLines += 1
    } finally {
      closeBudget()
    }
    if (record !== undefined) this.#receivers?.deliver(record)
  }

  /**
   * What lines of one form have in common, if they can be written as text: as JSON that nobody wants as records, with names
   * that no rule looks at and that stand nowhere else in the line. `own` are the fields of the logger.
   */
  fixedForm(label: string, own: FieldSet, options: Required<RecurringLineOptions>): FixedForm | undefined {
    const { message, contextFields: shared, fields, plainContext } = options
    if (!(this.format instanceof JsonFormat) || this.#receivers !== undefined || !isPlain(message))
      return undefined
    if (this.#values.redactor.paths !== undefined || this.#base.hasAnyOf(own)) return undefined
    const names = [...shared, ...fields]
    const known = names.map((name) => this.format.known(name))
    const isFixed = known.every(
      (key) =>
        !key.secret && !key.isHidden && key.nameKeys === undefined && !this.#base.has(key) && !own.has(key),
    )
    if (!isFixed || new Set(known.map(({ name }) => name)).size < names.length) return undefined
    const labels = known.map((key) => key.label)
    return {
      head: label + this.#base.text,
      contextFields: new FixedFields(labels.slice(0, shared.length), plainContext),
      own: own.text,
      fields: new FixedFields(labels.slice(shared.length), false),
      message,
    }
  }

  /** Writes a line of such a form. False, and nothing is written, if its values need more than that. Never throws. */
  writeFixed(
    level: number,
    form: FixedForm,
    contextValues: readonly unknown[],
    values: readonly unknown[],
  ): boolean {
    if (nesting() >= MAX_NESTING) return false
    openBudget()
    try {
      const before = form.contextFields.behind(form.head, contextValues, this.#values)
      const fields =
        before === undefined ? undefined : form.fields.behind(before + form.own, values, this.#values)
      if (fields === undefined) return false
      this.#output.write(this.format.line(level, clock.wallTime(), '', fields, form.message, true), this)
    } catch {
      stats.droppedLines += 1
    } finally {
      closeBudget()
    }
    return true
  }

  /** Tells of a change of the levels, whatever they are: silence must not hide who ordered it. */
  audit(record: AuditRecord): void {
    const [fields, message] = auditLine(record)
    this.log(INFO, this.format.label('log.levels'), noFields, undefined, [fields, message], true)
  }

  /** Writes what was recorded, and before it a line that tells of it. Returns how many lines were. Never throws. */
  writeRecorded(ctx: Context, lines: readonly KeptLine[], lost: number, why: DumpReason): number {
    if (lines.length === 0 && lost === 0) return 0
    const { reason, by } = why
    const fields = { reason, by, recordedLines: lines.length, lostLines: lost }
    const message = lines.length === 1 ? '1 recorded line' : `${lines.length} recorded lines`
    this.log(INFO, this.format.label('log.recorder'), noFields, ctx, [fields, message], true)
    for (const line of lines) this.#writeRecorded(line)
    return lines.length
  }

  /** A line about the logging itself. */
  warn(message: string): void {
    this.log(WARN, '', noFields, undefined, [message], true)
  }

  flush(timeoutMs: number): Promise<void> {
    this.#sampler?.tell()
    this.#repeats?.tell()
    const written = this.#output.flush(timeoutMs, this)
    if (this.#receivers === undefined) return written
    return Promise.all([written, this.#receivers.flush(timeoutMs)]).then(() => undefined)
  }

  /** Opens the file again by its name. False if that failed, or there is no file. */
  reopen(): boolean {
    return this.#output.reopen()
  }

  /** The line that tells of lost ones. */
  notice(lost: number): string {
    const fields = `${this.#base.without(['lost']).text}${this.format.known('lost').label}${lost}`
    return this.format.line(WARN, clock.wallTime(), '', fields, `${lost} lines dropped`, true)
  }

  /** Writes a line and returns what its record is made of, if somebody receives records. */
  #line(
    level: number,
    label: string,
    own: FieldSet,
    ctx: Context,
    args: readonly unknown[],
    always: boolean,
    recorder: Recorder | undefined,
  ): RecordParts | undefined {
    const first = args[0]
    let subject: object | undefined
    let template: string | undefined
    let rest = NONE
    if (args.length === 1 && typeof first === 'string') template = first
    else ({ subject, template, rest } = sortArguments(args))
    const fields = subject === undefined ? undefined : openFields(subject)
    if (!always && this.#sampler !== undefined) {
      const sampled = template ?? (fields === undefined ? undefined : errorMessage(fields))
      if (!this.#sampler.allows(level, sampled)) return undefined
    }
    let message = template
    let extras = rest
    if (template !== undefined && rest.length > 0) {
      const formatted = formatMessage(this.#values, template, rest)
      message = formatted.text
      extras = rest.slice(formatted.used)
    }
    if (message === undefined && fields !== undefined) message = errorMessage(fields)
    // The message comes first, so that large fields cannot use up its room.
    const plain = message !== undefined && isPlain(message) && takeText(message.length)
    if (message !== undefined && !plain) message = this.#values.text(message)

    let inherited = this.#base.under(contextFields(ctx, this.format)).under(own)
    if (extras.length > 0) inherited = inherited.with(this.format, extraFields(fields, extras))
    let all: FieldSet | undefined
    if (this.#receivers !== undefined)
      all = fields === undefined ? inherited : inherited.with(this.format, fields)
    const text = all?.text ?? (fields === undefined ? inherited.text : this.#join(inherited, fields))
    if (!always && this.#repeats !== undefined && !this.#tellsRepeats(inherited, fields)) {
      if (this.#repeats.isRepeat({ level, label, fields: text, message, values: all })) return undefined
    }
    const timeMs = clock.wallTime()
    if (recorder !== undefined) {
      const values = all === undefined ? undefined : keptValues(all.values(), ctx)
      recorder.keep(keptLine(level, timeMs, label, text, message, plain, values))
      return undefined
    }
    this.#output.write(this.format.line(level, timeMs, label, text, message, plain), this)
    if (all === undefined) return undefined
    return { level, timeMs, logger: this.format.nameOf(label), message, fields: all, ctx }
  }

  #tellSampled(level: number, suppressed: number, like: string | undefined): void {
    const what = like === undefined ? 'other lines suppressed' : 'lines suppressed'
    this.log(level, '', noFields, background, [{ suppressed, like }, `${suppressed} ${what}`], true)
  }

  /** Whether a line has the field already that repeats are told in. */
  #tellsRepeats(inherited: FieldSet, fields: object | undefined): boolean {
    const known = this.format.known('repeated')
    return inherited.has(known) || (fields !== undefined && hasOwnSafely(fields, known.name))
  }

  #tellRepeated({ level, label, fields, message, values }: TimelessLine, repeats: number): void {
    try {
      const timeMs = clock.wallTime()
      const all = `${fields}${this.format.known('repeated').label}${repeats}`
      this.#output.write(this.format.line(level, timeMs, label, all, message, false), this)
      if (values === undefined) return
      const logger = this.format.nameOf(label)
      const counted = withBudget(() => values.with(this.format, { repeated: repeats }))
      this.#receivers?.deliver({ level, timeMs, logger, message, fields: counted, ctx: background })
    } catch {
      stats.droppedLines += 1
    }
  }

  #writeRecorded(line: KeptLine): void {
    try {
      const fields = fieldsOf(line)
      const message = messageOf(line)
      const { level, time, label, plain, values } = line
      // A name that the line has not got. Its text tells, as nothing in a value looks like the name of a field.
      let mark = this.format.known('recorded')
      while (fields.includes(mark.label)) mark = this.format.known(`${mark.name}+`)
      const all = `${fields}${mark.label}true`
      this.#output.write(this.format.line(level, time, label, all, message, plain), this)
      if (values === undefined) return
      const { name } = mark
      this.#receivers?.deliver({
        level,
        timeMs: time,
        logger: this.format.nameOf(label),
        message,
        fields: { values: () => [...valuesOf(values), { name, json: 'true', isError: false }] },
        ctx: values.ctx,
      })
    } catch {
      stats.droppedLines += 1
    }
  }

  /** The text of `fields` over those that the line has anyway. */
  #join(inherited: FieldSet, fields: object): string {
    const { format } = this
    let added = ''
    let replaced: string[] | undefined
    let count = 0
    try {
      for (const key in fields) {
        if (!hasOwnProperty.call(fields, key)) continue
        count += 1
        if (count > MAX_MEMBERS) {
          stats.droppedFields += 1
          break
        }
        const known = format.known(key)
        const part = format.field(fields, key, known)
        if (part === '') continue
        added += part
        if (inherited.has(known)) (replaced ??= []).push(known.name)
      }
    } catch {
      stats.droppedFields += 1
    }
    return (replaced === undefined ? inherited : inherited.without(replaced)).text + added
  }
}
