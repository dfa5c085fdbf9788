/**
 * Arithmetic of exponential buckets: copies that do not change any more, and what one holds more than another. Buckets
 * of different scales are compared at the coarser one, as the OpenTelemetry data model says ("Exponential Scale"):
 * there, bucket `i` of scale `s` lies within bucket `i >> 1` of scale `s - 1`.
 */

import type { ExponentialBuckets } from '../../sink.ts'

/** Neighbouring buckets; none at all when `bucketCounts` is empty. */
export interface Buckets {
  readonly offset: number
  readonly bucketCounts: number[]
}

/** The observations of one series at one time, or between two. */
export interface Distribution {
  readonly scale: number
  readonly zeroCount: number
  readonly positive: Buckets
  readonly negative: Buckets
}

/** Copies the buckets as they are now. */
export function copyBuckets({ scale, zeroCount, positive, negative }: ExponentialBuckets): Distribution {
  return {
    scale,
    zeroCount,
    positive: { offset: positive.offset, bucketCounts: positive.counts() },
    negative: { offset: negative.offset, bucketCounts: negative.counts() },
  }
}

/** How many observations there are. */
export function countOf({ zeroCount, positive, negative }: Distribution): number {
  const add = (sum: number, count: number): number => sum + count
  return positive.bucketCounts.reduce(add, negative.bucketCounts.reduce(add, zeroCount))
}

/** What `whole` holds beyond `part`, at the coarser of their scales. */
export function without(whole: Distribution, part: Distribution): Distribution {
  const scale = Math.min(whole.scale, part.scale)
  const difference = (from: Buckets, what: Buckets): Buckets =>
    subtract(coarsen(from, whole.scale - scale), coarsen(what, part.scale - scale))
  return {
    scale,
    zeroCount: whole.zeroCount - part.zeroCount,
    positive: difference(whole.positive, part.positive),
    negative: difference(whole.negative, part.negative),
  }
}

function coarsen({ offset, bucketCounts }: Buckets, by: number): Buckets {
  if (by === 0 || bucketCounts.length === 0) return { offset, bucketCounts }
  const first = offset >> by
  const merged = Array.from({ length: ((offset + bucketCounts.length - 1) >> by) - first + 1 }, () => 0)
  bucketCounts.forEach((count, i) => {
    const at = ((offset + i) >> by) - first
    merged[at] = merged[at]! + count
  })
  return { offset: first, bucketCounts: merged }
}

/** Empty buckets at either end are left out, so that a short interval is a short message. */
function subtract(from: Buckets, what: Buckets): Buckets {
  const counts = from.bucketCounts.map(
    (count, i) => count - (what.bucketCounts[i + from.offset - what.offset] ?? 0),
  )
  const first = counts.findIndex((count) => count !== 0)
  if (first < 0) return { offset: 0, bucketCounts: [] }
  const end = counts.findLastIndex((count) => count !== 0) + 1
  return { offset: from.offset + first, bucketCounts: counts.slice(first, end) }
}
