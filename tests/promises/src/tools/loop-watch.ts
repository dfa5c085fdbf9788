/** How long the event loop was held up, not counting what the machine gave to other processes meanwhile. */

import { closeSync, openSync, readSync } from 'node:fs'

/** Watches the loop of the main thread, turn by turn, which keeps one core busy. */
export class LoopWatch {
  /** The longest turn so far, in milliseconds. */
  longestMs = 0
  readonly #waited = new WaitedFor()
  #isOver = false

  constructor() {
    let last = performance.now()
    let waited = this.#waited.readMs()
    const turn = (): void => {
      const now = performance.now()
      const waitedNow = this.#waited.readMs()
      this.longestMs = Math.max(this.longestMs, now - last - (waitedNow - waited))
      // What the look itself took is nobody's turn.
      last = performance.now()
      waited = waitedNow
      if (!this.#isOver) setImmediate(turn)
    }
    setImmediate(turn)
  }

  /** The longest turn; ends the watch. */
  stop(): number {
    this.#isOver = true
    this.#waited.close()
    return this.longestMs
  }
}

/** How long the main thread was ready to run and did not, because the machine had other things to do. Linux tells. */
export class WaitedFor {
  readonly #fd: number | undefined
  readonly #buffer = Buffer.alloc(128)
  #isClosed = false

  constructor() {
    this.#fd = openIfThere('/proc/self/schedstat')
  }

  /** Milliseconds since the process began; 0 where nobody tells. */
  readMs(): number {
    if (this.#fd === undefined || this.#isClosed) return 0
    const length = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, 0)
    const [, waitedNs] = this.#buffer.toString('latin1', 0, length).split(' ')
    return Number(waitedNs ?? 0) / 1e6
  }

  close(): void {
    if (this.#fd !== undefined && !this.#isClosed) closeSync(this.#fd)
    this.#isClosed = true
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch {
    return undefined
  }
}
