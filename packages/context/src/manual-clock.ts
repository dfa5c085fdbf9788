/*
 * A clock for tests that stands still until it is advanced. It replaces the clock of the whole kit in the process,
 * so deadlines, sleeps, intervals and time stamps of every package follow it.
 */
import type { Clock, Timer } from './clock.ts'
import { ContextError } from './errors.ts'
import { state } from './state.ts'

/** A clock that moves only when it is told to. */
export interface ManualClock extends Clock, Disposable {
  /**
   * Lets `ms` milliseconds pass: runs the timers that become due in the order of their times, each at its own time,
   * including those that they set; wall time advances as well. Synchronous: what a timer triggers through promises
   * or `afterFunc` runs once the test awaits. Throws KIT_INVALID_TIMEOUT on a negative or non-finite number.
   */
  advance(ms: number): void
  /** Sets the wall clock, as a jump that leaves monotonic time and timers alone. */
  setWallTime(ms: number): void
  /** How many timers are set and have not run. */
  readonly pendingTimers: number
  /** Puts the clock back that was installed before, normally the real one. Pending timers never run. */
  [Symbol.dispose](): void
}

/**
 * Installs a manual clock in the process until it is disposed. Its monotonic time starts at `startMs` (default 0),
 * its wall time at 2020-01-01T00:00:00Z.
 */
export function manualClock(startMs = 0): ManualClock {
  const installed = new InstalledClock(startMs, state.clock)
  state.clock = installed
  return installed
}

interface Pending {
  readonly due: number
  fn: (() => void) | undefined
}

class InstalledClock implements ManualClock {
  #now: number
  #wallOffset: number
  /** By due time; those of one time in the order they were set. */
  readonly #pending: Pending[] = []
  readonly #previous: Clock | undefined

  constructor(startMs: number, previous: Clock | undefined) {
    this.#now = startMs
    this.#wallOffset = Date.UTC(2020, 0, 1) - startMs
    this.#previous = previous
  }

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return this.#now + this.#wallOffset
  }

  setTimer(afterMs: number, fn: () => void): Timer {
    const timer: Pending = { due: this.#now + (afterMs > 0 ? afterMs : 0), fn }
    this.#pending.splice(this.#position(timer.due), 0, timer)
    return {
      cancel: () => {
        const index = timer.fn === undefined ? -1 : this.#pending.indexOf(timer)
        timer.fn = undefined
        if (index !== -1) this.#pending.splice(index, 1)
      },
    }
  }

  advance(ms: number): void {
    if (!(ms >= 0 && ms < Infinity)) {
      throw new ContextError(
        'KIT_INVALID_TIMEOUT',
        'advance needs a finite number of milliseconds, 0 or more',
      )
    }
    const end = this.#now + ms
    for (let timer = this.#pending[0]; timer !== undefined && timer.due <= end; timer = this.#pending[0]) {
      this.#pending.shift()
      this.#now = Math.max(this.#now, timer.due)
      const { fn } = timer
      timer.fn = undefined
      fn?.()
    }
    this.#now = Math.max(this.#now, end)
  }

  setWallTime(ms: number): void {
    this.#wallOffset = ms - this.#now
  }

  get pendingTimers(): number {
    return this.#pending.length
  }

  [Symbol.dispose](): void {
    if (state.clock === this) state.clock = this.#previous
  }

  /** Where a timer of that time belongs: behind all that are due no later. */
  #position(due: number): number {
    let low = 0
    let high = this.#pending.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#pending[middle]?.due ?? Infinity) <= due) low = middle + 1
      else high = middle
    }
    return low
  }
}
