// Sampling, as in zap: of the lines with one level and one message, the first few of each interval are written and
// after that every so-manieth. A message is what the call gives, before arguments are put in, so `'took %d ms'` is
// one. What is left out is counted and told at the end of the interval.

import { clock } from '@kit/context'
import { checkOptionNames, LogError } from './errors.ts'
import type { LineLevel } from './level.ts'
import { stats } from './stats.ts'
import { checkInterval, Reminder, resolveLevels } from './suppression.ts'

/** How many lines of one level and message are written. */
export interface SamplingOptions {
  /** Lines that are written first in each interval. */
  initial: number
  /** After those, every so-manieth is written; 0 for none. */
  thereafter: number
  /** The length of an interval in milliseconds, at most a day. Default 1,000. */
  perMs?: number | undefined
  /** The levels that are sampled. Default: all below `error`. */
  levels?: readonly LineLevel[] | undefined
}

/** Messages of one interval that are counted apart. Those beyond are counted together, by level. */
const MAX_MESSAGES = 1024
/** Messages that an interval's end tells of apart. */
const MAX_TOLD = 64
/** UTF-16 units by which messages are told apart. */
const MAX_MESSAGE_LENGTH = 256

/** Writes the line that tells what was left out; `like` is the message, undefined for several. */
export type TellSampled = (level: number, suppressed: number, like: string | undefined) => void

interface Counter {
  readonly level: number
  readonly message: string | undefined
  lines: number
  suppressed: number
}

/** Decides which lines are written. */
export class Sampler {
  readonly #initial: number
  readonly #thereafter: number
  readonly #perMs: number
  /** Whether lines of this level are sampled. */
  readonly samples: (level: number) => boolean
  readonly #tell: TellSampled
  readonly #reminder = new Reminder(
    () => this.tell(),
    () => this.tell(),
  )
  readonly #counters = new Map<string, Counter>()
  #end = -Infinity

  /** Throws `LogError`: `KIT_LOG_BAD_OPTION`, `KIT_LOG_UNKNOWN_OPTION`. */
  constructor(options: SamplingOptions, tell: TellSampled) {
    checkOptionNames('sampling', options, ['initial', 'thereafter', 'perMs', 'levels'])
    const { initial, thereafter, perMs = 1000, levels } = options
    if (!isCount(initial) || !isCount(thereafter) || initial + thereafter === 0) {
      throw new LogError(
        'KIT_LOG_BAD_OPTION',
        'sampling.initial and sampling.thereafter are whole numbers, and not both 0: nothing would be written.',
      )
    }
    checkInterval('sampling.perMs', perMs)
    this.#initial = initial
    this.#thereafter = thereafter
    this.#perMs = perMs
    this.samples = resolveLevels('sampling', levels)
    this.#tell = tell
  }

  /** Whether a line is to be written. */
  allows(level: number, message: string | undefined): boolean {
    if (!this.samples(level)) return true
    const now = clock.now()
    if (now >= this.#end) {
      this.tell()
      this.#counters.clear()
      this.#end = now + this.#perMs
    }
    const counter = this.#counter(level, message)
    counter.lines += 1
    const beyond = counter.lines - this.#initial
    if (beyond <= 0 || (this.#thereafter > 0 && beyond % this.#thereafter === 0)) return true
    counter.suppressed += 1
    stats.sampledLines += 1
    this.#reminder.set(this.#end - now)
    return false
  }

  /** Tells what was left out and not told yet. */
  tell(): void {
    let told = 0
    const rest = new Map<number, number>()
    for (const counter of this.#counters.values()) {
      const { level, message, suppressed } = counter
      if (suppressed === 0) continue
      counter.suppressed = 0
      if (message !== undefined && told < MAX_TOLD) {
        told += 1
        this.#tell(level, suppressed, message)
      } else rest.set(level, (rest.get(level) ?? 0) + suppressed)
    }
    for (const [level, suppressed] of rest) this.#tell(level, suppressed, undefined)
  }

  #counter(level: number, message: string | undefined): Counter {
    const text = (message ?? '').slice(0, MAX_MESSAGE_LENGTH)
    const known = this.#counters.get(`${level} ${text}`)
    if (known !== undefined) return known
    const isRoom = this.#counters.size < MAX_MESSAGES
    const key = isRoom ? `${level} ${text}` : String(level)
    const counter = this.#counters.get(key) ?? {
      level,
      message: isRoom ? text : undefined,
      lines: 0,
      suppressed: 0,
    }
    this.#counters.set(key, counter)
    return counter
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
