/**
 * Numbers in bulk: a buffer that grows while a report is written, and a reader that trusts nothing.
 */

/** A growing list of doubles. */
export class NumberWriter {
  #numbers = new Float64Array(256)
  length = 0

  push(value: number): void {
    if (this.length === this.#numbers.length) {
      const larger = new Float64Array(this.length * 2)
      larger.set(this.#numbers)
      this.#numbers = larger
    }
    this.#numbers[this.length++] = value
  }

  /** A copy of all, which leaves the list empty. */
  take(): Float64Array<ArrayBuffer> {
    const taken = this.#numbers.slice(0, this.length)
    this.length = 0
    return taken
  }
}

/** Reads a stretch of numbers. After the first that does not fit, all reads give 0 and `isDone` stays false. */
export class NumberReader {
  readonly #numbers: ArrayLike<unknown>
  #at: number
  readonly #end: number
  #failed = false

  constructor(numbers: ArrayLike<unknown>, start: number, end: number) {
    this.#numbers = numbers
    this.#at = start
    this.#end = Math.min(end, numbers.length)
  }

  /** Whether exactly all was read, and all of it fitted. */
  get isDone(): boolean {
    return !this.#failed && this.#at === this.#end
  }

  number(): number {
    const value = this.#at < this.#end ? this.#numbers[this.#at++] : undefined
    if (typeof value === 'number' && Number.isFinite(value)) return value
    this.#failed = true
    return 0
  }

  integer(least: number, most: number = Number.MAX_VALUE): number {
    const value = this.number()
    if (Number.isInteger(value) && value >= least && value <= most) return value
    this.#failed = true
    return 0
  }

  counts(size: number): number[] {
    if (this.#failed || size > this.#end - this.#at) {
      this.#failed = true
      return []
    }
    return Array.from({ length: size }, () => this.integer(0))
  }
}
