/** The second signal: somebody is in a hurry. */

import type { CancelContext } from '@kit/context'
import { background, clock } from '@kit/context'

/** A signal that comes within this many ms of the first is its echo. */
const echoMs = 500

const signals = ['SIGINT', 'SIGTERM'] as const

/** A context that ends at a second SIGINT or SIGTERM. A third ends the process as if nobody listened. */
export class Hurry {
  readonly ctx: CancelContext
  readonly #sinceMs: number
  readonly #listener: (signal: NodeJS.Signals) => void

  constructor() {
    this.ctx = background.withCancel()
    this.#sinceMs = clock.now()
    this.#listener = (signal) => {
      if (clock.now() - this.#sinceMs < echoMs) return
      this.ctx.cancel(signal)
      this.end()
    }
    for (const signal of signals) process.on(signal, this.#listener)
  }

  /** Listens no more. */
  end(): void {
    for (const signal of signals) process.off(signal, this.#listener)
  }
}
