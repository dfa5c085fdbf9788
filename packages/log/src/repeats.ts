// Lines that say again what has just been said: the same level, logger, fields and message. The first is written,
// those that follow within a window are counted, and when the window ends the line is written once more with their
// number. What differs in any field, such as a request id, is no repeat; for that there is sampling.

import { clock } from '@kit/context'
import type { FieldSet } from './encode/fields.ts'
import { checkOptionNames } from './errors.ts'
import type { LineLevel } from './level.ts'
import { stats } from './stats.ts'
import { checkInterval, Reminder, resolveLevels } from './suppression.ts'

/** When a line counts as a repeat. */
export interface RepeatOptions {
  /** Milliseconds after a line in which its repeats are held back, at most a day. */
  windowMs: number
  /** The levels of which repeats are held back. Default: all below `error`. */
  levels?: readonly LineLevel[] | undefined
}

/** Lines that are remembered. The oldest is forgotten, and its repeats told, for one more. */
const MAX_LINES = 256
/** UTF-16 units of the lines that are remembered. Longer ones are always written. */
const MAX_LINE_LENGTH = 4096

/** A line without its time. */
export interface TimelessLine {
  readonly level: number
  readonly label: string
  readonly fields: string
  readonly message: string | undefined
  /** The fields with their values, if somebody receives records. */
  readonly values: FieldSet | undefined
}

interface Remembered {
  readonly line: TimelessLine
  /** When the window ends, on the monotonic clock. */
  readonly end: number
  repeats: number
}

/** Decides which lines are repeats. */
export class Repeats {
  readonly #windowMs: number
  /** Whether repeats of lines of this level are held back. */
  readonly watches: (level: number) => boolean
  readonly #tell: (line: TimelessLine, repeats: number) => void
  readonly #reminder = new Reminder(
    () => this.#remind(),
    () => this.tell(),
  )
  /** In the order of their ends, as all windows are of one length. */
  readonly #lines = new Map<string, Remembered>()

  /** `tell` writes a line with the number of its repeats. Throws `LogError`. */
  constructor(options: RepeatOptions, tell: (line: TimelessLine, repeats: number) => void) {
    checkOptionNames('repeats', options, ['windowMs', 'levels'])
    checkInterval('repeats.windowMs', options.windowMs)
    this.#windowMs = options.windowMs
    this.watches = resolveLevels('repeats', options.levels)
    this.#tell = tell
  }

  /** Whether such a line was written a moment ago, so that this one is only counted. */
  isRepeat(line: TimelessLine): boolean {
    if (!this.watches(line.level)) return false
    const key = `${line.level}\n${line.label}\n${line.fields}\n${line.message ?? ''}`
    if (key.length > MAX_LINE_LENGTH) return false
    const now = clock.now()
    this.#forget(now)
    const known = this.#lines.get(key)
    if (known !== undefined) {
      known.repeats += 1
      stats.repeatedLines += 1
      this.#reminder.set(known.end - now)
      return true
    }
    if (this.#lines.size >= MAX_LINES) this.#forgetOldest()
    this.#lines.set(key, { line, end: now + this.#windowMs, repeats: 0 })
    return false
  }

  /** Tells of the repeats that were not told yet. */
  tell(): void {
    for (const remembered of this.#lines.values()) this.#tellOf(remembered)
  }

  #forget(now: number): void {
    for (const { end } of this.#lines.values()) {
      if (end > now) return
      this.#forgetOldest()
    }
  }

  #forgetOldest(): void {
    for (const [key, remembered] of this.#lines) {
      this.#lines.delete(key)
      this.#tellOf(remembered)
      return
    }
  }

  #tellOf(remembered: Remembered): void {
    const { line, repeats } = remembered
    if (repeats === 0) return
    remembered.repeats = 0
    this.#tell(line, repeats)
  }

  /** Some windows may end later than the one that the reminder was set for. */
  #remind(): void {
    const now = clock.now()
    this.#forget(now)
    for (const { end, repeats } of this.#lines.values()) {
      if (repeats === 0) continue
      this.#reminder.set(end - now)
      return
    }
  }
}
