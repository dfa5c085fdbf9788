// Which of two deeds counts, when two threads change the same level at once: the later one, everywhere, in whatever
// order they arrive. Time is a hybrid logical clock (Kulkarni et al., 2014): the wall clock, but never behind what
// has been seen, with a turn for what happens in one millisecond.

import { clock } from '@kit/context'
import type { LevelOperation } from '../level-operation.ts'

/** When something was done, and by whom. */
export interface Stamp {
  readonly time: number
  readonly turn: number
  readonly origin: string
}

/** Before everything. */
export const never: Stamp = { time: 0, turn: 0, origin: '' }

/** How many overrides are remembered as ended, in case their beginning arrives after that. */
const MAX_ENDED = 256

/** Orders the deeds that one member does and hears of. */
export class Order {
  readonly #origin: string
  #last: Stamp = never
  #reset: Stamp = never
  readonly #sets = new Map<string, Stamp>()
  readonly #ended = new Set<string>()

  constructor(origin: string) {
    this.#origin = origin
  }

  /** The stamp of what is done here and now. */
  next(): Stamp {
    const now = clock.wallTime()
    const { time, turn } = this.#last
    this.#last =
      now > time
        ? { time: now, turn: 0, origin: this.#origin }
        : { time, turn: turn + 1, origin: this.#origin }
    return this.#last
  }

  /** When a target was last changed. */
  newest(name: string): Stamp {
    const own = this.#sets.get(name) ?? never
    return isBefore(own, this.#reset) ? this.#reset : own
  }

  /** Takes note of an operation; false if something newer has been done already. */
  take(operation: LevelOperation, stamp: Stamp): boolean {
    if (isBefore(this.#last, stamp)) this.#last = { ...stamp, origin: this.#origin }
    switch (operation.kind) {
      case 'set':
        return this.#takeName(operation.name, stamp)
      case 'reset':
        if (operation.name !== undefined) return this.#takeName(operation.name, stamp)
        if (isBefore(stamp, this.#reset)) return false
        this.#reset = stamp
        return true
      case 'end':
        this.#ended.add(operation.id)
        for (const id of this.#ended) {
          if (this.#ended.size <= MAX_ENDED) break
          this.#ended.delete(id)
        }
        return true
      case 'override':
        return !this.#ended.has(operation.id)
    }
  }

  #takeName(name: string, stamp: Stamp): boolean {
    if (isBefore(stamp, this.newest(name))) return false
    this.#sets.set(name, stamp)
    return true
  }
}

/** Whether one stamp is before another. */
export function isBefore(one: Stamp, other: Stamp): boolean {
  if (one.time !== other.time) return one.time < other.time
  if (one.turn !== other.turn) return one.turn < other.turn
  return one.origin < other.origin
}
