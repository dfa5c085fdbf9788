// Names of keys with `*` at an end, compared as people spell them: `api_key`, `apiKey`, `X-Api-Key`, `api key`.

const MAX_REMEMBERED = 1024
const MAX_REMEMBERED_LENGTH = 64
/** What does not count in a name. */
const SEPARATORS = /[-_. [\]]/g

/** A set of names. */
export class KeyPatterns {
  /** Whether there is no name, so that nothing matches. */
  readonly isEmpty: boolean
  readonly #names = new Set<string>()
  /** By their last unit. */
  readonly #ends = new Map<number, string[]>()
  readonly #starts: string[] = []
  readonly #parts: string[] = []
  /** The last two units of all names, as one number; undefined where a name may end with anything. */
  readonly #lasts: ReadonlySet<number> | undefined
  readonly #remembered = new Map<string, boolean>()

  constructor(patterns: readonly string[]) {
    this.isEmpty = patterns.length === 0
    const lasts = new Set<number>()
    for (const pattern of patterns) {
      const isEnd = pattern.startsWith('*')
      const isStart = pattern.endsWith('*')
      const name = normalise(pattern.slice(isEnd ? 1 : 0, isStart && pattern.length > 1 ? -1 : undefined))
      const last = name.charCodeAt(name.length - 1)
      lasts.add(pairOf(name.charCodeAt(name.length - 2), last))
      if ((isEnd && isStart) || (isEnd && name === '')) this.#parts.push(name)
      else if (isEnd) this.#ends.set(last, [...(this.#ends.get(last) ?? []), name])
      else if (isStart) this.#starts.push(name)
      else this.#names.add(name)
    }
    const isAny = this.#starts.length + this.#parts.length > 0 || lasts.has(NaN)
    this.#lasts = isAny ? undefined : lasts
  }

  /** Whether a name can end with two letters or digits, given in lower case. */
  mayEndWith(before: number, last: number): boolean {
    return this.#lasts?.has(pairOf(before, last)) ?? true
  }

  /** Whether a key has one of the names. Answers for keys of usual length are remembered, the latest 1,024 of them. */
  match(key: string): boolean {
    const remembered = this.#remembered.get(key)
    if (remembered !== undefined) return remembered
    const matches = this.#matchNew(normalise(key))
    if (key.length <= MAX_REMEMBERED_LENGTH) {
      // Texts bring names that are not met again.
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
      this.#remembered.set(key, matches)
    }
    return matches
  }

  #matchNew(name: string): boolean {
    return (
      this.#names.has(name) ||
      this.#ends.get(name.charCodeAt(name.length - 1))?.some((end) => name.endsWith(end)) === true ||
      this.#starts.some((start) => name.startsWith(start)) ||
      this.#parts.some((part) => name.includes(part))
    )
  }
}

function pairOf(before: number, last: number): number {
  return before * 65_536 + last
}

function normalise(key: string): string {
  return key.replaceAll(SEPARATORS, '').toLowerCase()
}
