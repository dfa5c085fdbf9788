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
  readonly #ends: string[] = []
  readonly #starts: string[] = []
  readonly #parts: string[] = []
  readonly #remembered = new Map<string, boolean>()

  constructor(patterns: readonly string[]) {
    this.isEmpty = patterns.length === 0
    for (const pattern of patterns) {
      const isEnd = pattern.startsWith('*')
      const isStart = pattern.endsWith('*')
      const name = normalise(pattern.slice(isEnd ? 1 : 0, isStart && pattern.length > 1 ? -1 : undefined))
      if (isEnd && isStart) this.#parts.push(name)
      else if (isEnd) this.#ends.push(name)
      else if (isStart) this.#starts.push(name)
      else this.#names.add(name)
    }
  }

  /** Whether a key has one of the names. Answers for keys of usual length are remembered, 1,024 of them. */
  match(key: string): boolean {
    const remembered = this.#remembered.get(key)
    if (remembered !== undefined) return remembered
    const matches = this.#matchNew(normalise(key))
    if (key.length <= MAX_REMEMBERED_LENGTH && this.#remembered.size < MAX_REMEMBERED) {
      this.#remembered.set(key, matches)
    }
    return matches
  }

  #matchNew(name: string): boolean {
    return (
      this.#names.has(name) ||
      this.#ends.some((end) => name.endsWith(end)) ||
      this.#starts.some((start) => name.startsWith(start)) ||
      this.#parts.some((part) => name.includes(part))
    )
  }
}

function normalise(key: string): string {
  return key.replaceAll(SEPARATORS, '').toLowerCase()
}
