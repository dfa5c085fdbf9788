// Any value as JSON text. Values are hostile until written: getters throw, proxies are revoked, objects are
// cyclic, endless or deep. Nothing here throws on account of a value: what cannot be read becomes a marker
// and is counted. Secrets are replaced on the way, by key and by path, without being looked at.

import { types } from 'node:util'
import { property } from '../property.ts'
import { isPathEnd, step, WINDOW_UNITS } from '../redact.ts'
import type { PathNode, Redactor } from '../redact.ts'
import { stats } from '../stats.ts'
import { errorMembers, isError, joinMembers } from './error.ts'
import type { Member } from './error.ts'
import { isPlain, quote } from './escape.ts'
import { KnownKeys } from './keys.ts'
import type { KnownKey } from './keys.ts'
import { numberText } from './number.ts'
import { clip, MAX_DEPTH, MAX_MEMBERS, takeItem, takeKey, takeText } from './limits.ts'
import { isNamedSecret, namesSecret } from './pairs.ts'
import { summarise } from './summary.ts'

export type { KnownKey } from './keys.ts'

/** The paths that still match at some place, `undefined` when none does. */
export type Paths = readonly PathNode[] | undefined

// A fifth of the time of `Object.hasOwn` in a `for` … `in`, which V8 knows to go together; as a constant of the module.
// oxlint-disable-next-line typescript/unbound-method -- it is called on the object
const { hasOwnProperty } = Object.prototype

/** What stands in place of a value that cannot be read. */
export const UNREADABLE = '"[unreadable]"'

/** What reading a property that throws gives. */
const UNREAD: unique symbol = Symbol('unread')

/** Writes values under one set of redaction rules. Stateless between lines except for the keys it knows. */
export class ValueEncoder {
  readonly redactor: Redactor
  readonly #censor: string
  readonly #keys: KnownKeys
  readonly #ancestors: object[] = []

  /** `label` makes what comes before a value at the top of a line. */
  constructor(redactor: Redactor, label: (name: string) => string) {
    this.redactor = redactor
    this.#keys = new KnownKeys(redactor, label)
    this.#censor = quote(redactor.censor)
  }

  /** The JSON text of a value, or `undefined` for `undefined`, which has none. */
  encode(value: unknown, paths?: Paths): string | undefined {
    switch (typeof value) {
      case 'string':
        return isPlain(value) && takeText(value.length) ? `"${value}"` : quote(this.text(value))
      case 'number':
        return numberText(value)
      case 'boolean':
        return value ? 'true' : 'false'
      case 'undefined':
        return undefined
      case 'object':
        return value === null ? 'null' : this.#enter(value, paths)
      case 'bigint':
        // A string, since most parsers would round a number of this size.
        return quote(clip(String(value)))
      case 'symbol':
        return quote(this.text(String(value)))
      case 'function':
        return quote(this.text(`[function ${functionName(value)}]`))
      default:
        return UNREADABLE
    }
  }

  /** As much of a text as may be written, without the credentials of the URLs in it. */
  text(text: string): string {
    if (text.length <= WINDOW_UNITS) return clip(this.redactor.hideCredentials(text))
    // One stretch alone: a secret that reaches beyond its end could not be told from what follows.
    const shown = this.redactor.hideCredentials(text.slice(0, WINDOW_UNITS))
    return clip(shown, text.length - WINDOW_UNITS)
  }

  /** The JSON text of `source[key]`: read without trust, censored where the rules say so. */
  encodeProperty(source: object, key: string, secret: boolean, paths: Paths): string | undefined {
    const inner = paths === undefined ? undefined : step(paths, key)
    const value = this.#read(source, key)
    if (value === UNREAD) return UNREADABLE
    return this.#hides(value, secret, inner) ? this.#censor : this.encode(value, inner)
  }

  /** `source[key]`, or `UNREAD` if reading it throws. */
  #read(source: object, key: string): unknown {
    try {
      return property(source, key)
    } catch {
      stats.droppedFields += 1
      return UNREAD
    }
  }

  /** `"key":value` of `source[key]`, or '' when there is nothing to write. */
  encodeMember(source: object, key: string, paths: Paths): string {
    if (!takeKey(key)) return ''
    const known = this.known(key)
    if (known.isHidden) return this.#dropped()
    const json = this.encodeProperty(source, key, this.isSecret(source, known), paths)
    return json === undefined ? '' : known.member + json
  }

  /** The label and the value of `source[key]` at the top of a line, or '' when there is nothing to write. */
  encodeField(source: object, key: string, known: KnownKey): string {
    if (!takeKey(key)) return ''
    if (known.isHidden) return this.#dropped()
    const json = this.encodeProperty(source, key, this.isSecret(source, known), this.redactor.paths)
    return json === undefined ? '' : known.label + json
  }

  /** `source[key]` at the top of a line, read once: its JSON, or the members of an error. `undefined` for neither. */
  encodeTop(source: object, key: string, known: KnownKey): string | Member[] | undefined {
    if (!takeKey(key)) return undefined
    if (known.isHidden) {
      this.#dropped()
      return undefined
    }
    const { paths } = this.redactor
    const inner = paths === undefined ? undefined : step(paths, key)
    const value = this.#read(source, key)
    if (value === UNREAD) return UNREADABLE
    if (this.#hides(value, this.isSecret(source, known), inner)) return this.#censor
    if (typeof value !== 'object' || !isError(value) || this.#ancestors.includes(value)) {
      return this.encode(value, inner)
    }
    this.#ancestors.push(value)
    try {
      return errorMembers(this, value, inner)
    } catch {
      stats.droppedFields += 1
      return UNREADABLE
    } finally {
      this.#ancestors.pop()
    }
  }

  /** What there is to know about a key. */
  known(key: string): KnownKey {
    return this.#keys.of(key)
  }

  /** Whether the value of a key is secret: by the key, or by a name that stands beside it. */
  isSecret(source: object, { secret, nameKeys }: KnownKey): boolean {
    if (secret || nameKeys === undefined) return secret
    try {
      return isNamedSecret(source, nameKeys, this.redactor)
    } catch {
      return true
    }
  }

  #dropped(): string {
    stats.droppedFields += 1
    return ''
  }

  /** Whether the rules hide a value; that there is none is no secret. */
  #hides(value: unknown, secret: boolean, paths: Paths): boolean {
    if (value === undefined || value === null) return false
    return secret || (paths !== undefined && isPathEnd(paths))
  }

  #enter(value: object, paths: Paths): string {
    const ancestors = this.#ancestors
    if (ancestors.includes(value)) return '"[circular]"'
    if (ancestors.length >= MAX_DEPTH) {
      stats.truncatedValues += 1
      return '"[too deep]"'
    }
    ancestors.push(value)
    try {
      return this.#object(value, paths)
    } catch {
      stats.droppedFields += 1
      return UNREADABLE
    } finally {
      ancestors.pop()
    }
  }

  #object(value: object, paths: Paths): string {
    if (Array.isArray(value)) return this.#list(value, value.length, paths)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && (prototype !== null || types.isNativeError(value))) {
      if (isError(value)) return joinMembers(errorMembers(this, value, paths))
      const special = this.#special(value, paths)
      if (special !== undefined) return special
    }
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') {
      const plain: unknown = Reflect.apply(toJSON, value, [''])
      if (plain !== value) return this.encode(plain, paths) ?? 'null'
    }
    return this.#record(value, paths)
  }

  /** Built-in objects whose content is not in their properties. */
  #special(value: object, paths: Paths): string | undefined {
    if (types.isDate(value)) {
      const time = Date.prototype.getTime.call(value)
      return Number.isNaN(time) ? '"Invalid Date"' : `"${new Date(time).toISOString()}"`
    }
    if (types.isMap(value)) return this.#pairs(value as ReadonlyMap<unknown, unknown>, paths)
    if (types.isSet(value)) return this.#list(firstItems(value as ReadonlySet<unknown>), value.size, paths)
    if (value instanceof Headers || value instanceof URLSearchParams) return this.#pairs(value, paths)
    const summary = summarise(value)
    return summary === undefined ? undefined : this.encode(summary, paths)
  }

  #list(items: readonly unknown[], length: number, paths: Paths): string {
    let json = ''
    let shown = 0
    // Names and values take turns in a list of even length only.
    const mayName = length % 2 === 0 && this.redactor.hasKeys
    const isPair = mayName && length === 2 && isList(this.#ancestors.at(-2))
    let secret = false
    while (shown < length && shown < MAX_MEMBERS && takeItem()) {
      if (shown > 0) json += ','
      const key = String(shown)
      const inner = paths === undefined ? undefined : step(paths, key)
      const item = this.#read(items, key)
      json +=
        item === UNREAD
          ? UNREADABLE
          : this.#hides(item, secret, inner)
            ? this.#censor
            : (this.encode(item, inner) ?? 'null')
      secret = mayName && shown % 2 === 0 && namesSecret(item, isPair, this.redactor)
      shown += 1
    }
    if (shown < length) {
      stats.truncatedValues += 1
      json += `${shown === 0 ? '' : ','}"[+${length - shown} items]"`
    }
    return `[${json}]`
  }

  #record(value: object, paths: Paths): string {
    let json = ''
    let shown = 0
    for (const key in value) {
      if (!hasOwnProperty.call(value, key)) continue
      if (shown >= MAX_MEMBERS) {
        stats.truncatedValues += 1
        if (!Object.hasOwn(value, '[more]')) json += `${json === '' ? '' : ','}"[more]":true`
        break
      }
      shown += 1
      const member = this.encodeMember(value, key, paths)
      if (member !== '') json += json === '' ? member : `,${member}`
    }
    return `{${json}}`
  }

  /** An object when its keys are distinct strings, else the list of the pairs. */
  #pairs(entries: Iterable<readonly [unknown, unknown]>, paths: Paths): string {
    const items = firstItems(entries)
    const keys = new Set(items.map(([key]) => key))
    if (keys.size < items.length || !items.every(([key]) => typeof key === 'string')) {
      return this.#list(
        items.map(([key, item]) => (typeof key === 'string' ? { [key]: item } : [key, item])),
        items.length,
        paths,
      )
    }
    const record: Record<string, unknown> = Object.create(null)
    for (const [key, item] of items) record[String(key)] = item
    return this.#record(record, paths)
  }
}

function isList(value: unknown): boolean {
  return Array.isArray(value) || types.isSet(value)
}

/** As much of an iterable as can be shown, and one more to tell that there is more. */
function firstItems<T>(items: Iterable<T>): T[] {
  const first: T[] = []
  for (const item of items) {
    first.push(item)
    if (first.length > MAX_MEMBERS) break
  }
  return first
}

function functionName(fn: Function): string {
  try {
    const name: unknown = fn.name
    return typeof name === 'string' && name !== '' ? name : 'anonymous'
  } catch {
    return 'anonymous'
  }
}
