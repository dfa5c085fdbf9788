/** How fast something grows, and how sure that is. */

/** A slope with the ends of its confidence interval. */
export interface Slope {
  readonly slope: number
  readonly low: number
  readonly high: number
}

/**
 * The straight line through `points` by least squares, with the interval that holds its slope with the probability that
 * belongs to `z` quantiles of the normal distribution (1.96: 95 %), widened for few points as Student's distribution is
 * (Abramowitz and Stegun, 26.7.5).
 */
export function slopeOf(points: readonly (readonly [x: number, y: number])[], z = 1.96): Slope {
  const n = points.length
  const meanX = mean(points.map(([x]) => x))
  const meanY = mean(points.map(([, y]) => y))
  const xx = sum(points.map(([x]) => (x - meanX) ** 2))
  const slope = sum(points.map(([x, y]) => (x - meanX) * (y - meanY))) / xx
  const rest = sum(points.map(([x, y]) => (y - meanY - slope * (x - meanX)) ** 2))
  const half = student(z, n - 2) * Math.sqrt(rest / (n - 2) / xx)
  return { slope, low: slope - half, high: slope + half }
}

function student(z: number, freedom: number): number {
  const first = (z ** 3 + z) / 4
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384
  return z + first / freedom + second / freedom ** 2 + third / freedom ** 3
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

function mean(numbers: readonly number[]): number {
  return sum(numbers) / numbers.length
}
