/**
 * Snapshots: everything that was recorded, as frozen plain data that survives JSON.
 */

import { clock } from '@kit/context'
import type { InstrumentKind, Unit } from './naming.ts'
import type {
  ExponentialBuckets,
  ExponentialRange,
  MetricSource,
  NumberSeries,
  SourceHistogram,
  SourceInstrument,
} from './sink.ts'

/** All series at one moment. */
export interface Snapshot {
  /** When it was taken, in milliseconds since the Unix epoch. */
  readonly time: number
  /** In order of declaration; instruments that the filter blocks are left out. */
  readonly metrics: readonly MetricSnapshot[]
}

/** One instrument; `kind` tells what its series hold. */
export type MetricSnapshot = NumberSnapshot | HistogramSnapshot

/** A counter or a gauge. */
export interface NumberSnapshot {
  readonly name: string
  readonly kind: Exclude<InstrumentKind, 'histogram'>
  /** '' when none was given. */
  readonly unit: Unit | ''
  /** '' when none was given. */
  readonly help: string
  readonly series: readonly NumberPoint[]
}

/** A histogram. */
export interface HistogramSnapshot {
  readonly name: string
  readonly kind: 'histogram'
  /** '' when none was given. */
  readonly unit: Unit | ''
  /** '' when none was given. */
  readonly help: string
  /** Upper bounds of the buckets, inclusive; there is one more bucket above the last. */
  readonly bounds: readonly number[]
  readonly series: readonly HistogramPoint[]
}

/** The value of one series. */
export interface NumberPoint {
  /** Labels that are absent ('') are left out. */
  readonly labels: Readonly<Record<string, string>>
  /** When the series came to be, in milliseconds since the Unix epoch. */
  readonly startTime: number
  /** Finite: what left the range of doubles by adding up is shown as the largest double. */
  readonly value: number
}

/** The distribution of one series. */
export interface HistogramPoint {
  /** Labels that are absent ('') are left out. */
  readonly labels: Readonly<Record<string, string>>
  /** When the series came to be, in milliseconds since the Unix epoch. */
  readonly startTime: number
  readonly count: number
  /** Finite: what left the range of doubles by adding up is shown as the largest double. */
  readonly sum: number
  /** Observations in each bucket alone, one more than there are bounds. */
  readonly buckets: readonly number[]
  /** The exponential buckets of a `native` histogram. */
  readonly exponential?: ExponentialPoint
}

/** Exponential buckets as plain data; see `ExponentialBuckets`. */
export interface ExponentialPoint {
  readonly scale: number
  readonly zeroCount: number
  readonly positive: { readonly offset: number; readonly counts: readonly number[] }
  readonly negative: { readonly offset: number; readonly counts: readonly number[] }
  /** The smallest and the largest observation; absent while there is none. */
  readonly min?: number
  readonly max?: number
}

/** Collects and copies everything that `source` reports. Costs time and memory in proportion to the series. */
export function takeSnapshot(source: MetricSource): Snapshot {
  source.collect()
  const metrics = source.instruments().map(copyInstrument)
  return Object.freeze({ time: clock.wallTime(), metrics: Object.freeze(metrics) })
}

/** The labels of a series as an object, without those that are absent. */
export function labelsOf(
  labelNames: readonly string[],
  labelValues: readonly string[],
): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {}
  labelNames.forEach((name, i) => {
    const value = labelValues[i]
    if (value !== undefined && value !== '') labels[name] = value
  })
  return Object.freeze(labels)
}

/**
 * A number as JSON can hold it: sums that left the range of doubles become the largest one, NaN becomes 0, and so
 * does -0.
 */
export function finite(value: number): number {
  if (Number.isFinite(value)) return value + 0
  return Number.isNaN(value) ? 0 : Math.sign(value) * Number.MAX_VALUE
}

function copyInstrument(instrument: SourceInstrument): MetricSnapshot {
  const { name, kind, unit, help } = instrument
  if (kind === 'histogram') {
    const series = Object.freeze(copyHistograms(instrument))
    return Object.freeze({ name, kind, unit, help, bounds: instrument.bounds, series })
  }
  const points = instrument.series().map((series) => copyNumber(instrument.labelNames, series))
  return Object.freeze({ name, kind, unit, help, series: Object.freeze(points) })
}

function copyNumber(
  labelNames: readonly string[],
  { labelValues, startTime, value }: NumberSeries,
): NumberPoint {
  return Object.freeze({ labels: labelsOf(labelNames, labelValues), startTime, value: finite(value) })
}

function copyHistograms(instrument: SourceHistogram): HistogramPoint[] {
  return instrument.series().map((series) => {
    const buckets = Array.from({ length: instrument.bounds.length + 1 }, (_, i) => series.bucketCount(i))
    const { exponential } = series
    return Object.freeze({
      labels: labelsOf(instrument.labelNames, series.labelValues),
      startTime: series.startTime,
      count: series.count,
      sum: finite(series.sum),
      buckets: Object.freeze(buckets),
      ...(exponential === undefined ? {} : { exponential: copyExponential(exponential) }),
    })
  })
}

function copyExponential({
  scale,
  zeroCount,
  positive,
  negative,
  min,
  max,
}: ExponentialBuckets): ExponentialPoint {
  const copy = (range: ExponentialRange): ExponentialPoint['positive'] =>
    Object.freeze({ offset: range.offset, counts: Object.freeze(range.counts()) })
  const limits = min <= max ? { min, max } : {}
  return Object.freeze({ scale, zeroCount, positive: copy(positive), negative: copy(negative), ...limits })
}
