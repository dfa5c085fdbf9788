/**
 * A gauge that is shown once for each worker, with the additional label `worker`. Series vanish with their worker.
 */

import type { Labels } from '../labels.ts'
import type { Metrics } from '../metrics.ts'
import type { Account, GaugeAccount } from './account.ts'
import type { InstrumentDefinition } from './protocol.ts'

/** The label that tells workers apart. */
const workerLabel = 'worker'

interface Share {
  readonly labels: Labels
  readonly value: number
}

/** The values of all workers. */
export class PerWorkerGauge {
  readonly #labels: readonly string[]
  readonly #shares = new Map<GaugeAccount, Share>()
  readonly #remove: () => void

  /** Throws what declaring an observable throws. */
  constructor(metrics: Metrics, local: string, { unit, help, labels }: InstrumentDefinition) {
    this.#labels = labels
    const spec = { unit, help, labels: [...labels, workerLabel] }
    this.#remove = metrics.observable(local, spec, () => this.#read())
  }

  /** Whether another worker's instrument is the same. */
  fits({ labels }: InstrumentDefinition): boolean {
    return labels.length === this.#labels.length && labels.every((label) => this.#labels.includes(label))
  }

  /** The account of a series of a worker. */
  account(labels: Labels, worker: string): Account {
    const account: GaugeAccount = {
      kind: 'gauge',
      set: (value) => this.#shares.set(account, { labels: { ...labels, [workerLabel]: worker }, value }),
      close: () => this.#shares.delete(account),
    }
    return account
  }

  /** Shows nothing any more. */
  close(): void {
    this.#remove()
  }

  /** Several metrics of one worker, and workers of one name, are one series. */
  #read(): Iterable<readonly [Labels, number]> {
    const sums = new Map<string, { labels: Labels; value: number }>()
    for (const { labels, value } of this.#shares.values()) {
      const key = JSON.stringify([...this.#labels, workerLabel].map((label) => labels[label]))
      const sum = sums.get(key)
      if (sum === undefined) sums.set(key, { labels, value })
      else sum.value += value
    }
    return [...sums.values()].map(({ labels, value }) => [labels, value] as const)
  }
}
