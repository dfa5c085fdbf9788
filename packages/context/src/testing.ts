/*
 * For tests: a clock that moves when it is told to, and what was derived and never cancelled. Loading this module
 * has every derivation from then on remembered with its stack, which costs some microseconds each.
 */
import type { LiveContext } from './tracking.ts'
import { tracker } from './tracking.ts'

export type { ManualClock } from './manual-clock.ts'
export { manualClock } from './manual-clock.ts'
export type { LiveContext } from './tracking.ts'

tracker()

/**
 * The contexts that could be cancelled and have not ended, oldest first, with the place where each was derived:
 * `expect(liveContexts()).toEqual([])` after a test finds what the code under test forgot. Knows what was derived since
 * this module was loaded; a context that nobody can reach any more counts only as long as it is watched.
 */
export function liveContexts(): LiveContext[] {
  return tracker().live()
}

/**
 * Has `report` called, some time after a garbage collection, for each context that its owner dropped without having
 * cancelled it and that had not ended by then. Returns the function that ends the reports.
 */
export function onLostCancel(report: (lost: LiveContext) => void): () => void {
  return tracker().onLost(report)
}
