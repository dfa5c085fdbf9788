/*
 * The few statistics that are needed. Medians and quartiles, because the noise of a shared machine is one-sided: a
 * round is disturbed or it is not, and a mean would carry every disturbance.
 */

/** The middle of a sample and its spread. */
export interface Summary {
  readonly p25: number
  readonly median: number
  readonly p75: number
}

/** The quantile `q` in [0, 1], interpolated between neighbours. NaN of an empty sample. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * q
  const low = sorted[Math.floor(position)]
  const high = sorted[Math.ceil(position)]
  if (low === undefined || high === undefined) return NaN
  return low + (high - low) * (position - Math.floor(position))
}

/** Half of the sample is below, half above. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Undefined of an empty sample. */
export function summarise(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined
  return { p25: quantile(values, 0.25), median: median(values), p75: quantile(values, 0.75) }
}

/**
 * Ratios of two cases within each pass, so that what slows the whole machine for a while cancels out. A pass in
 * which either was disturbed, marked by undefined, gives none.
 */
export function pairedRatios(
  numerators: readonly (number | undefined)[],
  denominators: readonly (number | undefined)[],
): number[] {
  return numerators.flatMap((numerator, pass) => {
    const denominator = denominators[pass]
    return numerator === undefined || denominator === undefined ? [] : [numerator / denominator]
  })
}
