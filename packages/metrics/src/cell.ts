/**
 * Cells: what recording touches. A cell is one series and at the same time the bound handle that users hold.
 *
 * Each cell has a `target`, the cell that its recordings go to. Normally that is the cell itself. A filter that
 * blocks the instrument points it at a cell that nobody reads, a filter that blocks a label points it at the
 * series without that label, and shutting down points all of them at nothing. So a handle that was taken years
 * ago obeys at once, and no recording ever asks whether it is blocked.
 */

import { clock } from '@kit/context'
import type { Drops } from './drops.ts'
import type { Exemplars } from './exemplars.ts'
import type { ExponentialCell } from './exponential.ts'
import type { HistogramKind } from './histogram.ts'
import { SeriesIdentity } from './series-identity.ts'
import type { Exemplar, ExponentialBuckets, HistogramSeries, NumberSeries, Tap } from './sink.ts'

/** A counter with its labels settled. Recording costs a field increment: no lookup, no allocation. */
export interface BoundCounter {
  /** Adds `value`, 1 by default. Anything but a finite number of at least 0 is dropped and counted. */
  inc(value?: number): void
}

/** A gauge with its labels settled. Values that are not finite numbers are dropped and counted. */
export interface BoundGauge {
  /** Sets the present value. */
  set(value: number): void
  /** Adds `value`, 1 by default. */
  inc(value?: number): void
  /** Subtracts `value`, 1 by default. */
  dec(value?: number): void
}

/** A histogram with its labels settled. */
export interface BoundHistogram {
  /** Records one value. Values that are not finite numbers, or below the histogram's range, are dropped and counted. */
  observe(value: number): void
  /** Starts a stopwatch; the returned function records the seconds since then, once, and returns them. */
  startTimer(): () => number
}

/** What the series table needs of a cell. */
export interface Cell<C> {
  labelValues: readonly string[]
  target: C
  /** A number that changes whenever something is recorded. */
  mark(): number
}

// The first store decides how V8 represents a field. A field that starts as a small integer is re-boxed when the
// first fraction arrives and stays slower for good, hence the half that is overwritten at once. It stands at the
// declaration, which is the first store: a field that is declared alone begins as undefined.

/** One series of a counter. */
export class CounterCell extends SeriesIdentity implements BoundCounter, NumberSeries, Cell<CounterCell> {
  value: number = 0.5
  target: CounterCell
  readonly drops: Drops

  constructor(labelValues: readonly string[], drops: Drops) {
    super(labelValues)
    this.value = 0
    this.target = this
    this.drops = drops
  }

  /** One is added apart, since that needs no check: it costs half of what adding a value does. */
  inc(value?: number): void {
    if (value === undefined) this.target.value += 1
    else if (typeof value === 'number' && value >= 0 && value < Infinity) this.target.value += value
    else this.drops.count('bad_value')
  }

  mark(): number {
    return this.value
  }
}

/** One series of a gauge. */
export class GaugeCell extends SeriesIdentity implements BoundGauge, NumberSeries, Cell<GaugeCell> {
  value: number = 0.5
  touched: boolean = false
  marks: number = 0
  target: GaugeCell
  readonly drops: Drops

  constructor(labelValues: readonly string[], drops: Drops) {
    super(labelValues)
    this.value = 0
    this.target = this
    this.drops = drops
  }

  set(value: number): void {
    if (Number.isFinite(value)) {
      const target = this.target
      target.value = value
      target.touched = true
    } else this.drops.count('bad_value')
  }

  inc(value: number = 1): void {
    if (Number.isFinite(value)) {
      const target = this.target
      target.value += value
      target.touched = true
    } else this.drops.count('bad_value')
  }

  dec(value: number = 1): void {
    if (Number.isFinite(value)) {
      const target = this.target
      target.value -= value
      target.touched = true
    } else this.drops.count('bad_value')
  }

  /** A gauge may be set to the value that it has, so that its value does not tell. */
  mark(): number {
    if (this.touched) {
      this.touched = false
      this.marks++
    }
    return this.marks
  }
}

/** What a series of a histogram keeps beside its buckets, by taps of the instrument's own. */
export interface Extras {
  readonly native: ExponentialCell | null
  readonly exemplars: Exemplars | null
}

/**
 * One series of a histogram: the counts of its buckets and, in the last slot, the sum, in one array of doubles, which V8
 * keeps unboxed as in a typed array, at a third of the fixed cost.
 */
export class HistogramCell
  extends SeriesIdentity
  implements BoundHistogram, HistogramSeries, Cell<HistogramCell>
{
  target: HistogramCell
  tap: Tap | null = null
  readonly slots: number[]
  readonly kind: HistogramKind
  readonly extras: Extras | null

  constructor(labelValues: readonly string[], kind: HistogramKind, extras: Extras | null) {
    super(labelValues)
    this.target = this
    this.slots = kind.emptySlots.slice()
    this.kind = kind
    this.extras = extras
  }

  observe(value: number): void {
    const kind = this.kind
    if (typeof value === 'number' && value >= kind.least && value < Infinity) {
      const target = this.target
      const slots = target.slots
      const bucket = kind.find(value)
      const sum = slots.length - 1
      slots[bucket] = slots[bucket]! + 1
      slots[sum] = slots[sum]! + value
      if (target.tap !== null) target.tap.observe(value)
    } else kind.drops.count('bad_value')
  }

  startTimer(): () => number {
    return stopwatch((seconds) => this.observe(seconds))
  }

  get sum(): number {
    return this.slots[this.slots.length - 1]!
  }

  get count(): number {
    const slots = this.slots
    const last = slots.length - 1
    let count = 0
    for (let i = 0; i < last; i++) count += slots[i]!
    return count
  }

  bucketCount(index: number): number {
    return this.slots[index]!
  }

  mark(): number {
    return this.count
  }

  get exponential(): ExponentialBuckets | undefined {
    return this.extras?.native ?? undefined
  }

  exemplar(index: number): Exemplar | undefined {
    return this.extras?.exemplars?.latest[index]
  }
}

/** What `labels()` returns for labels that do not fit: each use is counted, none throws. */
export class RejectedCell implements BoundCounter, BoundGauge, BoundHistogram {
  readonly #drops: Drops

  constructor(drops: Drops) {
    this.#drops = drops
  }

  inc(): void {
    this.#drops.count('bad_labels')
  }

  dec(): void {
    this.#drops.count('bad_labels')
  }

  set(): void {
    this.#drops.count('bad_labels')
  }

  observe(): void {
    this.#drops.count('bad_labels')
  }

  startTimer(): () => number {
    return stopwatch(() => this.#drops.count('bad_labels'))
  }
}

/** Calls `record` with the seconds that passed, at the first call of the returned function only. */
export function stopwatch<A extends unknown[]>(
  record: (seconds: number, ...args: A) => void,
): (...args: A) => number {
  const start = clock.now()
  let elapsed = -1
  return (...args) => {
    if (elapsed < 0) {
      elapsed = Math.max(0, clock.now() - start) / 1000
      record(elapsed, ...args)
    }
    return elapsed
  }
}
