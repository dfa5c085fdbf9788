/**
 * The two kinds of buckets that a histogram may be reported with.
 */

import type { HistogramSeries, SourceHistogram } from '../../sink.ts'
import { copyBuckets, countOf, without, type Distribution } from './exponential.ts'

/** Reads buckets of one kind, and does arithmetic on them. */
export interface BucketKind<B> {
  /** A copy of the buckets as they are now. */
  read(series: HistogramSeries): B
  /** How many observations there are. */
  count(buckets: B): number
  /** What `whole` holds beyond `part`. */
  without(whole: B, part: B): B
}

/** Buckets between the bounds that the instrument declares. */
export function explicitBuckets({ bounds }: SourceHistogram): BucketKind<number[]> {
  return {
    read: (series) => Array.from({ length: bounds.length + 1 }, (_, i) => series.bucketCount(i)),
    count: (counts) => counts.reduce((sum, count) => sum + count, 0),
    without: (whole, part) => whole.map((count, i) => count - part[i]!),
  }
}

/** Buckets whose bounds grow with the values; for instruments that are `native`. */
export const exponentialBuckets: BucketKind<Distribution> = {
  read: (series) => copyBuckets(series.exponential!),
  count: countOf,
  without,
}
