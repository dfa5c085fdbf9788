/**
 * The facade: what services call to declare instruments, record into them, and attach sinks.
 */

import { findOtelSpan, type FindSpan } from './exemplars.ts'
import { Facade } from './facade.ts'
import type { MetricFilter } from './filter.ts'
import type { Counter, Gauge, Histogram } from './instrument.ts'
import type { Labels } from './labels.ts'
import { checkPrefix, type Unit } from './naming.ts'
import { checkBoolean, checkInteger, checkOptions } from './options.ts'
import type { Observation } from './observables.ts'
import type { Sink } from './sink.ts'
import type { Snapshot } from './snapshot.ts'

/** Limits of one `Metrics`. */
export interface MetricsOptions {
  /** Begins the name of every instrument, 'shop' for `shop.orders`; none by default. Filters do not see it. */
  readonly prefix?: string | undefined
  /** How many series an instrument may have unless its own `maxSeries` says otherwise; 2,000 by default. */
  readonly maxSeries?: number | undefined
  /** How many series with labels all instruments may have together; 50,000 by default. */
  readonly maxTotalSeries?: number | undefined
  /** The filter to begin with; everything is recorded by default. */
  readonly filter?: MetricFilter | undefined
  /**
   * Whether histograms keep exemplars: false by default; true takes them from OpenTelemetry's active span, where it is
   * sampled; a function finds the span in the ambient context. They cost an observation about 20 ns outside of
   * sampled spans, and 160 ns inside.
   */
  readonly exemplars?: boolean | FindSpan | undefined
}

/** What describes an instrument. */
export interface InstrumentSpec<L extends string = never> {
  /** One sentence for people. */
  readonly help?: string | undefined
  /** The names of the labels, none by default. Every recording gives a value to each. */
  readonly labels?: readonly L[] | undefined
  /** The unit, none by default; sinks put it into the name where that is the custom. */
  readonly unit?: Unit | undefined
  /** How many series there may be before further ones fold into the overflow series. */
  readonly maxSeries?: number | undefined
  /**
   * How long a series stays that nobody records into, in milliseconds; for good by default. A series that was taken off
   * comes back with its count while somebody holds a handle of it, and begins anew otherwise. Not for gauges whose
   * `inc` and `dec` come in pairs: the second may find no series.
   */
  readonly ttlMs?: number | undefined
  /** Series that are there from the start, at 0, and stay: they cost nothing of the budgets and never expire. */
  readonly series?: readonly Labels<L>[] | undefined
  /**
   * Whether it may be declared again with other labels, by others who say so too; false by default. It then has the
   * labels of all declarations, at most 16, and a recording gives those that it knows: the rest is absent ('') from its
   * series. For instruments that independent parts of a program share. A recording that leaves labels out is looked up
   * the slow way each time; a kept handle costs what any does.
   */
  readonly open?: boolean | undefined
}

/** What describes a histogram. */
export interface HistogramSpec<L extends string = never> extends InstrumentSpec<L> {
  /**
   * Upper bounds of the buckets, ascending. The default depends on the unit: 5 ms to 10 s for 's' and none, 64 B
   * to 64 MiB for 'By', 0 to 10,000 for others.
   */
  readonly buckets?: readonly number[] | undefined
  /**
   * Exponential buckets beside the classic ones, for sinks that can send them (OpenTelemetry); false by default. They
   * cost an observation about 25 ns more, and a series about 2.7 kB.
   */
  readonly native?: boolean | undefined
  /**
   * Whether each bucket keeps its latest observation of a sampled span; by default as `MetricsOptions.exemplars`
   * says. The OpenMetrics page shows them.
   */
  readonly exemplars?: boolean | undefined
}

/** What describes an observable. */
export interface ObservableSpec<L extends string = never> extends Omit<
  InstrumentSpec<L>,
  'ttlMs' | 'series' | 'open'
> {
  /** 'gauge' by default; a 'counter' reports a cumulative total that only grows. */
  readonly kind?: 'counter' | 'gauge' | undefined
}

/**
 * Instruments, and the sinks that report them. Declaring throws a {@link MetricsError} for mistakes; recording
 * never throws: what cannot be recorded is counted in `kit.metrics.dropped`, by reason.
 *
 * Names are logical and dotted, with the unit beside them (`http.server.request.duration`, 's'). Those under
 * `kit.metrics.` are refused: they are the instruments that tell of these metrics themselves. Asking twice for
 * one name with one shape (kind, unit, labels, buckets) returns the same instrument; another shape throws
 * `KIT_METRIC_CONFLICT`, as does a name that would look the same as another one on a Prometheus page.
 */
export interface Metrics {
  /** Declares a counter. */
  counter<const L extends string = never>(name: string, spec?: InstrumentSpec<L>): Counter<L>
  /** Declares a gauge. */
  gauge<const L extends string = never>(name: string, spec?: InstrumentSpec<L>): Gauge<L>
  /** Declares a histogram. */
  histogram<const L extends string = never>(name: string, spec?: HistogramSpec<L>): Histogram<L>
  /**
   * Declares a metric whose values are asked for when sinks collect. Series that `read` no longer reports vanish,
   * and make room for others as soon as a budget is used up.
   * `read` runs synchronously and may throw: that is counted, and only its own series are missing. Several
   * functions may report different series of one name. Returns a function that removes `read`.
   */
  observable<const L extends string = never>(
    name: string,
    spec: ObservableSpec<L>,
    read: () => Observation<L>,
  ): () => void
  /**
   * Adds to a counter that need not be declared. Labels may differ from call to call; absent ones are ''. One
   * undeclared name has at most 16 labels over all calls; a call that brings more is dropped (`bad_labels`).
   */
  incrCounter(name: string, value?: number, labels?: Labels): void
  /** Sets a gauge that need not be declared. */
  setGauge(name: string, value: number, labels?: Labels): void
  /** Records into a histogram that need not be declared; undeclared ones have the default buckets and no unit. */
  addSample(name: string, value: number, labels?: Labels): void
  /** Records the seconds since `startMs`, a reading of `performance.now()`, into a histogram in 's'. */
  measureSince(name: string, startMs: number, labels?: Labels): void
  /**
   * Starts a sink. What was recorded before is not lost to it. Returns a function that flushes and stops the
   * sink, within 5 s; it never rejects. Throws `KIT_METRIC_SINK_INVALID` for what is no sink or is attached
   * already, and `KIT_METRIC_SHUT_DOWN` after shutdown.
   */
  attach(sink: Sink): () => Promise<void>
  /**
   * Replaces the filter. It applies at once, to handles that were taken long ago too. Blocked counters and
   * histograms do not count; blocked gauges follow their value unseen, so that increments and decrements stay
   * paired. What was counted before is kept and shows again when the block ends. Recordings whose label is
   * blocked go to the series without it; gauges and observables show their sum there. Series that a blocked
   * label hides do not count against the budgets meanwhile.
   */
  updateFilter(filter: MetricFilter): void
  /** Everything recorded, as frozen plain data. Asks the observables. */
  snapshot(): Snapshot
  /**
   * Lets every sink deliver what is due, within `timeoutMs`: 5,000 by default, 0 to start it and not wait, Infinity
   * for no limit. Failures of sinks count in `kit.metrics.sink.errors` and reject nothing; only a time that is
   * negative, NaN or no number rejects, with `KIT_METRIC_OPTION_INVALID`.
   */
  flush(timeoutMs?: number): Promise<void>
  /**
   * Ends recording at once, then flushes and stops every sink, so that what sinks report last is exactly what was
   * recorded. Later recordings go nowhere, and observables are asked no more. Calling it again waits for the same
   * shutdown. `timeoutMs` is that of {@link Metrics.flush}; when it is refused, nothing is shut down.
   */
  shutdown(timeoutMs?: number): Promise<void>
}

const anchor = Symbol.for('@kit/metrics@1')

/** Creates metrics of their own, apart from the process-wide ones: for libraries' tests and for isolation. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  checkOptions('createMetrics', options, ['prefix', 'maxSeries', 'maxTotalSeries', 'filter', 'exemplars'])
  const { exemplars } = options
  return new Facade(
    checkInteger('createMetrics: maxSeries', options.maxSeries, 2000, 1),
    checkInteger('createMetrics: maxTotalSeries', options.maxTotalSeries, 50_000, 1),
    options.filter ?? {},
    typeof exemplars === 'function'
      ? exemplars
      : checkBoolean('createMetrics: exemplars', exemplars, false)
        ? findOtelSpan
        : undefined,
    checkPrefix(options.prefix),
  )
}

/**
 * The process-wide metrics: one object for all copies of this package in the process. Usable from the first line;
 * sinks that are attached later see everything recorded before.
 */
export const metrics: Metrics = processWide()

function processWide(): Metrics {
  const slots = globalThis as { [anchor]?: Metrics }
  return (slots[anchor] ??= createMetrics())
}
