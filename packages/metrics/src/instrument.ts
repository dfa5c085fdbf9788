/**
 * Instruments: a name, a kind and label names, bound to the table of their series. The public interfaces are what
 * users hold; the classes are what the registry creates and what sinks read.
 */

import {
  CounterCell,
  GaugeCell,
  HistogramCell,
  RejectedCell,
  stopwatch,
  type BoundCounter,
  type BoundGauge,
  type BoundHistogram,
  type Cell,
  type Extras,
} from './cell.ts'
import type { Drops } from './drops.ts'
import { FoldedCounter, FoldedGauge, Folding, type MakeSum } from './folding.ts'
import { Exemplars, type FindSpan } from './exemplars.ts'
import { ExponentialCell } from './exponential.ts'
import { HistogramKind, type BucketIndex } from './histogram.ts'
import { countKeys, type LabelBag } from './label-index.ts'
import type { Labels } from './labels.ts'
import type { InstrumentKind, Unit } from './naming.ts'
import { maxRemembered, SeriesTable } from './series.ts'
import type { Budget, Changes } from './table-options.ts'
import type { NumberSeries, SourceCounter, SourceGauge, SourceHistogram } from './sink.ts'

/** The arguments of a recording: the labels come first, exactly when the instrument has labels. */
export type Recording<L extends string, A extends unknown[]> = [L] extends [never]
  ? A
  : [labels: Labels<L>, ...A]

/** Labels of which some are given now and the rest later. */
export type SomeLabels<L extends string> = { readonly [K in L]?: Labels<L>[K] }

/** A number that only grows: requests served, bytes sent. */
export interface Counter<L extends string = never> {
  /** Adds a value, 1 by default. Anything but a finite number of at least 0, and labels that do not fit, are dropped and counted. */
  inc(...args: Recording<L, [value?: number]>): void
  /** The handle of one series, to keep: recording through it costs no lookup. */
  labels(labels: Labels<L>): BoundCounter
}

/** A number that goes up and down: requests in flight, queue length. */
export interface Gauge<L extends string = never> {
  /** Sets the present value. */
  set(...args: Recording<L, [value: number]>): void
  /** Adds a value, 1 by default. */
  inc(...args: Recording<L, [value?: number]>): void
  /** Subtracts a value, 1 by default. */
  dec(...args: Recording<L, [value?: number]>): void
  /** The handle of one series, to keep: recording through it costs no lookup. */
  labels(labels: Labels<L>): BoundGauge
}

/** A distribution: durations in seconds, sizes in bytes. */
export interface Histogram<L extends string = never> {
  /**
   * Whether an observation would be recorded now: false while the filter blocks the histogram, and once the metrics are
   * shut down. For what costs something to measure, such as two readings of the clock.
   */
  readonly enabled: boolean
  /** Records a value. Negative values are dropped and counted, unless the first bucket bound is negative. */
  observe(...args: Recording<L, [value: number]>): void
  /**
   * Starts a stopwatch. The returned function records the seconds since then under the labels of both calls
   * together, at its first call only, and returns these seconds. Labels that do not fit are dropped and counted.
   */
  startTimer(labels?: SomeLabels<L>): (labels?: SomeLabels<L>) => number
  /** The handle of one series, to keep: recording through it costs no lookup. */
  labels(labels: Labels<L>): BoundHistogram
}

/** What all instruments are made from; checked before it gets here. */
export interface Definition {
  readonly name: string
  readonly kind: InstrumentKind
  readonly unit: Unit | ''
  readonly help: string
  readonly labelNames: readonly string[]
  /** Empty unless the kind is histogram. */
  readonly bounds: readonly number[]
  /** Whether a histogram has exponential buckets as well. */
  readonly native: boolean
  /** Where a histogram's exemplars come from, if it keeps any. */
  readonly findSpan: FindSpan | undefined
  readonly maxSeries: number
  /** How long a series stays that nobody records into, in ms; Infinity for good. */
  readonly ttlMs: number
  /** Whether values come from an observable at collection. */
  readonly observed: boolean
  /** Whether further declarations may bring further labels. */
  readonly open: boolean
}

/** What instruments share with the rest of their registry. */
export interface Surroundings {
  readonly budget: Budget
  readonly changes: Changes
  readonly drops: Drops
}

/** An instrument of any kind, as the registry holds it. */
export type Instrument = CounterInstrument | GaugeInstrument | HistogramInstrument

/** Creates the instrument of a definition. */
export function createInstrument(definition: Definition, around: Surroundings): Instrument {
  if (definition.kind === 'counter') return new CounterInstrument(definition, around)
  if (definition.kind === 'gauge') return new GaugeInstrument(definition, around)
  return new HistogramInstrument(definition, around)
}

/** The counter behind {@link Counter}. */
export class CounterInstrument implements SourceCounter {
  readonly kind = 'counter'
  readonly name: string
  readonly unit: Unit | ''
  readonly help: string
  readonly table: SeriesTable<CounterCell, NumberSeries>
  only: CounterCell | null
  readonly #drops: Drops

  constructor(definition: Definition, around: Surroundings) {
    this.name = definition.name
    this.unit = definition.unit
    this.help = definition.help
    this.table = new SeriesTable<CounterCell, NumberSeries>({
      ...definition,
      ...around,
      make: (values) => new CounterCell(values, around.drops),
      fold: definition.observed ? folding<CounterCell>(definition, sumOfCounters) : undefined,
    })
    this.only = pinned(this.table, definition)
    this.#drops = around.drops
  }

  get labelNames(): readonly string[] {
    return this.table.labelNames
  }

  series(): readonly NumberSeries[] {
    return this.table.visible()
  }

  inc(first?: unknown, second?: number): void {
    const cell = this.only ?? this.table.find(first as LabelBag)
    if (cell === undefined) this.#drops.count('bad_labels')
    else cell.inc(this.only === null ? second : (first as number))
  }

  labels(labels: LabelBag): BoundCounter {
    return this.table.find(labels) ?? new RejectedCell(this.#drops)
  }
}

/** The gauge behind {@link Gauge}. */
export class GaugeInstrument implements SourceGauge {
  readonly kind = 'gauge'
  readonly name: string
  readonly unit: Unit | ''
  readonly help: string
  readonly table: SeriesTable<GaugeCell, NumberSeries>
  only: GaugeCell | null
  readonly #drops: Drops

  constructor(definition: Definition, around: Surroundings) {
    this.name = definition.name
    this.unit = definition.unit
    this.help = definition.help
    this.table = new SeriesTable<GaugeCell, NumberSeries>({
      ...definition,
      ...around,
      make: (values) => new GaugeCell(values, around.drops),
      fold: folding<GaugeCell>(definition, sumOfGauges),
    })
    this.only = pinned(this.table, definition)
    this.#drops = around.drops
  }

  get labelNames(): readonly string[] {
    return this.table.labelNames
  }

  series(): readonly NumberSeries[] {
    return this.table.visible()
  }

  set(first?: unknown, second?: number): void {
    const cell = this.only ?? this.table.find(first as LabelBag)
    if (cell === undefined) this.#drops.count('bad_labels')
    else cell.set((this.only === null ? second : first) as number)
  }

  inc(first?: unknown, second?: number): void {
    const cell = this.only ?? this.table.find(first as LabelBag)
    if (cell === undefined) this.#drops.count('bad_labels')
    else cell.inc(this.only === null ? second : (first as number))
  }

  dec(first?: unknown, second?: number): void {
    const cell = this.only ?? this.table.find(first as LabelBag)
    if (cell === undefined) this.#drops.count('bad_labels')
    else cell.dec(this.only === null ? second : (first as number))
  }

  labels(labels: LabelBag): BoundGauge {
    return this.table.find(labels) ?? new RejectedCell(this.#drops)
  }
}

/** The histogram behind {@link Histogram}. */
export class HistogramInstrument implements SourceHistogram {
  readonly kind = 'histogram'
  readonly name: string
  readonly unit: Unit | ''
  readonly help: string
  readonly bounds: readonly number[]
  readonly native: boolean
  readonly table: SeriesTable<HistogramCell>
  only: HistogramCell | null
  /** Called with each new cell, so that taps reach it. */
  onCell: ((cell: HistogramCell) => void) | null = null
  readonly #drops: Drops

  constructor(definition: Definition, around: Surroundings) {
    this.name = definition.name
    this.unit = definition.unit
    this.help = definition.help
    this.bounds = definition.bounds
    this.native = definition.native
    const kind = new HistogramKind(definition.bounds, around.drops)
    this.table = new SeriesTable<HistogramCell>({
      ...definition,
      ...around,
      make: (values) => {
        const cell = new HistogramCell(values, kind, createExtras(definition, kind))
        this.onCell?.(cell)
        return cell
      },
      fold: undefined,
    })
    this.only = pinned(this.table, definition)
    this.#drops = around.drops
  }

  get labelNames(): readonly string[] {
    return this.table.labelNames
  }

  get enabled(): boolean {
    return !this.table.voided
  }

  series(): readonly HistogramCell[] {
    return this.table.visible()
  }

  observe(first?: unknown, second?: number): void {
    const cell = this.only ?? this.table.find(first as LabelBag)
    if (cell === undefined) this.#drops.count('bad_labels')
    else cell.observe((this.only === null ? second : first) as number)
  }

  startTimer(labels?: LabelBag): (extra?: LabelBag) => number {
    return stopwatch((seconds, extra?: LabelBag) => {
      const given = merged(labels, extra)
      if (given === undefined || (this.only !== null && countKeys(given) > 0)) this.#drops.count('bad_labels')
      else if (this.only === null) this.observe(given, seconds)
      else this.only.observe(seconds)
    })
  }

  labels(labels: LabelBag): BoundHistogram {
    return this.table.find(labels) ?? new RejectedCell(this.#drops)
  }
}

function createExtras({ native, findSpan }: Definition, index: BucketIndex): Extras | null {
  if (!native && findSpan === undefined) return null
  return {
    native: native ? new ExponentialCell() : null,
    exemplars: findSpan === undefined ? null : new Exemplars(index, findSpan),
  }
}

const sumOfCounters: MakeSum = (labelValues, members) => new FoldedCounter(labelValues, members)
const sumOfGauges: MakeSum = (labelValues, members) => new FoldedGauge(labelValues, members)

function folding<C extends NumberSeries>({ maxSeries }: Definition, makeSum: MakeSum): Folding<C> {
  return new Folding(makeSum, Math.max(maxRemembered, maxSeries))
}

/** The labels of both ends of a stopwatch; undefined when one of them is no labels. Never throws. */
function merged(labels: LabelBag | undefined, extra: LabelBag | undefined): LabelBag | undefined {
  if (!mayBeLabels(labels) || !mayBeLabels(extra)) return undefined
  try {
    return { ...labels, ...extra }
  } catch {
    return undefined
  }
}

function mayBeLabels(labels: unknown): boolean {
  return labels === undefined || (typeof labels === 'object' && labels !== null)
}

function pinned<C extends Cell<C>, V>(table: SeriesTable<C, V>, definition: Definition): C | null {
  return definition.labelNames.length === 0 && !definition.observed ? table.pin() : null
}
