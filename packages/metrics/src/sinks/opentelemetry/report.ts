/**
 * The report of one instrument to one reader, collection after collection.
 */

import type { HistogramSeries, NumberSeries, SourceInstrument } from '../../sink.ts'
import { finite } from '../../snapshot.ts'
import { explicitBuckets, exponentialBuckets } from './buckets.ts'
import { descriptorOf, explicitValue, exponentialValue, Point } from './data.ts'
import { CounterStream, HistogramStream, type Stream } from './stream.ts'
import type { Temporality } from './temporality.ts'
import type { OtelDataPoint, OtelMetricData } from './types.ts'

/** When a collection takes place and when the one before did, in milliseconds since the Unix epoch. */
export interface Times {
  readonly since: number
  readonly now: number
}

/** Tells what is due; `hidden` when the filter blocks the instrument, so that only the rest is. */
export type Report = (times: Times, hidden: boolean) => OtelMetricData

/** Begins the reports of an instrument. */
export function beginReport(
  instrument: SourceInstrument,
  temporality: Temporality,
  buckets: 'native' | 'classic',
): Report {
  const descriptor = descriptorOf(instrument)
  if (instrument.kind === 'gauge') {
    return ({ now }, hidden) => {
      const dataPoints = (hidden ? [] : instrument.series()).map(
        (series) => new Point(instrument, series, finite(series.value), series.startTime, now),
      )
      return { descriptor, aggregationTemporality: 1, dataPointType: 2, dataPoints }
    }
  }
  if (instrument.kind === 'counter') {
    const aggregationTemporality = temporality.counter
    const begin = (series: NumberSeries): CounterStream => new CounterStream(series)
    const streams = new Streams(instrument, aggregationTemporality, begin, same)
    return (times, hidden) => {
      const dataPoints = streams.points(hidden ? [] : instrument.series(), times)
      return { descriptor, aggregationTemporality, dataPointType: 3, isMonotonic: true, dataPoints }
    }
  }
  const aggregationTemporality = temporality.histogram
  if (instrument.native && buckets === 'native') {
    const streams = new Streams(
      instrument,
      aggregationTemporality,
      (series: HistogramSeries) => new HistogramStream(series, exponentialBuckets),
      (portion) => exponentialValue(instrument, portion),
    )
    return (times, hidden) => {
      const dataPoints = streams.points(hidden ? [] : instrument.series(), times)
      return { descriptor, aggregationTemporality, dataPointType: 1, dataPoints }
    }
  }
  const kind = explicitBuckets(instrument)
  const streams = new Streams(
    instrument,
    aggregationTemporality,
    (series: HistogramSeries) => new HistogramStream(series, kind),
    (portion) => explicitValue(instrument, portion),
  )
  return (times, hidden) => {
    const dataPoints = streams.points(hidden ? [] : instrument.series(), times)
    return { descriptor, aggregationTemporality, dataPointType: 0, dataPoints }
  }
}

function same<V>(value: V): V {
  return value
}

/**
 * The streams of one instrument. They are found by the identity of their series, and live as long: a series that was
 * out of sight and comes back goes on where it was.
 */
class Streams<S extends NumberSeries | HistogramSeries, V, O> {
  readonly #instrument: SourceInstrument
  readonly #delta: boolean
  readonly #begin: (series: S) => Stream<V>
  readonly #convert: (value: V) => O
  readonly #streams = new WeakMap<S, Stream<V>>()
  #shown: readonly S[] = []
  /** Those out of sight. Weak: into what is gone for good nothing can be recorded any more. */
  readonly #departed = new Set<WeakRef<S>>()
  /** Those of which something was recalled, so that they are not gone for good before it is told again. */
  readonly #owed = new Set<S>()

  constructor(
    instrument: SourceInstrument,
    temporality: 0 | 1,
    begin: (series: S) => Stream<V>,
    convert: (value: V) => O,
  ) {
    this.#instrument = instrument
    this.#delta = temporality === 0
    this.#begin = begin
    this.#convert = convert
  }

  /** The points of the series in sight, and of those out of sight into which something was recorded. */
  points(series: readonly S[], times: Times): OtelDataPoint<O>[] {
    const points: OtelDataPoint<O>[] = []
    this.#owed.clear()
    if (series !== this.#shown) this.#depart(series)
    for (const one of series) this.#tell(one, false, times, points)
    for (const reference of this.#departed) {
      const one = reference.deref()
      if (one === undefined) this.#departed.delete(reference)
      else this.#tell(one, true, times, points)
    }
    return points
  }

  #depart(series: readonly S[]): void {
    const present = new Set(series)
    for (const reference of this.#departed) {
      const one = reference.deref()
      if (one !== undefined && present.has(one)) this.#departed.delete(reference)
    }
    for (const one of this.#shown) if (!present.has(one)) this.#departed.add(new WeakRef(one))
    this.#shown = series
  }

  #tell(series: S, isGone: boolean, { since, now }: Times, points: OtelDataPoint<O>[]): void {
    let stream = this.#streams.get(series)
    if (stream === undefined) this.#streams.set(series, (stream = this.#begin(series)))
    const told = this.#delta ? stream.difference(now) : stream.total(since, isGone)
    if (told === undefined) return
    const { start, value, recall } = told
    const takeBack =
      recall &&
      ((): void => {
        recall()
        this.#owed.add(series)
      })
    points.push(new Point(this.#instrument, series, this.#convert(value), start, now, takeBack))
  }
}
