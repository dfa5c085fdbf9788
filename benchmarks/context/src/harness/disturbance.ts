/*
 * Which rounds count. A round is disturbed when the control took longer than in the quietest rounds of the same process, so
 * the processor was slower or shared, or when the process stood still for longer, so somebody else had the processor.
 */
import { quantile } from './statistics.ts'

/** What a round says about its circumstances. */
export interface Circumstances {
  /** Nanoseconds that the control took. */
  readonly control: number
  /** The share of the round, 0 to 1, in which the process did not run. */
  readonly idle: number
}

/** The share of the rounds that are taken for quiet. A shared machine may be busy most of the time. */
const quietShare = 0.1
/** How much slower than in the quiet rounds the control may be, as a factor. */
const slower = 1.2
/** How much more than in the quiet rounds the process may stand still. Some work waits by its nature. */
const moreIdle = 0.1

/** For each round of one process whether it counts. */
export function undisturbed(rounds: readonly Circumstances[]): boolean[] {
  const quietControl = quantile(
    rounds.map(({ control }) => control),
    quietShare,
  )
  const quietIdle = quantile(
    rounds.map(({ idle }) => idle),
    quietShare,
  )
  const isFast = rounds.map(({ control }) => control <= quietControl * slower)
  const isQuiet = rounds.map(({ idle }, index) => isFast[index] === true && idle <= quietIdle + moreIdle)
  // Of a few rounds, those with a fast processor may all have had to wait for it. They are the best there are.
  return isQuiet.includes(true) ? isQuiet : isFast
}
