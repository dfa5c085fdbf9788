// How long a write waits for a reader that is behind. A synchronous write has no event loop to wait on: it stops
// the thread, so there is an end to it.

/** Milliseconds without any progress after which a reader counts as stalled. */
export const STALL_MS = 1000
/** Milliseconds that one line waits for a reader that moves, but slowly. */
export const SLOW_MS = 10_000
const LONGEST_SLEEP_MS = 16

/** One wait, which may be interrupted by progress. */
export class Patience {
  readonly #sleep: (ms: number) => void
  readonly #stallMs: number
  #leftMs: number
  #waitedMs = 0
  #nextMs = 1

  constructor(sleep: (ms: number) => void, stallMs: number = STALL_MS, slowMs: number = SLOW_MS) {
    this.#sleep = sleep
    this.#stallMs = stallMs
    this.#leftMs = slowMs
  }

  /** Sleeps a little; false when the end is reached. */
  wait(): boolean {
    if (this.#waitedMs >= this.#stallMs || this.#leftMs <= 0) return false
    this.#sleep(this.#nextMs)
    this.#waitedMs += this.#nextMs
    this.#leftMs -= this.#nextMs
    this.#nextMs = Math.min(this.#nextMs * 2, LONGEST_SLEEP_MS)
    return true
  }

  /** The reader has moved. */
  progress(): void {
    this.#waitedMs = 0
    this.#nextMs = 1
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** Blocks the thread. */
export function sleepSync(ms: number): void {
  Atomics.wait(sleeper, 0, 0, ms)
}
