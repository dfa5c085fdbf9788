// What an encoder knows about keys: how they are written, under which name a field stands in a line, and whether the rules
// hide what stands there. Found out once for each key, since programs use the same ones again and again.

import type { Redactor } from '../redact.ts'
import { isPlain, quote } from './escape.ts'
import { MAX_KEY } from './limits.ts'
import { nameKeysOf } from './pairs.ts'

/** What a key that has been seen before needs no second look at. */
export interface KnownKey {
  /** The key as the member of an object: `"key":`. */
  readonly member: string
  /** The name that the key has at the top of a line. */
  readonly name: string
  /** What comes before the value at the top of a line, in the format's own way. */
  readonly label: string
  /** Whether its value must not be shown. */
  readonly secret: boolean
  /** Where the name of its value may stand, by which that is secret. */
  readonly nameKeys: readonly string[] | undefined
  /** Whether the key holds credentials itself, so that it must not be shown. */
  readonly isHidden: boolean
  /** One of 30 bits, equal for equal names: most sets of names can be told apart by it. */
  readonly bit: number
}

/** What is known of keys that are too long to be written: they cost nothing more than that. */
const LEFT_OUT: KnownKey = Object.freeze({
  member: '',
  name: '',
  label: '',
  secret: true,
  nameKeys: undefined,
  isHidden: true,
  bit: 0,
})

const MAX_KNOWN_KEYS = 1024
const MAX_KNOWN_KEY_LENGTH = 64

/** The keys of one encoder, of which the latest thousand short ones are remembered. */
export class KnownKeys {
  readonly #redactor: Redactor
  readonly #label: (name: string) => string
  readonly #known = new Map<string, KnownKey>()

  /** `label` makes what comes before a value at the top of a line. */
  constructor(redactor: Redactor, label: (name: string) => string) {
    this.#redactor = redactor
    this.#label = label
  }

  of(key: string): KnownKey {
    if (key.length > MAX_KEY) return LEFT_OUT
    const found = this.#known.get(key)
    if (found !== undefined) return found
    const name = fieldName(key)
    const redactor = this.#redactor
    const known = {
      member: `${quote(key)}:`,
      name,
      label: this.#label(name),
      secret: redactor.isSecretKey(key),
      nameKeys: redactor.hasKeys ? nameKeysOf(key) : undefined,
      isHidden: !isPlain(key) && redactor.hideCredentials(key) !== key,
      bit: bitOf(name),
    }
    if (key.length <= MAX_KNOWN_KEY_LENGTH) {
      // Keys may come from outside, and must not use up the room for those of the program.
      if (this.#known.size >= MAX_KNOWN_KEYS) this.#known.clear()
      this.#known.set(key, known)
    }
    return known
  }
}

/** Names that the logger itself writes, which no field can take. */
const RESERVED: ReadonlySet<string> = new Set(['level', 'time', 'logger', 'msg'])

/**
 * The name under which a field is written. A reserved name gets a prefix: `level` becomes `fields.level`, and
 * `fields.level` becomes `fields.fields.level`, so that two never become one.
 */
function fieldName(key: string): string {
  const bare = key.startsWith('fields.') ? key.slice(key.lastIndexOf('fields.') + 'fields.'.length) : key
  return RESERVED.has(bare) ? `fields.${key}` : key
}

function bitOf(name: string): number {
  let hash = 0
  for (let i = 0; i < name.length; i += 1) hash = (hash * 31 + name.charCodeAt(i)) | 0
  return 1 << ((hash >>> 8) % 30)
}
