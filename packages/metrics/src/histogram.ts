/**
 * Buckets of histograms: their defaults, their validation, and the exact search for the bucket of a value.
 *
 * The search reads the exponent and the first mantissa bits of the float as an index into a small table, which
 * gives a bucket at or just below the right one, and then compares upwards. The table is made fine enough that
 * one comparison nearly always settles it; the comparison is what makes the result exact.
 */

import type { Drops } from './drops.ts'
import { MetricsError } from './errors.ts'
import type { Unit } from './naming.ts'

/**
 * The default bounds for seconds, and for histograms without a unit: those that the OpenTelemetry semantic
 * conventions advise for `http.server.request.duration`.
 */
export const defaultBuckets: readonly number[] = Object.freeze([
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
])

const byteBuckets: readonly number[] = Object.freeze([
  64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
])

/** The default bounds of the OpenTelemetry SDK specification for values of unknown size. */
const wideBuckets: readonly number[] = Object.freeze([
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000,
])

const maxBuckets = 256

/**
 * The bounds to use: the given ones, checked, or the default for the unit. A final +Infinity is dropped, since
 * every histogram has that bucket. Throws `KIT_METRIC_BUCKETS_INVALID`.
 */
export function resolveBuckets(name: string, buckets: unknown, unit: Unit | ''): readonly number[] {
  if (buckets === undefined) {
    if (unit === '' || unit === 's') return defaultBuckets
    return unit === 'By' ? byteBuckets : wideBuckets
  }
  if (!Array.isArray(buckets)) throw invalid(name, 'must be an array of numbers')
  const bounds: unknown[] = [...(buckets as unknown[])]
  if (bounds.at(-1) === Infinity) bounds.pop()
  if (bounds.length === 0) throw invalid(name, 'need at least one finite bound')
  if (bounds.length > maxBuckets) throw invalid(name, `may be at most ${maxBuckets}`)
  bounds.forEach((bound, i) => {
    if (typeof bound !== 'number' || !Number.isFinite(bound)) throw invalid(name, 'must be finite numbers')
    if (i > 0 && bound <= (bounds[i - 1] as number)) throw invalid(name, 'must ascend without repeating')
  })
  return Object.freeze(bounds.map((bound) => (bound as number) + 0))
}

function invalid(name: string, what: string): MetricsError {
  return new MetricsError('KIT_METRIC_BUCKETS_INVALID', `histogram ${name}: the buckets ${what}`)
}

const bits = new Float64Array(1)
const words = new Int32Array(bits.buffer)
bits[0] = 1
const high = words[1] === 0 ? 0 : 1

/** At most so many entries in a table. */
const maxTable = 1024

/** Finds the bucket of a value: the first whose bound is not below it. */
export class BucketIndex {
  /** The number of finite bounds, which is also the index of the last bucket. */
  readonly size: number
  /** The numbers that a series begins with, to be copied: a zero for each bucket and one for the sum. */
  readonly emptySlots: readonly number[]
  // Not #private: the search is what an observation costs, and reading such fields is a tenth of it.
  private readonly bounds: Float64Array
  private readonly table: Uint16Array
  private readonly shift: number
  private readonly first: number
  private readonly last: number

  constructor(bounds: readonly number[]) {
    this.size = bounds.length
    // Fractions first: an array that begins with small integers is of another kind, and its copies are as well.
    this.emptySlots = Array.from({ length: bounds.length + 2 }, () => 0.5).fill(0)
    this.bounds = Float64Array.of(...bounds, Infinity)
    const positive = bounds.filter((bound) => bound > 0)
    const least = highWord(positive[0] ?? 1)
    const most = highWord(positive.at(-1) ?? 1)
    let shift = 20
    while (
      shift > 8 &&
      sharesSlot(positive, shift) &&
      (most >> (shift - 1)) - (least >> (shift - 1)) < maxTable
    ) {
      shift--
    }
    this.shift = shift
    this.first = least >> shift
    // Values above the table go to its last entry, values below it to its first.
    this.last = (most >> shift) - this.first + 1
    this.table = new Uint16Array(this.last + 1)
    for (let slot = 0; slot < this.last; slot++) {
      const lowest = fromHighWord((slot + this.first) << shift)
      this.table[slot] = slot === 0 ? bounds.length - positive.length : scan(this.bounds, 0, lowest)
    }
    this.table[this.last] = bounds.length
  }

  /** The index of the bucket that holds `value`, which must not be NaN. */
  find(value: number): number {
    if (!(value > 0)) return scan(this.bounds, 0, value)
    bits[0] = value
    let slot = (words[high]! >> this.shift) - this.first
    if (slot < 0) slot = 0
    else if (slot > this.last) slot = this.last
    return scan(this.bounds, this.table[slot]!, value)
  }
}

/** What all series of a histogram have in common. It is one object with the search, or an observation would read two. */
export class HistogramKind extends BucketIndex {
  /** The smallest value that may be observed: where a bound is negative there is none. */
  readonly least: number
  readonly drops: Drops

  constructor(bounds: readonly number[], drops: Drops) {
    super(bounds)
    this.least = bounds[0]! < 0 ? -Number.MAX_VALUE : 0
    this.drops = drops
  }
}

function scan(bounds: Float64Array, from: number, value: number): number {
  let i = from
  while (value > bounds[i]!) i++
  return i
}

function sharesSlot(bounds: readonly number[], shift: number): boolean {
  return bounds.some((bound, i) => i > 0 && highWord(bound) >> shift === highWord(bounds[i - 1]!) >> shift)
}

function highWord(value: number): number {
  bits[0] = value
  return words[high]!
}

function fromHighWord(word: number): number {
  words[high] = word
  words[1 - high] = 0
  return bits[0]!
}
