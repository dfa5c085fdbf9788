// Fields of a line as text, made once and joined many times. A `FieldSet` is what a child logger or a context
// adds to each of its lines: encoded when it is made, so that a line costs one concatenation however many
// loggers it came through. Names stay known, since no line may hold a key twice.

import { stats } from '../stats.ts'
import { isError } from './error.ts'
import { MAX_MEMBERS } from './limits.ts'
import type { KnownKey } from './value.ts'

// A fifth of the time of `Object.hasOwn` in a `for` … `in`, which V8 knows to go together; as a constant of the module.
// oxlint-disable-next-line typescript/unbound-method -- it is called on the object
const { hasOwnProperty } = Object.prototype

/** What the value of a field is written as, for those who receive records. */
export interface FieldValue {
  readonly name: string
  /** The value as JSON, under all rules of the line. */
  readonly json: string
  readonly isError: boolean
}

/** One way to write a field into a line. */
export interface FieldEncoder {
  /** Whether the values of fields are kept beside their texts, since somebody receives records. */
  readonly keepsValues: boolean
  /** What there is to know about a key. */
  known(key: string): KnownKey
  /**
   * The text of `source[key]` under its name, with its separator; '' when the value is undefined, else `kept` gets
   * the value.
   */
  field(source: object, key: string, known: KnownKey, kept?: FieldValue[]): string
}

/** One field and those before it: a list that a child shares with its parent. */
interface Field {
  readonly known: KnownKey
  readonly text: string
  readonly value: FieldValue | undefined
  readonly before: Field | undefined
}

/** Fields with distinct names, as the text that they are in a line. */
export class FieldSet {
  readonly text: string
  /** The bits of the names (`KnownKey.bit`). A name whose bit is not among them is none of these. 0 for no fields. */
  readonly bits: number
  readonly #last: Field | undefined
  /** Fields of other names that stand before those of the list. */
  readonly #below: FieldSet | undefined
  #over: FieldSet | undefined = undefined
  #joined: FieldSet | undefined = undefined

  constructor(text: string, bits: number, last: Field | undefined, below?: FieldSet) {
    this.text = text
    this.bits = bits
    this.#last = last
    this.#below = below
  }

  has(known: KnownKey): boolean {
    if ((this.bits & known.bit) === 0) return false
    for (let field = this.#last; field !== undefined; field = field.before) {
      if (field.known.name === known.name) return true
    }
    return this.#below !== undefined && this.#below.has(known)
  }

  /** The values of encoders that keep them, the oldest first. */
  values(): FieldValue[] {
    return this.#all().flatMap(({ value }) => value ?? [])
  }

  /** These fields but for some. */
  without(names: readonly string[]): FieldSet {
    const kept = this.#all().filter(({ known }) => !names.includes(known.name))
    return kept.reduce<FieldSet>((set, field) => set.#and(field), noFields)
  }

  /**
   * These fields with `upper` over them: one of the same name replaces, the rest joins. The latest answer is
   * remembered, for the request that logs line after line through one logger; another costs one small object, for
   * the logger that serves requests in turn.
   */
  under(upper: FieldSet): FieldSet {
    if (upper.bits === 0) return this
    if (this.bits === 0) return upper
    if (upper.#over === this && upper.#joined !== undefined) return upper.#joined
    upper.#over = this
    upper.#joined =
      upper.#below === undefined && !this.hasAnyOf(upper)
        ? new FieldSet(this.text + upper.text, this.bits | upper.bits, upper.#last, this)
        : this.#overlaid(upper.#all())
    return upper.#joined
  }

  /** These fields with the own enumerable string-keyed properties of an object over them. Never throws on its account. */
  with(encoder: FieldEncoder, fields: object): FieldSet {
    let { text, bits } = this
    let last = this.#last
    let clash = false
    let count = 0
    const kept: FieldValue[] | undefined = encoder.keepsValues ? [] : undefined
    try {
      for (const key in fields) {
        if (!hasOwnProperty.call(fields, key)) continue
        count += 1
        if (count > MAX_MEMBERS) {
          stats.droppedFields += 1
          break
        }
        const known = encoder.known(key)
        const part = encoder.field(fields, key, known, kept)
        if (part === '') continue
        clash ||= this.has(known)
        text += part
        bits |= known.bit
        last = { known, text: part, value: kept?.pop(), before: last }
      }
    } catch {
      stats.droppedFields += 1
    }
    if (clash) return this.#overlaid(listOf(last, this.#last))
    return last === this.#last ? this : new FieldSet(text, bits, last, this.#below)
  }

  /** Whether a name is in both. */
  hasAnyOf(upper: FieldSet): boolean {
    if ((this.bits & upper.bits) === 0) return false
    for (let field = upper.#last; field !== undefined; field = field.before) {
      if (this.has(field.known)) return true
    }
    return false
  }

  /** The oldest first. */
  #all(): Field[] {
    const own = listOf(this.#last, undefined)
    return this.#below === undefined ? own : [...this.#below.#all(), ...own]
  }

  #overlaid(added: readonly Field[]): FieldSet {
    const replaced = added.filter(({ known }) => this.has(known)).map(({ known }) => known.name)
    const kept = replaced.length === 0 ? this : this.without(replaced)
    return added.reduce<FieldSet>((set, field) => set.#and(field), kept)
  }

  #and({ known, text, value }: Field): FieldSet {
    return new FieldSet(
      this.text + text,
      this.bits | known.bit,
      { known, text, value, before: this.#last },
      this.#below,
    )
  }
}

/** No fields. */
export const noFields: FieldSet = new FieldSet('', 0, undefined)

/** The fields of a list down to one that is left out, the oldest first. */
function listOf(last: Field | undefined, end: Field | undefined): Field[] {
  const list: Field[] = []
  for (let field = last; field !== undefined && field !== end; field = field.before) list.push(field)
  return list.toReversed()
}

/**
 * What is meant as fields when an object is logged: the object itself, an error as `err`, the result of its
 * `toJSON`, and a thing that has no properties of its own (a Map, a Date) as `value`.
 */
export function openFields(subject: object): object {
  try {
    const prototype: unknown = Object.getPrototypeOf(subject)
    if (prototype === Object.prototype) return subject
    if (isError(subject)) return { err: subject }
    if (prototype === null) return subject
    if (Array.isArray(subject)) return { value: subject }
    const { toJSON } = subject as { toJSON?: unknown }
    const plain: unknown = typeof toJSON === 'function' ? Reflect.apply(toJSON, subject, ['']) : subject
    if (typeof plain !== 'object' || plain === null) return { value: subject }
    for (const key in plain) if (Object.hasOwn(plain, key)) return plain
    return { value: subject }
  } catch {
    return { value: subject }
  }
}
