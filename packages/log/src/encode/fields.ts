// Fields of a line as text, made once and joined many times. A `FieldSet` is what a child logger or a context
// adds to each of its lines: encoded when it is made, so that a line costs one concatenation however many
// loggers it came through. Keys stay known, since no line may hold a key twice.

import { stats } from '../stats.ts'
import { isError } from './error.ts'
import { MAX_MEMBERS } from './limits.ts'
import type { KnownKey } from './value.ts'

/** One way to write a field into a line. */
export interface FieldEncoder {
  /** What there is to know about a key. */
  known(key: string): KnownKey
  /** The text of `source[key]` under its name, with its separator; '' when the value is undefined. */
  field(source: object, key: string, known: KnownKey): string
}

/** Fields with distinct names, as the text that they are in a line. */
export class FieldSet {
  readonly names: readonly string[]
  readonly parts: readonly string[]
  readonly text: string
  #index: Set<string> | undefined = undefined
  #over: FieldSet | undefined = undefined
  #joined: FieldSet | undefined = undefined

  constructor(names: readonly string[], parts: readonly string[]) {
    this.names = names
    this.parts = parts
    this.text = parts.join('')
  }

  has(name: string): boolean {
    if (this.names.length <= 8) return this.names.includes(name)
    this.#index ??= new Set(this.names)
    return this.#index.has(name)
  }

  /** The text without some of the fields. */
  without(names: readonly string[]): string {
    let text = ''
    for (const [i, name] of this.names.entries()) {
      if (!names.includes(name)) text += this.parts[i]
    }
    return text
  }

  /**
   * These fields with `upper` over them: one of the same name replaces, the rest joins. The latest answer is
   * remembered, for the request that logs line after line through one logger.
   */
  under(upper: FieldSet): FieldSet {
    if (upper.names.length === 0) return this
    if (this.names.length === 0) return upper
    if (this.#over === upper && this.#joined !== undefined) return this.#joined
    const names: string[] = []
    const parts: string[] = []
    for (const [i, name] of this.names.entries()) {
      if (upper.has(name)) continue
      names.push(name)
      parts.push(this.parts[i] ?? '')
    }
    this.#over = upper
    this.#joined = new FieldSet([...names, ...upper.names], [...parts, ...upper.parts])
    return this.#joined
  }
}

/** No fields. */
export const noFields: FieldSet = new FieldSet([], [])

/** Encodes the own enumerable string-keyed properties of an object. Never throws on account of them. */
export function encodeFields(encoder: FieldEncoder, fields: object): FieldSet {
  const names: string[] = []
  const parts: string[] = []
  eachField(fields, (key) => {
    const known = encoder.known(key)
    const part = encoder.field(fields, key, known)
    if (part === '') return
    names.push(known.name)
    parts.push(part)
  })
  return names.length === 0 ? noFields : new FieldSet(names, parts)
}

/**
 * Calls `fn` with each field's key, at most `MAX_MEMBERS` of them. What a hostile object hides by throwing
 * while it is asked for its keys is counted.
 */
export function eachField(fields: object, fn: (key: string) => void): void {
  let count = 0
  try {
    for (const key in fields) {
      if (!Object.hasOwn(fields, key)) continue
      if (count >= MAX_MEMBERS) {
        stats.droppedFields += 1
        return
      }
      count += 1
      fn(key)
    }
  } catch {
    stats.droppedFields += 1
  }
}

/**
 * What is meant as fields when an object is logged: the object itself, an error as `err`, the result of its
 * `toJSON`, and a thing that has no properties of its own (a Map, a Date) as `value`.
 */
export function openFields(subject: object): object {
  try {
    const prototype: unknown = Object.getPrototypeOf(subject)
    if (prototype === Object.prototype || prototype === null) return subject
    if (isError(subject)) return { err: subject }
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
