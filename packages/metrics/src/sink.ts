/**
 * The border between recording and reporting. A sink reads cells; cells know no sink. All that a sink may rely
 * on is here: instruments with their series, direct reads of cumulative numbers, and a tap for the few sinks
 * that need every single observation.
 */

import type { DropReason } from './drops.ts'
import type { Unit } from './naming.ts'

/**
 * A destination of metrics. `start` is called once, by `attach`; it must not throw for anything but a mistake in
 * setting up. `flush` delivers what is due now; `stop` delivers the rest and ends all timers. Both get the time
 * they may take in milliseconds (0 when nobody waits, Infinity when there is no limit), and a rejection or a delay
 * of one sink never touches another.
 */
export interface Sink {
  /** For messages and for the label `sink` of `kit.metrics.sink.errors`. */
  readonly name: string
  start(source: MetricSource): void
  flush?(timeoutMs: number): Promise<void>
  stop?(timeoutMs: number): Promise<void>
}

/** What a sink reads. Everything but {@link MetricSource.collect} is free of side effects. */
export interface MetricSource {
  /** Asks the observables for their values. Call it before reading; it runs user code but never throws. */
  collect(): void
  /** The instruments to report now, in order of registration; those that the filter blocks are left out. */
  instruments(): readonly SourceInstrument[]
  /**
   * True once the metrics are shut down: recordings go nowhere and observables are asked no more, so the numbers
   * are final. A sink that is read may go on showing them after `stop`.
   */
  readonly ended: boolean
  /** Changes whenever an instrument or a series appears or vanishes or the filter changes. */
  readonly generation: number
  /**
   * Sends every observation of every histogram series, present and future, to the tap that `make` returns for
   * it. Costs each observation one virtual call while installed, and nothing once the returned function ran.
   */
  tap(make: (instrument: SourceHistogram, series: HistogramSeries) => Tap): () => void
  /** Counts something that the sink had to drop in `kit.metrics.dropped`. */
  drop(reason: DropReason, amount?: number): void
}

/** Receives the raw observations of one histogram series. It must be quick, bounded, and must not throw. */
export interface Tap {
  observe(value: number): void
}

/** What a sink may ask of any instrument. `kind` tells which series it has. */
export type SourceInstrument = SourceCounter | SourceGauge | SourceHistogram

/** A counter as sinks see it. */
export interface SourceCounter extends Described {
  readonly kind: 'counter'
  series(): readonly NumberSeries[]
}

/** A gauge as sinks see it. */
export interface SourceGauge extends Described {
  readonly kind: 'gauge'
  series(): readonly NumberSeries[]
}

/** A histogram as sinks see it. */
export interface SourceHistogram extends Described {
  readonly kind: 'histogram'
  /** Upper bounds of the buckets, ascending and inclusive, without the last one, which is +Infinity. */
  readonly bounds: readonly number[]
  /** Whether its series have exponential buckets beside these. */
  readonly native: boolean
  series(): readonly HistogramSeries[]
}

/**
 * What describes an instrument. `series()` returns an array that is never modified: after a change it is another
 * one, with the same objects for the same series. So a reader may walk it across turns, and may find state of
 * its own by the identity of a series.
 */
export interface Described {
  /** The logical, dotted name. */
  readonly name: string
  /** The unit in UCUM spelling; '' when none was given. */
  readonly unit: Unit | ''
  /** The help text; '' when none was given. */
  readonly help: string
  /** Names of the labels, in the order of every series' `labelValues`. */
  readonly labelNames: readonly string[]
}

/** One series of a counter or a gauge: a live view, to be read at will. */
export interface NumberSeries {
  /** One value for each label name; '' means the label is absent. */
  readonly labelValues: readonly string[]
  /** When the series came to be, in milliseconds since the Unix epoch. */
  readonly startTime: number
  /** The cumulative sum of a counter, the present value of a gauge. */
  readonly value: number
}

/** One series of a histogram: a live view, to be read at will. */
export interface HistogramSeries {
  /** One value for each label name; '' means the label is absent. */
  readonly labelValues: readonly string[]
  /** When the series came to be, in milliseconds since the Unix epoch. */
  readonly startTime: number
  /** The sum of all observations. */
  readonly sum: number
  /** How many observations there were. */
  readonly count: number
  /** Observations in the bucket `index` alone, not in those below; `bounds.length` is the last bucket. */
  bucketCount(index: number): number
  /** The exponential buckets, a live view; undefined unless the instrument is `native`. */
  readonly exponential: ExponentialBuckets | undefined
  /** The latest observation in a bucket that was made within a sampled span, where exemplars are kept. */
  exemplar(index: number): Exemplar | undefined
}

/**
 * Buckets whose bounds are powers of `2 ** 2 ** -scale`: bucket `i` of the positive ones holds what is above
 * `base ** (offset + i)` and not above `base ** (offset + i + 1)`, the negative ones the same by size. That is the
 * exponential histogram of OpenTelemetry and, with other offsets, the native one of Prometheus.
 */
export interface ExponentialBuckets {
  readonly scale: number
  /** Observations of zero. */
  readonly zeroCount: number
  readonly positive: ExponentialRange
  readonly negative: ExponentialRange
  /** The smallest observation; Infinity when there was none. */
  readonly min: number
  /** The largest observation; -Infinity when there was none. */
  readonly max: number
}

/** Neighbouring exponential buckets. */
export interface ExponentialRange {
  /** The index of the first one; 0 when there are none. */
  readonly offset: number
  /** A copy: the numbers of observations, first bucket first. */
  counts(): number[]
}

/** One observation and the span that it was made in. */
export interface Exemplar {
  readonly value: number
  /** When it was made, in milliseconds since the Unix epoch. */
  readonly time: number
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string
}
