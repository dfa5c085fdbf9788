/**
 * Adds what workers observed to a histogram's cell, as if this thread had observed it: to the buckets, to the
 * exponential buckets, and, by values that stand for the real ones, to what sinks keep of single observations.
 */

import type { HistogramCell } from '../cell.ts'
import type { ExponentialBuckets } from '../sink.ts'
import { listenersOf } from '../taps.ts'
import type { Distribution } from './distribution.ts'
import { copyExponential, ExponentialSum, type ExponentialData } from './exponential-sum.ts'
import type { ExemplarReport } from './protocol.ts'

/** What workers counted in the exponential buckets of a cell. */
const sums = new WeakMap<HistogramCell, ExponentialSum>()

/** Adds a distribution to a cell with the same buckets. `bounds` are those of the buckets. */
export function addToCell(cell: HistogramCell, bounds: readonly number[], more: Distribution): void {
  const { target } = cell
  const { slots } = target
  more.buckets.forEach((count, i) => {
    slots[i] = slots[i]! + count
  })
  slots[slots.length - 1] = slots.at(-1)! + more.sum
  const native = target.extras?.native ?? null
  if (more.exponential !== undefined && native !== null) sumOf(target, native).add(more.exponential)
  for (const tap of listenersOf(target)) replay(more, bounds, tap)
}

/** Keeps an exemplar if it is newer than the cell's, where the cell keeps any. */
export function addExemplar(cell: HistogramCell, exemplar: ExemplarReport): void {
  const [, bucket, value, time, traceId, spanId] = exemplar
  const { target } = cell
  const latest = target.extras?.exemplars?.latest
  if (latest === undefined || bucket >= target.slots.length - 1) return
  if ((latest[bucket]?.time ?? -Infinity) < time) latest[bucket] = { value, time, traceId, spanId }
}

function sumOf(cell: HistogramCell, native: ExponentialBuckets): ExponentialSum {
  let sum = sums.get(cell)
  if (sum === undefined) {
    const workers = new ExponentialSum()
    sum = workers
    sums.set(cell, workers)
    Object.defineProperty(cell, 'exponential', {
      get: () => totalOf(copyExponential(native), copyExponential(workers)),
    })
  }
  return sum
}

function totalOf(...parts: ExponentialData[]): ExponentialSum {
  const sum = new ExponentialSum()
  for (const part of parts) sum.add(part)
  return sum
}

/** At most so many observations of one report are replayed into a tap; that costs less than a millisecond. */
const maxReplayed = 100_000

/**
 * Observes, for each bucket, as many values as it counted, which lie in the bucket and add up to the true sum. So
 * count, sum and mean are right in a sink that listens to observations, and its extremes within a bucket's width.
 */
function replay(more: Distribution, bounds: readonly number[], tap: { observe(value: number): void }): void {
  const values = standIns(more, bounds)
  let left = maxReplayed
  more.buckets.forEach((count, i) => {
    for (let n = Math.min(count, left); n > 0; n--) tap.observe(values[i]!)
    left = Math.max(0, left - count)
  })
}

/** A value for each bucket, all at the same fraction of their bucket's width; the last bucket has no end. */
function standIns({ buckets, sum }: Distribution, bounds: readonly number[]): number[] {
  const lows = buckets.map((_, i) => (i === 0 ? Math.min(0, bounds[0]!) : bounds[i - 1]!))
  const widths = lows.map((low, i) => (bounds[i] ?? low) - low)
  const total = (amounts: readonly number[]): number =>
    amounts.reduce((so, amount, i) => so + amount * buckets[i]!, 0)
  const width = total(widths)
  const fraction = width > 0 ? Math.min(1, Math.max(0, (sum - total(lows)) / width)) : 0
  const values = lows.map((low, i) => low + fraction * widths[i]!)
  const above = buckets.at(-1)!
  if (above > 0)
    values[bounds.length] = Math.max(bounds.at(-1)!, (sum - total(values)) / above + values.at(-1)!)
  return values
}
