/** How fast something grows, and how sure that is. */

/** A slope with the ends of its confidence interval. */
export interface Slope {
  readonly slope: number
  readonly low: number
  readonly high: number
}

/**
 * The median of the slopes between all pairs of `points`, with the interval that holds the true one in 95 of 100 cases
 * (Theil 1950, Sen 1968). A tenth of the points may lie anywhere: what lives for the moment of a reading, say a table
 * that has just been enlarged, does not pass for growth, nor does it hide any.
 */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope {
  const slopes = points
    .flatMap(([x, y], i) => points.slice(i + 1).map(([nextX, nextY]) => (nextY - y) / (nextX - x)))
    .toSorted((a, b) => a - b)
  const n = points.length
  const deviation = Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)
  const half = (1.96 * deviation) / 2
  const at = (rank: number): number =>
    slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(rank)))] ?? NaN
  const middle = (slopes.length - 1) / 2
  return {
    slope: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    low: at(middle - half),
    high: at(middle + half),
  }
}
