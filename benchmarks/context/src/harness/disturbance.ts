/*
 * Which rounds count. A round is disturbed when the control took longer than in the quiet rounds of the same process, so
 * the processor was slower, or when the process stood still for longer, so somebody else had the processor.
 */
import { quantile } from './statistics.ts'

/** What a round says about its circumstances. */
export interface Circumstances {
  /** Nanoseconds that the control took. */
  readonly control: number
  /** The share of the round, 0 to 1, in which the process did not run. */
  readonly idle: number
}

/** How much slower than in the quiet quarter the control may be, as a factor. */
const slower = 1.2
/** How much more than in the quiet quarter the process may stand still. Some work waits by its nature. */
const moreIdle = 0.1

/** For each round of one process whether it counts. */
export function undisturbed(rounds: readonly Circumstances[]): boolean[] {
  const quietControl = quantile(
    rounds.map(({ control }) => control),
    0.25,
  )
  const quietIdle = quantile(
    rounds.map(({ idle }) => idle),
    0.25,
  )
  return rounds.map(({ control, idle }) => control <= quietControl * slower && idle <= quietIdle + moreIdle)
}
