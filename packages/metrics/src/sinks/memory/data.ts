/**
 * What the memory sink reports: plain data that survives JSON.
 */

import type { Unit } from '../../naming.ts'
import type { Snapshot } from '../../snapshot.ts'

/** Everything the sink holds. */
export interface MemoryData {
  /** The retained intervals, oldest first; the last one is still running (`closed` is false). */
  readonly intervals: readonly MemoryInterval[]
  /** Everything since the beginning. */
  readonly totals: Snapshot
}

/** What happened between two moments. */
export interface MemoryInterval {
  /** Counts up by one from interval to interval, so that a reader sees whether it missed any. */
  readonly sequence: number
  /** When it began, in milliseconds since the Unix epoch. */
  readonly start: number
  /** How long it lasted, or has lasted so far, in milliseconds of the monotonic clock. */
  readonly durationMs: number
  /** Whether it is over. */
  readonly closed: boolean
  /** Series that grew. */
  readonly counters: readonly MemoryCounter[]
  /** All gauges, with their value at the end. */
  readonly gauges: readonly MemoryGauge[]
  /** Series that were observed. */
  readonly histograms: readonly MemoryHistogram[]
}

/** What names a series. */
export interface MemorySeries {
  readonly name: string
  /** '' when none was given. */
  readonly unit: Unit | ''
  readonly labels: Readonly<Record<string, string>>
}

/** A counter in one interval. */
export interface MemoryCounter extends MemorySeries {
  /** By how much it grew. */
  readonly sum: number
  /** `sum` a second. */
  readonly rate: number
}

/** A gauge in one interval. */
export interface MemoryGauge extends MemorySeries {
  readonly value: number
}

/** The observations of one interval. The standard deviation is that of a sample: 0 for a single observation. */
export interface MemoryHistogram extends MemorySeries {
  readonly count: number
  readonly sum: number
  /** Observations a second. */
  readonly rate: number
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly stddev: number
}
