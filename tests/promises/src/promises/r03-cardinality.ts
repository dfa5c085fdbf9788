/** R3: label values from attackers cost a bounded number of series, and nothing that was counted is lost. */

import { createMetrics } from '@kit/metrics'
import type { PublishedPromise } from '../promise.ts'

const values = 1_000_000
const budget = 2_000

export const promise: PublishedPromise = {
  id: 'R3',
  says: 'Label values from outside cost a bounded number of series and bounded memory, and what they counted stays counted.',
  tiers: ['change', 'nightly'],
  speaksOf: [
    'packages/metrics/src/series.ts',
    'packages/metrics/src/label-index.ts',
    'packages/metrics/src/labels.ts',
  ],
  async run(trial) {
    const metrics = createMetrics()
    const counter = metrics.counter('requests', { labels: ['who'] })
    const filler = 'x'.repeat(1_000)
    const before = settledHeap()
    for (let i = 0; i < values; i++) {
      counter.inc({ who: `${filler}${i.toString(36).padStart(24, '0')}` })
      if (i % 100_000 === 0) trial.progress(i, values, 'values')
    }
    const grown = settledHeap() - before
    const found = metrics.snapshot().metrics.find(({ name }) => name === 'requests')
    const numbers = (found?.series ?? []).map((series) => ('value' in series ? series.value : Number.NaN))
    trial.figure({ what: 'series', value: numbers.length, unit: 'series', atMost: budget + 1 })
    trial.figure({ what: 'counted', value: sum(numbers), unit: 'increments', exactly: values })
    trial.figure({
      what: 'counted by the overflow series',
      value: Math.max(...numbers),
      unit: 'increments',
      exactly: values - budget,
    })
    trial.figure({ what: 'memory kept', value: grown / 2 ** 20, unit: 'MiB', atMost: 8 })
    await metrics.shutdown()
  },
  plants: [
    {
      bug: 'the budget of an instrument is not looked at',
      file: 'metrics/dist/series.js',
      find: 'return this.#counted < maxSeries && budget.used < budget.max;',
      replace: 'return budget.used < budget.max;',
    },
    {
      bug: 'what is beyond the budget is not counted',
      file: 'metrics/dist/series.js',
      find: 'this.#options.observed ? this.#void : this.#overflowCell()',
      replace: 'this.#void',
    },
  ],
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

function settledHeap(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
