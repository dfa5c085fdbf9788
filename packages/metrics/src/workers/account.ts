/**
 * Accounts: where the numbers of one series of one worker go in this thread.
 */

import { CounterCell, GaugeCell, HistogramCell } from '../cell.ts'
import type { Distribution } from './distribution.ts'
import { addExemplar, addToCell } from './merge.ts'
import type { ExemplarReport } from './protocol.ts'
import { isRecorded, shareCell, type Combination, type SharedCell } from './shared-cell.ts'

/** Takes the numbers of one series. */
export type Account = CounterAccount | GaugeAccount | HistogramAccount

/** Takes what a counter grew by. */
export interface CounterAccount {
  readonly kind: 'counter'
  add(amount: number): void
}

/** Takes what a gauge is. */
export interface GaugeAccount {
  readonly kind: 'gauge'
  set(value: number): void
  /** The worker says nothing more of it. */
  close(): void
}

/** Takes what a histogram observed. */
export interface HistogramAccount {
  readonly kind: 'histogram'
  add(more: Distribution): void
  exemplar(exemplar: ExemplarReport): void
}

/** An account with a series that is shared. */
export function sharedAccount(shared: SharedCell, kind: 'counter' | 'gauge'): Account {
  if (kind === 'counter') {
    shared.add(0)
    return { kind, add: (amount) => shared.add(amount) }
  }
  const account: GaugeAccount = {
    kind,
    set: (value) => shared.set(account, value),
    close: () => shared.delete(account),
  }
  return account
}

/** An account with a cell that is recorded into; undefined if it is none, as where labels do not fit. */
export function recordedAccount(
  cell: unknown,
  bounds: readonly number[],
  combination: Combination,
): Account | undefined {
  if (cell instanceof CounterCell) return { kind: 'counter', add: (amount) => cell.inc(amount) }
  if (cell instanceof GaugeCell) {
    return sharedAccount(shareCell(cell, combination, isRecorded(cell)), 'gauge')
  }
  if (!(cell instanceof HistogramCell)) return undefined
  return {
    kind: 'histogram',
    add: (more) => addToCell(cell, bounds, more),
    exemplar: (exemplar) => addExemplar(cell, exemplar),
  }
}
