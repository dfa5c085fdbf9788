// Those who carry what is done to a tree to other trees, and what they know of where it has been done.

import { threadId } from 'node:worker_threads'
import type { LevelCarrier, LevelOperation, Place } from './level-operation.ts'
import { stats } from './stats.ts'

const nowhere: readonly Place[] = []

/** The carriers of one tree. */
export class Carriers {
  readonly #carriers = new Set<LevelCarrier>()
  /** The one whose operation is being done, which knows of it already. */
  #source: LevelCarrier | undefined
  #applied: Promise<readonly Place[]> = Promise.resolve(nowhere)

  add(carrier: LevelCarrier): () => void {
    this.#carriers.add(carrier)
    return () => {
      this.#carriers.delete(carrier)
    }
  }

  /** Calls `fn`, which does what `source` has brought. */
  during(source: LevelCarrier | undefined, fn: () => void): void {
    const outer = this.#source
    this.#source = source
    try {
      fn()
    } finally {
      this.#source = outer
    }
  }

  /** Has all but the source carry an operation. Never throws. */
  send(operation: LevelOperation): void {
    const here: Place = { pid: process.pid, thread: threadId }
    const sent: Promise<readonly Place[]>[] = []
    for (const carrier of this.#carriers) {
      if (carrier !== this.#source) sent.push(carry(carrier, operation))
    }
    this.#applied = Promise.all(sent).then((places) => [here, ...places.flat()])
  }

  /** Where the last operation has been done. Never rejects. */
  applied(): Promise<readonly Place[]> {
    return this.#applied
  }
}

/** Never throws and never rejects, whatever the carrier does. */
async function carry(carrier: LevelCarrier, operation: LevelOperation): Promise<readonly Place[]> {
  try {
    return await carrier.send(operation)
  } catch {
    stats.failedListeners += 1
    return nowhere
  }
}
