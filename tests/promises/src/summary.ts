/** The end of a run: a line for each promise with the figure that is nearest to its limit, and the sum. */

import { boundText, secondsText, valueText } from './figure-text.ts'
import type { Outcome, Verdict } from './outcome.ts'
import { isJudged, used } from './outcome.ts'
import { table } from './markdown.ts'
import { keeps } from './promise.ts'

/** `20 kept, 1 broken, 0 skipped`. */
export function countLine(outcomes: readonly Outcome[]): string {
  return (['kept', 'broken', 'skipped'] satisfies Verdict[])
    .map((verdict) => `${outcomes.filter((one) => one.verdict === verdict).length} ${verdict}`)
    .join(', ')
}

/** A table for reading in a terminal. */
export function summaryTable(outcomes: readonly Outcome[]): string {
  return table(
    ['promise', 'verdict', 'time', 'within limits', 'nearest to its limit'],
    outcomes.map((outcome) => {
      const judged = outcome.figures.filter(isJudged)
      return [
        outcome.id,
        outcome.verdict,
        outcome.verdict === 'skipped' ? '' : secondsText(outcome.seconds),
        outcome.verdict === 'skipped' ? '' : `${judged.filter(keeps).length} of ${judged.length}`,
        nearest(outcome),
      ]
    }),
  )
}

function nearest({ figures, reasons, verdict }: Outcome): string {
  if (verdict !== 'kept') return reasons[0]?.split('\n')[0] ?? ''
  const [first] = figures
    .filter((figure) => used(figure) !== undefined)
    .toSorted((a, b) => (used(b) ?? 0) - (used(a) ?? 0))
  return first === undefined ? '' : `${first.what}: ${valueText(first)}, ${boundText(first)}`
}
