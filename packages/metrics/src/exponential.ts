/**
 * Exponential ("native") buckets: their bounds need not be chosen, because they grow with the values. A histogram
 * begins with the finest ones and merges neighbours by twos when its values spread over more than 160 of them, which
 * keeps the relative error of any quantile below 2.2 % for values within a factor of 500, and memory constant.
 *
 * The mapping is that of the OpenTelemetry data model, "ExponentialHistogram". Cost of an observation: about 25 ns.
 */

import type { ExponentialBuckets, ExponentialRange, Tap } from './sink.ts'

/** The finest scale: bounds 0.00007 % apart. */
export const finestScale = 20
/** How many buckets there may be for positive values, and as many for negative ones. */
export const maxBuckets = 160

/** The exponential buckets of one series. */
export class ExponentialCell implements ExponentialBuckets, Tap {
  scale: number = finestScale
  zeroCount: number = 0
  readonly positive: Range = new Range()
  readonly negative: Range = new Range()
  min: number = Infinity
  max: number = -Infinity

  /** Counts a finite value. */
  observe(value: number): void {
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    if (value === 0) {
      this.zeroCount++
      return
    }
    const range = value > 0 ? this.positive : this.negative
    const index = exponentialIndex(Math.abs(value), this.scale)
    const excess = range.excess(index)
    if (excess > 0) this.#coarsen(excess)
    range.add(index >> excess)
  }

  #coarsen(by: number): void {
    this.scale -= by
    this.positive.coarsen(by)
    this.negative.coarsen(by)
  }
}

/** Up to 160 neighbouring buckets. */
class Range implements ExponentialRange {
  offset: number = 0
  #size = 0
  readonly #counts = new Float64Array(maxBuckets)

  counts(): number[] {
    return Array.from(this.#counts.subarray(0, this.#size))
  }

  /** How many times neighbours have to be merged so that the index finds its place. */
  excess(index: number): number {
    if (this.#size === 0) return 0
    let low = Math.min(this.offset, index)
    let high = Math.max(this.offset + this.#size - 1, index)
    let by = 0
    for (; high - low >= maxBuckets; by++) {
      low >>= 1
      high >>= 1
    }
    return by
  }

  add(index: number): void {
    if (this.#size === 0) this.offset = index
    const before = this.offset - index
    if (before > 0) {
      this.#counts.copyWithin(before, 0, this.#size)
      this.#counts.fill(0, 0, before)
      this.offset = index
      this.#size += before
    }
    const at = index - this.offset
    if (at >= this.#size) this.#size = at + 1
    this.#counts[at] = this.#counts[at]! + 1
  }

  coarsen(by: number): void {
    if (this.#size === 0) return
    const first = this.offset >> by
    for (let i = 0; i < this.#size; i++) {
      const count = this.#counts[i]!
      this.#counts[i] = 0
      const at = ((this.offset + i) >> by) - first
      this.#counts[at] = this.#counts[at]! + count
    }
    this.#size = ((this.offset + this.#size - 1) >> by) - first + 1
    this.offset = first
  }
}

/** How many buckets lie between two powers of two, by scale. */
const widths = Array.from({ length: finestScale + 1 }, (_, scale) => 2 ** scale)

const bits = new Float64Array(1)
const words = new Uint32Array(bits.buffer)
bits[0] = 1
const high = words[1] === 0 ? 0 : 1

/**
 * The bucket of a positive, finite value: the one whose bounds `(base ** i, base ** (i + 1)]` it lies between, with
 * `base = 2 ** 2 ** -scale`. Exact at the powers of two; elsewhere as exact as `Math.log2`.
 */
export function exponentialIndex(value: number, scale: number): number {
  let shift = 0
  bits[0] = value
  if (value < 2 ** -1022) {
    bits[0] = value * 2 ** 52
    shift = 52
  }
  const exponent = (words[high]! >>> 20) - 1023 - shift
  const isPower = (words[high]! & 0xf_ff_ff) === 0 && words[1 - high] === 0
  if (scale <= 0) return (isPower ? exponent - 1 : exponent) >> -scale
  const width = widths[scale]!
  const first = exponent * width
  if (isPower) return first - 1
  // Between two powers of two, whatever the logarithm is rounded to.
  const index = Math.ceil(Math.log2(value) * width) - 1
  return Math.min(Math.max(index, first), first + width - 1)
}
