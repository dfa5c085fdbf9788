/**
 * What one reader was told of one series: the memory between two collections, from which the next one tells the
 * difference (delta), or from when a total counts (cumulative).
 */

import type { HistogramSeries, NumberSeries } from '../../sink.ts'
import { finite } from '../../snapshot.ts'
import type { BucketKind } from './buckets.ts'

/** What to tell of a series. Times are milliseconds since the Unix epoch. */
export interface Telling<V> {
  readonly start: number
  readonly value: V
  /** Takes it back, as if it had not been told: the next collection tells it again. To be called at most once. */
  readonly recall?: () => void
}

/**
 * The stream of one series. Both methods return undefined where there is nothing to tell: with `ifChanged`, when nothing
 * was recorded since the last collection. A reader uses one of them, always the same.
 */
export interface Stream<V> {
  total(since: number, ifChanged: boolean): Telling<V> | undefined
  difference(now: number): Telling<V> | undefined
}

/**
 * A counter. A total that fell was reset by whoever reports it (an observable): it counts anew since the last
 * collection, which is when it was last seen before.
 */
export class CounterStream implements Stream<number> {
  readonly #series: NumberSeries
  #start: number
  #last: number | undefined
  /**
   * What the differences add up to, with the rounding errors of whoever adds them up. So these errors are made good
   * by the next difference, and do not grow with the number of collections.
   */
  #told = 0
  /** A series without news is told once, so that it is known to be there. */
  #isKnown = false

  constructor(series: NumberSeries) {
    this.#series = series
    this.#start = series.startTime
  }

  total(since: number, ifChanged: boolean): Telling<number> | undefined {
    const value = finite(this.#series.value)
    if (ifChanged && value === this.#last) return undefined
    if (value < (this.#last ?? 0)) this.#start = since
    this.#last = value
    return { start: this.#start, value }
  }

  difference(now: number): Telling<number> | undefined {
    const total = finite(this.#series.value)
    const wasKnown = this.#isKnown
    if (total < (this.#last ?? 0)) this.#told = 0
    this.#last = total
    const start = this.#start
    const value = Math.max(0, total - this.#told)
    this.#start = now
    this.#told += value
    if (value === 0 && wasKnown) return undefined
    this.#isKnown = true
    const recall = (): void => {
      this.#isKnown &&= wasKnown
      this.#told -= value
      this.#start = Math.min(this.#start, start)
    }
    return { start, value, recall }
  }
}

/** A part of a distribution, or all of it. */
export interface Portion<B> {
  readonly buckets: B
  readonly count: number
  readonly sum: number
  /** Undefined where not known. */
  readonly min: number | undefined
  /** Undefined where not known. */
  readonly max: number | undefined
}

/** A histogram with buckets of one kind. */
export class HistogramStream<B> implements Stream<Portion<B>> {
  readonly #series: HistogramSeries
  readonly #kind: BucketKind<B>
  #start: number
  #last: B | undefined
  #count = -1
  #sum = 0
  #min = Infinity
  #max = -Infinity
  #isKnown = false

  constructor(series: HistogramSeries, kind: BucketKind<B>) {
    this.#series = series
    this.#kind = kind
    this.#start = series.startTime
  }

  total(_since: number, ifChanged: boolean): Telling<Portion<B>> | undefined {
    const buckets = this.#kind.read(this.#series)
    const count = this.#kind.count(buckets)
    if (ifChanged && count === this.#count) return undefined
    this.#count = count
    const { min, max } = this.#series.exponential ?? noExtremes
    const known = count > 0 && min <= max
    const portion = { buckets, count, sum: finite(this.#series.sum) }
    return {
      start: this.#start,
      value: { ...portion, min: known ? min : undefined, max: known ? max : undefined },
    }
  }

  difference(now: number): Telling<Portion<B>> | undefined {
    const total = this.#kind.read(this.#series)
    const wasKnown = this.#isKnown
    const buckets = this.#last === undefined ? total : this.#kind.without(total, this.#last)
    this.#last = total
    const start = this.#start
    const count = this.#kind.count(buckets)
    const sum = finite(this.#series.sum) - this.#sum
    // An extreme that moved since the last collection was observed since then; one that stayed says nothing.
    const { min, max } = this.#series.exponential ?? noExtremes
    const extremes = { min: min < this.#min ? min : undefined, max: max > this.#max ? max : undefined }
    this.#start = now
    this.#sum += sum
    this.#min = min
    this.#max = max
    if (count === 0 && wasKnown) return undefined
    this.#isKnown = true
    const recall = (): void => {
      this.#isKnown &&= wasKnown
      this.#last = this.#kind.without(this.#last!, buckets)
      this.#sum -= sum
      this.#start = Math.min(this.#start, start)
    }
    return { start, value: { buckets, count, sum, ...extremes }, recall }
  }
}

const noExtremes = { min: Infinity, max: -Infinity }
