/**
 * What a table of series is made with: how many series there may be, alone and together, and how cells are made
 * and shown.
 */

import type { Drops } from './drops.ts'
import type { Fold } from './folding.ts'

/** The series that a set of instruments may have together. */
export interface Budget {
  used: number
  readonly max: number
  /** Gives back what series cost that observables no longer report. Cheap when there can be none. */
  reclaim(): void
}

/** Counts changes of anything that a reader may have cached a list of. */
export interface Changes {
  count: number
}

/** How one instrument's table makes and limits its cells. */
export interface TableOptions<C, V> {
  readonly labelNames: readonly string[]
  readonly maxSeries: number
  /** How long a series stays that nobody records into, in ms; Infinity for good. */
  readonly ttlMs: number
  readonly budget: Budget
  readonly changes: Changes
  readonly drops: Drops
  make(labelValues: readonly string[]): C
  /** Shows series as one where a blocked label made them equal. Without it, recordings are redirected instead. */
  readonly fold: Fold<C, V> | undefined
  /** Only series reported in the latest collection are shown; others make room when the budget is used up. */
  readonly observed: boolean
  /** Labels may be added later, so that recordings may leave some out. */
  readonly open: boolean
}
