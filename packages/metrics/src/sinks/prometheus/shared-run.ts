/**
 * Work that several callers share without any of them getting an outcome that began before it asked: who comes
 * before a run has started joins it, who comes later joins the next one.
 */

import { nextTurn } from './slices.ts'

/** Runs `work`, one run after the other, and tells it how many callers wait for its outcome. */
export class SharedRun<T> {
  readonly #work: (callers: number) => Promise<T>
  #waiting: Promise<T> | undefined
  #callers = 0
  #last: Promise<void> = Promise.resolve()

  constructor(work: (callers: number) => Promise<T>) {
    this.#work = work
  }

  /** The outcome of the next run to start: once the running one is over, and never in the turn of the call. */
  join(): Promise<T> {
    this.#callers++
    if (this.#waiting === undefined) {
      const run = this.#after(this.#last)
      this.#waiting = run
      // Nothing of the outcome: it would be kept until the next run.
      this.#last = run.then(nothing, nothing)
    }
    return this.#waiting
  }

  async #after(last: Promise<void>): Promise<T> {
    await last
    // Requests that have arrived together are handed out one by one, each with all that its promises start: those of
    // one round of the event loop are all here when it turns.
    await nextTurn()
    const callers = this.#callers
    this.#callers = 0
    this.#waiting = undefined
    return this.#work(callers)
  }
}

function nothing(): void {}
