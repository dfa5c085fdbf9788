/**
 * A map that forgets: it holds so many entries, and gives up the one that was put in longest ago for a new one.
 */

/** Values by key, at most `limit` of them. */
export class Remembered<V> {
  readonly #limit: number
  readonly #values = new Map<string, V>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Remembers a value, as the newest one. */
  put(key: string, value: V): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#limit) return
    const [oldest] = this.#values.keys()
    if (oldest !== undefined) this.#values.delete(oldest)
  }

  /** The value of a key, which is remembered no longer. */
  take(key: string): V | undefined {
    const value = this.#values.get(key)
    this.#values.delete(key)
    return value
  }

  /** Forgets everything. */
  clear(): void {
    this.#values.clear()
  }
}
