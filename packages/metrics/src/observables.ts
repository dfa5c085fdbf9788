/**
 * Observables: functions that are asked for their values whenever a sink collects. What they return is as
 * untrusted as any recording; whatever they do, the other metrics are not touched.
 */

import type { Drops } from './drops.ts'
import type { CounterInstrument, GaugeInstrument } from './instrument.ts'
import type { Labels } from './labels.ts'

/** What an observable's function returns: one number, or numbers with their labels. */
export type Observation<L extends string = string> =
  | number
  | Iterable<readonly [labels: Labels<L>, value: number]>

type Observed = CounterInstrument | GaugeInstrument

/** Asks all functions of one instrument, and shows exactly the series that they reported. */
export function collectInto(instrument: Observed, reads: Iterable<() => unknown>, drops: Drops): void {
  instrument.table.beginCollection()
  for (const read of reads) {
    try {
      reportAll(instrument, read(), drops)
    } catch {
      drops.count('observable_failed')
    }
  }
  instrument.table.endCollection()
}

function reportAll(instrument: Observed, observed: unknown, drops: Drops): void {
  if (typeof observed === 'number') {
    report(instrument, {}, observed, drops)
    return
  }
  if (observed instanceof Promise) {
    // An async function is a mistake, counted below; its rejection must not end the process as well.
    observed.catch(() => {})
  }
  for (const [labels, value] of observed as Iterable<[Labels, unknown]>)
    report(instrument, labels, value, drops)
}

function report(instrument: Observed, labels: Labels, value: unknown, drops: Drops): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || (instrument.kind === 'counter' && value < 0)) {
    drops.count('bad_value')
    return
  }
  const cell = instrument.table.report(labels)
  if (cell === undefined) drops.count('bad_labels')
  else cell.target.value = value
}
