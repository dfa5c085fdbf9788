/**
 * Statistics of one series over one interval, in constant memory, by Welford's method: summing squares instead
 * would lose all digits of the deviation when the values are large and close together.
 */

import type { Tap } from '../../sink.ts'

/** A tap that keeps count, sum, extremes, mean and deviation. */
export class Statistics implements Tap {
  count: number = 0
  sum: number = 0
  min: number = Infinity
  max: number = -Infinity
  mean: number = 0
  #squares = 0

  observe(value: number): void {
    this.count++
    this.sum += value
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    const before = value - this.mean
    this.mean += before / this.count
    this.#squares += before * (value - this.mean)
  }

  /** The standard deviation of a sample. */
  get stddev(): number {
    return this.count > 1 ? Math.sqrt(this.#squares / (this.count - 1)) : 0
  }

  /** Starts over. */
  reset(): void {
    this.count = 0
    this.sum = 0
    this.min = Infinity
    this.max = -Infinity
    this.mean = 0
    this.#squares = 0
  }
}
