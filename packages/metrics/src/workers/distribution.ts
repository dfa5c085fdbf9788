/**
 * What a histogram series counted, as numbers: read from a series, written into a report, read from a report that
 * nobody vouches for, and compared with what was counted before.
 */

import type { HistogramSeries } from '../sink.ts'
import { finite } from '../snapshot.ts'
import { finestScale, maxBuckets } from '../exponential.ts'
import { copyExponential, exponentialSince } from './exponential-sum.ts'
import type { ExponentialData, RangeData } from './exponential-sum.ts'
import { NumberReader } from './numbers.ts'

/** The numbers of one histogram series. */
export interface Distribution {
  readonly sum: number
  /** Observations in each bucket alone. */
  readonly buckets: readonly number[]
  /** In the series of a `native` histogram. */
  readonly exponential: ExponentialData | undefined
}

/** Copies a series that has so many buckets. */
export function readSeries(series: HistogramSeries, size: number): Distribution {
  const { exponential } = series
  return {
    sum: finite(series.sum),
    buckets: Array.from({ length: size }, (_, i) => series.bucketCount(i)),
    exponential: exponential && copyExponential(exponential),
  }
}

/** What was observed between `before` and `now`; undefined if these cannot be one series, earlier and later. */
export function since(now: Distribution, before: Distribution): Distribution | undefined {
  const buckets = now.buckets.map((count, i) => count - (before.buckets[i] ?? 0))
  if (buckets.some((count) => !(count >= 0))) return undefined
  let { exponential } = now
  if (exponential !== undefined && before.exponential !== undefined) {
    exponential = exponentialSince(exponential, before.exponential)
    if (exponential === undefined) return undefined
  }
  return { sum: now.sum - before.sum, buckets, exponential }
}

/** The numbers as a report carries them. */
export function toNumbers({ sum, buckets, exponential }: Distribution): number[] {
  if (exponential === undefined) return [sum, ...buckets]
  const { scale, zeroCount, min, max, positive, negative } = exponential
  return [
    sum,
    ...buckets,
    scale,
    zeroCount,
    finite(min),
    finite(max),
    positive.offset,
    positive.counts.length,
    negative.offset,
    negative.counts.length,
    ...positive.counts,
    ...negative.counts,
  ]
}

/** Reads what {@link toNumbers} wrote; undefined if it is anything else. */
export function fromNumbers(
  numbers: ArrayLike<number>,
  start: number,
  end: number,
  size: number,
  native: boolean,
): Distribution | undefined {
  const reader = new NumberReader(numbers, start, end)
  const sum = reader.number()
  const buckets = reader.counts(size)
  const exponential = native ? readExponential(reader) : undefined
  return reader.isDone ? { sum, buckets, exponential } : undefined
}

function readExponential(reader: NumberReader): ExponentialData {
  const scale = reader.integer(-finestScale, finestScale)
  const zeroCount = reader.integer(0)
  const min = reader.number()
  const max = reader.number()
  const positiveOffset = reader.integer(-largestOffset, largestOffset)
  const positiveSize = reader.integer(0, maxBuckets)
  const negativeOffset = reader.integer(-largestOffset, largestOffset)
  const negativeSize = reader.integer(0, maxBuckets)
  const positive: RangeData = { offset: positiveOffset, counts: reader.counts(positiveSize) }
  const negative: RangeData = { offset: negativeOffset, counts: reader.counts(negativeSize) }
  const isEmpty = min > max
  return {
    scale,
    zeroCount,
    min: isEmpty ? Infinity : min,
    max: isEmpty ? -Infinity : max,
    positive,
    negative,
  }
}

/** Beyond it there is no double at any scale; and with it, indexes stay what bit operators can hold. */
const largestOffset = 2 ** 30 + 2 ** 27
