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

/** What the columns before the last take of a line, and what ends it. */
const takenColumns = 50

/** A table for reading in a terminal, with the last column cut to what is left of `columns`; by default not cut. */
export function summaryTable(
  outcomes: readonly Outcome[],
  columns: number = Number.POSITIVE_INFINITY,
): string {
  const room = Math.max(20, columns - takenColumns)
  return table(
    ['promise', 'verdict', 'time', 'within limits', 'nearest to its limit'],
    outcomes.map((outcome) => {
      const judged = outcome.figures.filter(isJudged)
      return [
        outcome.id,
        outcome.verdict,
        outcome.verdict === 'skipped' ? '' : secondsText(outcome.seconds),
        outcome.verdict === 'skipped' ? '' : `${judged.filter(keeps).length} of ${judged.length}`,
        fitted(nearest(outcome), room),
      ]
    }),
  )
}

function fitted(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`
}

function nearest({ figures, reasons, verdict }: Outcome): string {
  if (verdict !== 'kept') return reasons[0]?.split('\n')[0] ?? ''
  const [first] = figures
    .filter((figure) => used(figure) !== undefined)
    .toSorted((a, b) => (used(b) ?? 0) - (used(a) ?? 0))
  return first === undefined ? '' : `${first.what}: ${valueText(first)}, ${boundText(first)}`
}
