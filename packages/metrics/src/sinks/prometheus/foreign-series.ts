/**
 * What must hold within one series of a foreign registry for a page to show it.
 */

/** The types of metrics that a page of ours can show beside our own. */
export type ForeignType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'unknown'

/** One line of theirs. */
export interface ForeignSample {
  /** What follows the name of the metric: `_bucket`, `_sum`, `_count`, or nothing. */
  readonly suffix: string
  /** In order of their names, without `le` and `quantile`. */
  readonly labels: readonly (readonly [name: string, value: string])[]
  /** What `le` or `quantile` says. */
  readonly bound: number | undefined
  readonly value: number
  readonly exemplar:
    | {
        readonly labels: readonly (readonly [name: string, value: string])[]
        readonly value: number
        /** In milliseconds since the Unix epoch. */
        readonly time: number | undefined
      }
    | undefined
}

/** The samples of a series in the order that a page has them; undefined when they do not fit together. */
export function checkForeignSeries(
  type: ForeignType,
  series: readonly ForeignSample[],
): readonly ForeignSample[] | undefined {
  if (type === 'counter') return series.every(({ value }) => value >= 0) ? series : undefined
  if (type === 'histogram') return checkHistogram(series)
  if (type === 'summary') return checkSummary(series)
  return series
}

function checkHistogram(series: readonly ForeignSample[]): readonly ForeignSample[] | undefined {
  const buckets = series.filter(({ suffix }) => suffix === '_bucket').toSorted(byBound)
  const sum = series.find(({ suffix }) => suffix === '_sum')
  const count = series.find(({ suffix }) => suffix === '_count')
  if (sum === undefined || count === undefined || Number.isNaN(sum.value)) return undefined
  let below = 0
  for (const { value } of buckets) {
    if (!(value >= below && value < Infinity)) return undefined
    below = value
  }
  if (buckets.at(-1)?.bound !== Infinity || count.value !== below) return undefined
  return [...buckets, sum, count]
}

function checkSummary(series: readonly ForeignSample[]): readonly ForeignSample[] | undefined {
  const quantiles = series.filter(({ suffix }) => suffix === '').toSorted(byBound)
  const sum = series.find(({ suffix }) => suffix === '_sum')
  const count = series.find(({ suffix }) => suffix === '_count')
  if (sum === undefined || count === undefined || Number.isNaN(sum.value)) return undefined
  if (!(count.value >= 0 && count.value < Infinity)) return undefined
  return quantiles.every(({ bound }) => bound! >= 0 && bound! <= 1) ? [...quantiles, sum, count] : undefined
}

function byBound(a: ForeignSample, b: ForeignSample): number {
  return a.bound! - b.bound!
}
