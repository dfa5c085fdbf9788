/**
 * Sums of exponential buckets. Where scales differ, the finer ones are merged by twos until they agree, which is
 * exact: no observation changes the bucket it would have been in had one process seen them all.
 */

import { finestScale, maxBuckets } from '../exponential.ts'
import type { ExponentialBuckets, ExponentialRange } from '../sink.ts'

/** Exponential buckets as plain data; `min > max` while there is no observation. */
export interface ExponentialData {
  readonly scale: number
  readonly zeroCount: number
  readonly min: number
  readonly max: number
  readonly positive: RangeData
  readonly negative: RangeData
}

/** Neighbouring buckets: the index of the first, and the number of observations in each. */
export interface RangeData {
  readonly offset: number
  readonly counts: readonly number[]
}

/** A sum of exponential buckets, of at most 160 each side. */
export class ExponentialSum implements ExponentialBuckets {
  scale: number = finestScale
  zeroCount: number = 0
  min: number = Infinity
  max: number = -Infinity
  readonly positive: SumRange = new SumRange()
  readonly negative: SumRange = new SumRange()

  /** Adds what `data` counted. */
  add(data: ExponentialData): void {
    this.zeroCount += data.zeroCount
    if (data.min < this.min) this.min = data.min
    if (data.max > this.max) this.max = data.max
    if (data.scale < this.scale) this.#coarsen(this.scale - data.scale)
    this.#addRange(this.positive, data.positive, data.scale)
    this.#addRange(this.negative, data.negative, data.scale)
  }

  #addRange(range: SumRange, { offset, counts }: RangeData, scale: number): void {
    for (const [i, count] of counts.entries()) {
      if (count === 0) continue
      const excess = range.excess(coarser(offset + i, scale - this.scale))
      if (excess > 0) this.#coarsen(excess)
      range.add(coarser(offset + i, scale - this.scale), count)
    }
  }

  #coarsen(by: number): void {
    this.scale -= by
    this.positive.coarsen(by)
    this.negative.coarsen(by)
  }
}

/** Buckets by index. */
class SumRange implements ExponentialRange {
  #counts = new Map<number, number>()
  #low = 0
  #high = -1

  get offset(): number {
    return this.#counts.size === 0 ? 0 : this.#low
  }

  counts(): number[] {
    const size = this.#counts.size === 0 ? 0 : this.#high - this.#low + 1
    return Array.from({ length: size }, (_, i) => this.#counts.get(this.#low + i) ?? 0)
  }

  /** How many times neighbours have to be merged so that the index finds its place. */
  excess(index: number): number {
    if (this.#counts.size === 0) return 0
    const low = Math.min(this.#low, index)
    const high = Math.max(this.#high, index)
    let by = 0
    while (coarser(high, by) - coarser(low, by) >= maxBuckets) by++
    return by
  }

  add(index: number, count: number): void {
    const isFirst = this.#counts.size === 0
    this.#low = isFirst ? index : Math.min(this.#low, index)
    this.#high = isFirst ? index : Math.max(this.#high, index)
    this.#counts.set(index, (this.#counts.get(index) ?? 0) + count)
  }

  coarsen(by: number): void {
    const before = this.#counts
    this.#counts = new Map()
    for (const [index, count] of before) this.add(coarser(index, by), count)
  }
}

/** The index of a bucket after neighbours were merged so many times. A shift would take that modulo 32. */
function coarser(index: number, by: number): number {
  return Math.floor(index / 2 ** by)
}

/** Copies buckets. */
export function copyExponential(buckets: ExponentialBuckets): ExponentialData {
  const { scale, zeroCount, min, max, positive, negative } = buckets
  return {
    scale,
    zeroCount,
    min,
    max,
    positive: { offset: positive.offset, counts: positive.counts() },
    negative: { offset: negative.offset, counts: negative.counts() },
  }
}

/**
 * What `now` counted since `before`, which the same cell held earlier; undefined if that cannot be, because a count
 * became smaller or the scale finer. The extremes are those of `now`.
 */
export function exponentialSince(now: ExponentialData, before: ExponentialData): ExponentialData | undefined {
  const by = before.scale - now.scale
  if (by < 0 || now.zeroCount < before.zeroCount) return undefined
  const positive = rangeSince(now.positive, before.positive, by)
  const negative = rangeSince(now.negative, before.negative, by)
  if (positive === undefined || negative === undefined) return undefined
  return { ...now, zeroCount: now.zeroCount - before.zeroCount, positive, negative }
}

function rangeSince(now: RangeData, before: RangeData, by: number): RangeData | undefined {
  const counts = [...now.counts]
  for (const [i, count] of before.counts.entries()) {
    if (count === 0) continue
    const at = coarser(before.offset + i, by) - now.offset
    const left = (counts[at] ?? -1) - count
    if (!(left >= 0)) return undefined
    counts[at] = left
  }
  return { offset: now.offset, counts }
}
