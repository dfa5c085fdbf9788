// What sampling and the suppression of repeats have in common: levels they keep their hands off, and the promise
// that what they hold back is told, at the end of an interval or when the process exits, whichever comes first.

import { clock } from '@kit/context'
import { LogError } from './errors.ts'
import { cancelOnExit, onExit } from './exit.ts'
import { ERROR, levelNumber, SILENT } from './level.ts'

/** The longest interval, in milliseconds: a day. */
const MAX_INTERVAL_MS = 86_400_000

/** The levels that may be suppressed: those of the option, else all below `error`. Throws `LogError`. */
export function resolveLevels(
  owner: string,
  levels: readonly unknown[] | undefined,
): (level: number) => boolean {
  if (levels === undefined) return (level) => level < ERROR
  const isList = Array.isArray(levels)
  const numbers = isList
    ? levels.map((name) => (typeof name === 'string' ? levelNumber(name) : undefined))
    : []
  if (!isList || numbers.some((number) => number === undefined || number >= SILENT)) {
    throw new LogError('KIT_LOG_BAD_OPTION', `${owner}.levels is a list of levels such as ['debug', 'info'].`)
  }
  const chosen = new Set(numbers)
  return (level) => chosen.has(level)
}

/** Checks an interval. Throws `LogError`. */
export function checkInterval(name: string, ms: unknown): asserts ms is number {
  if (typeof ms === 'number' && ms > 0 && ms <= MAX_INTERVAL_MS) return
  throw new LogError('KIT_LOG_BAD_OPTION', `${name} is a number of milliseconds above 0, at most a day.`)
}

/** Does something later, and something when the process exits if that is earlier. Keeps nothing alive. */
export class Reminder {
  readonly #task: () => void
  readonly #exit: () => void
  #isSet = false

  constructor(task: () => void, atExit: () => void) {
    this.#task = task
    this.#exit = atExit
  }

  /** Sets it, unless it is set already. */
  set(afterMs: number): void {
    if (this.#isSet) return
    this.#isSet = true
    onExit(this.#exit)
    clock.setTimer(afterMs, () => {
      this.#isSet = false
      cancelOnExit(this.#exit)
      this.#task()
    })
  }
}
