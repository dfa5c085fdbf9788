/*
 * How a context ended: an error, its cause and the time. A context that ends with an ancestor shares the ancestor's
 * ending, and with it the identity of the error.
 */
import type { CanceledError, DeadlineExceededError } from './errors.ts'
import { canceledError } from './errors.ts'

/** One ending; internal. The error of a cancellation is built when it is first asked for: most are never read. */
export class Ending {
  /** When it happened in ms on the monotonic clock, -Infinity when nobody below has a deadline to compare it with. */
  readonly at: number
  readonly #given: unknown
  #error: CanceledError | DeadlineExceededError | undefined

  constructor(at: number, given: unknown, error: CanceledError | DeadlineExceededError | undefined) {
    this.at = at
    this.#given = given ?? undefined
    this.#error = error
  }

  get error(): CanceledError | DeadlineExceededError {
    return (this.#error ??= canceledError(this.#given))
  }

  get cause(): unknown {
    return this.#given ?? this.error
  }
}

/** In place of the ending of what never ends: a root; internal. */
export const never: Ending = new Ending(Infinity, undefined, undefined)

/** In place of the ending of what is live and has a deadline below, to be compared with the time of its end; internal. */
export const timed: Ending = new Ending(Infinity, undefined, undefined)

/** In place of the ending of what nobody watched and somebody cancelled without a cause, until one is asked for; internal. */
export const unasked: Ending = new Ending(-Infinity, undefined, undefined)
