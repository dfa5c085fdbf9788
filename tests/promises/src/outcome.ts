/** What a trial showed: the promise was kept, or it was broken, and by what; or it could not be tried. */

import type { Plot } from './events.ts'
import { boundText, valueText } from './figure-text.ts'
import type { Figure, Tier } from './promise.ts'
import { keeps } from './promise.ts'

export type Verdict = 'kept' | 'broken' | 'skipped'

export interface Outcome {
  readonly id: string
  readonly says: string
  readonly tier: Tier
  readonly verdict: Verdict
  /** Why it is broken, or was skipped: a sentence each, the first the most telling. Empty if it is kept. */
  readonly reasons: readonly string[]
  readonly figures: readonly Figure[]
  readonly plots: readonly Plot[]
  readonly seconds: number
}

/** What a trial's process left behind. */
export interface Remains {
  readonly figures: readonly Figure[]
  readonly failures: readonly string[]
  /** The process's exit code, or the signal that ended it. */
  readonly end: number | string
  /** The last of what it printed. */
  readonly printed: string
}

/** Why the promise is broken, by what its trial left; empty if it is kept. */
export function reasonsIn({ figures, failures, end, printed }: Remains): string[] {
  const reasons = figures
    .filter((figure) => !keeps(figure))
    .map((figure) => `${figure.what}: ${valueText(figure)}, promised ${boundText(figure)}`)
  reasons.push(...failures)
  if (end !== 0 && failures.length === 0) {
    const how = typeof end === 'number' ? `with ${end}` : `by ${end}`
    reasons.push(`the trial's process ended ${how}${printed === '' ? '' : `:\n${printed}`}`)
  }
  const names = figures.map(({ what }) => what)
  for (const twice of new Set(names.filter((name, i) => names.indexOf(name) !== i))) {
    reasons.push(`the figure "${twice}" was reported twice`)
  }
  if (reasons.length === 0 && !figures.some(isJudged)) {
    reasons.push('the trial reported no figure that has a limit')
  }
  return reasons
}

/** Whether the figure has a limit. */
export function isJudged({ atMost, atLeast, exactly }: Figure): boolean {
  return atMost !== undefined || atLeast !== undefined || exactly !== undefined
}

/**
 * How much of its limit a figure uses, from 0 to 1 where it is kept: for the reader who asks which promise is nearly broken.
 * Undefined where that says nothing: of figures that must be exactly so, and of those that must be at least so, which count
 * how much was tried.
 */
export function used({ value, atMost }: Figure): number | undefined {
  return atMost !== undefined && atMost > 0 ? Math.max(0, value / atMost) : undefined
}
