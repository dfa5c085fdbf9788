// Lines that are kept and perhaps never written: a queue with a bound on their number and on their characters, of
// which the oldest fall out. A line is kept as the text that its values were at the time of the call, in one piece: the
// parts of a text that V8 has not put together yet may be slices of bodies and files, which would stay in memory
// whole. It is not made into a line yet, since pino tells its subscribers of each line that it makes.

import type { Context } from '@kit/context'
import type { FieldValue } from './encode/fields.ts'

/** The values of a line's fields, for those who receive records. */
export interface KeptValues {
  readonly names: readonly Pick<FieldValue, 'name' | 'isError'>[]
  /** One a line, as JSON, which has no line breaks. */
  readonly text: string
  /** What the line was logged under. */
  readonly ctx: Context
}

/** One line, without the mark of those that were recorded. */
export interface KeptLine {
  readonly level: number
  /** Milliseconds since the Unix epoch. */
  readonly time: number
  readonly label: string
  /** Fields and message. */
  readonly text: string
  readonly fieldsLength: number
  readonly hasMessage: boolean
  /** Whether the message is known to be plain. */
  readonly plain: boolean
  /** Undefined where nobody receives records. */
  readonly values: KeptValues | undefined
  /** Some recording has written it. Several keep one line where one is made within another. */
  isWritten: boolean
}

/** What each line counts for beside its fields and message. */
export const LINE_CHARACTERS = 64

/** Puts a line away. Costs a copy of its text. */
export function keptLine(
  level: number,
  time: number,
  label: string,
  fields: string,
  message: string | undefined,
  plain: boolean,
  values?: KeptValues,
): KeptLine {
  const text = `${fields}\n${message ?? ''}`
  // V8 puts a text together before it looks for something in it.
  const fieldsLength = text.indexOf('\n', fields.length)
  return {
    level,
    time,
    label,
    text,
    fieldsLength,
    hasMessage: message !== undefined,
    plain,
    values,
    isWritten: false,
  }
}

/** Puts the values of a line away. Costs a copy of their texts. */
export function keptValues(values: readonly FieldValue[], ctx: Context): KeptValues {
  const text = values.map(({ json }) => json).join('\n')
  return { names: values.map(({ name, isError }) => ({ name, isError })), text, ctx }
}

/** The values that were put away. */
export function valuesOf({ names, text }: KeptValues): FieldValue[] {
  const texts = text.split('\n')
  return names.map(({ name, isError }, i) => ({ name, isError, json: texts[i] ?? '' }))
}

/** The fields of a line, as text of the format that made them. */
export function fieldsOf(line: KeptLine): string {
  return line.text.slice(0, line.fieldsLength)
}

/** The message of a line. */
export function messageOf(line: KeptLine): string | undefined {
  return line.hasMessage ? line.text.slice(line.fieldsLength + 1) : undefined
}

/** The characters that a line counts for. */
export function sizeOf(line: KeptLine): number {
  return line.text.length + (line.values?.text.length ?? 0) + LINE_CHARACTERS
}

/** The queue. */
export class KeptLines {
  /** Characters of the lines that it holds. */
  characters = 0
  /** Lines that fell out since they were last taken. */
  lost = 0
  readonly #maxLines: number
  readonly #maxCharacters: number
  #lines: (KeptLine | undefined)[] = []
  /** Where the oldest stands; what is before it is empty. */
  #first = 0

  constructor(maxLines: number, maxCharacters: number) {
    this.#maxLines = maxLines
    this.#maxCharacters = maxCharacters
  }

  /** Lines that are to be written yet. Looks at each. */
  get unwritten(): number {
    return this.#lines.filter((line) => line?.isWritten === false).length
  }

  /** Adds a line, if it fits at all. Returns how many fell out for it, itself included. */
  push(line: KeptLine): number {
    const size = sizeOf(line)
    const before = this.lost
    if (size > this.#maxCharacters) this.lost += 1
    else {
      while (this.#count >= this.#maxLines || this.characters + size > this.#maxCharacters) this.#dropOldest()
      this.#lines.push(line)
      this.characters += size
    }
    return this.lost - before
  }

  /** Takes out what is not written yet, oldest first, and how many fell out. */
  take(): { readonly lines: readonly KeptLine[]; readonly lost: number } {
    const lines = this.#lines.filter((line) => line?.isWritten === false) as KeptLine[]
    const { lost } = this
    this.#lines = []
    this.#first = 0
    this.characters = 0
    this.lost = 0
    return { lines, lost }
  }

  /** Lets all lines fall out. Returns how many. */
  drop(): number {
    const { lines } = this.take()
    this.lost += lines.length
    return lines.length
  }

  get #count(): number {
    return this.#lines.length - this.#first
  }

  #dropOldest(): void {
    const oldest = this.#lines[this.#first]
    if (oldest === undefined) return
    this.#lines[this.#first] = undefined
    this.#first += 1
    this.characters -= sizeOf(oldest)
    // What another recording has written is missed by nobody.
    if (!oldest.isWritten) this.lost += 1
    if (this.#first < 64 || this.#first * 2 < this.#lines.length) return
    this.#lines = this.#lines.slice(this.#first)
    this.#first = 0
  }
}
