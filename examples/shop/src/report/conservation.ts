/**
 * Is everything that happened in the metrics, and nothing else? Sets the shoppers' ledger beside what the gateway
 * reports in three independent ways, entry by entry.
 */

import type { Entry, Ledger } from '../traffic/ledger.ts'

/** One entry, counted by everybody. */
export interface Comparison extends Entry {
  readonly sent: number
  readonly counted: readonly number[]
  readonly equal: boolean
}

/** Compares the ledger with other counts of the same; every entry that anybody knows gets a line. */
export function compare(truth: Ledger, counts: readonly Ledger[]): Comparison[] {
  const entries = new Map<string, Entry>()
  for (const ledger of [truth, ...counts]) {
    for (const entry of ledger.entries()) entries.set(sortKey(entry), entry)
  }
  return [...entries]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, entry]) => {
      const sent = truth.count(entry)
      const counted = counts.map((ledger) => ledger.count(entry))
      return { ...entry, sent, counted, equal: counted.every((count) => count === sent) }
    })
}

function sortKey({ method, route, status }: Entry): string {
  return [route === '' ? '~' : route, method, status].join('\n')
}
