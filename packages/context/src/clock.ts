/*
 * The one clock that the kit reads: monotonic time, wall time and timers. Everything goes through `clock`,
 * so that a test can replace time as a whole (`manualClock` of `@kit/context/testing`). The fake timers of test
 * runners, which replace the globals, are obeyed as well.
 */
import { performance as platform } from 'node:perf_hooks'
import { setTimeout as platformTimeout } from 'node:timers'
import { state } from './state.ts'

/** A timer that was set with `Clock.setTimer`. */
export interface Timer {
  /** Prevents the function from running, if it has not run yet. Idempotent. */
  cancel(): void
}

/** Options of `Clock.setTimer`. */
export interface TimerOptions {
  /** Whether the pending timer keeps the process alive. Default false. */
  ref?: boolean
}

/** The one clock that the kit reads: monotonic time, wall time and timers, replaceable in tests. */
export interface Clock {
  /** Monotonic milliseconds on the time line of `performance.now()`; no wall-clock jump moves it. */
  now(): number
  /** Milliseconds since the Unix epoch, like `Date.now()`. */
  wallTime(): number
  /**
   * Runs `fn` once when at least `afterMs` have passed: never early, and for any length, `Infinity` included
   * (Node's own timers fire at once above 2^31-1 ms, and up to a millisecond early). NaN and negative count as 0.
   */
  setTimer(afterMs: number, fn: () => void, options?: TimerOptions): Timer
}

/** The clock in force: the installed one, else the real one. Costs two checks over the clock behind it. */
export const clock: Clock = {
  now: () => (state.clock === undefined ? realNow() : state.clock.now()),
  wallTime: () => (state.clock === undefined ? Date.now() : state.clock.wallTime()),
  setTimer: (afterMs, fn, options) =>
    state.clock === undefined
      ? timerAfter(afterMs, fn, options?.ref === true)
      : state.clock.setTimer(afterMs, fn, options),
}

/** A timer for a time on the monotonic clock, where the caller knows what it is now; internal. */
export function setTimerAt(due: number, now: number, fn: () => void): Timer {
  return state.clock === undefined
    ? new RealTimer(due, due - now, fn, false)
    : state.clock.setTimer(due - now, fn)
}

function timerAfter(afterMs: number, fn: () => void, ref: boolean): Timer {
  const delay = afterMs > 0 ? afterMs : 0
  return new RealTimer(realNow() + delay, delay, fn, ref)
}

/** The global `performance` is a getter, a tenth of the reading: it is asked only where fake timers are in force. */
function realNow(): number {
  return setTimeout === platformTimeout ? platform.now() : performance.now()
}

/** The longest delay that setTimeout takes; anything above it would fire after 1 ms. */
const longestDelayMs = 2 ** 31 - 1

class RealTimer implements Timer {
  readonly #due: number
  readonly #ref: boolean
  #fn: (() => void) | undefined
  #handle: NodeJS.Timeout

  constructor(due: number, delayMs: number, fn: () => void, ref: boolean) {
    this.#due = due
    this.#ref = ref
    this.#fn = fn
    this.#handle = this.#schedule(delayMs)
  }

  cancel(): void {
    this.#fn = undefined
    clearTimeout(this.#handle)
  }

  #schedule(delayMs: number): NodeJS.Timeout {
    const handle = setTimeout(wake, Math.max(0, Math.min(Math.ceil(delayMs), longestDelayMs)), this)
    return this.#ref ? handle : handle.unref()
  }

  wake(): void {
    const left = this.#due - realNow()
    if (left > 0) {
      this.#handle = this.#schedule(left)
      return
    }
    const fn = this.#fn
    this.#fn = undefined
    fn?.()
  }
}

function wake(timer: RealTimer): void {
  timer.wake()
}
