/**
 * A metric that an observable of the workers reports, and perhaps one of this thread. Each collection here shows this
 * thread's series and the workers' together.
 */

import type { Labels } from '../labels.ts'
import type { Metrics } from '../metrics.ts'
import type { SeriesTable } from '../series.ts'
import type { MetricSource, NumberSeries } from '../sink.ts'
import { sharedAccount, type Account } from './account.ts'
import { observedInstrument } from './origin.ts'
import type { InstrumentDefinition } from './protocol.ts'
import { shareCell, type Combination, type NumberCell, type SharedCell } from './shared-cell.ts'

type Observed = NonNullable<ReturnType<typeof observedInstrument>>

/** The series of one observed instrument that workers have a share in. */
export class SharedObservable {
  readonly #definition: InstrumentDefinition
  readonly #combination: Combination
  readonly #instrument: Observed | undefined
  readonly #shared = new Map<SharedCell, Labels>()
  readonly #remove: () => void

  /** Throws what declaring an observable throws. `prefix` and `local` make the full name. */
  constructor(
    metrics: Metrics,
    source: MetricSource,
    prefix: string,
    local: string,
    definition: InstrumentDefinition,
    combination: Combination,
  ) {
    const { unit, help, labels } = definition
    const kind = definition.kind === 'counter' ? 'counter' : 'gauge'
    this.#definition = definition
    this.#combination = combination
    this.#remove = metrics.observable(local, { kind, unit, help, labels }, () => this.#read())
    const shape = { kind, unit, help, labelNames: labels } as const
    this.#instrument = observedInstrument(source, { ...shape, name: prefix + local })
  }

  /** Whether another worker's instrument is the same. */
  fits({ kind, unit, labels }: InstrumentDefinition): boolean {
    const { kind: ownKind, unit: ownUnit, labels: ownLabels } = this.#definition
    return (
      kind === ownKind &&
      unit === ownUnit &&
      labels.length === ownLabels.length &&
      labels.every((label) => ownLabels.includes(label))
    )
  }

  /** The account of a series of a worker; undefined over the budget. */
  account(labels: Labels): Account | undefined {
    const instrument = this.#instrument
    const cell = this.#cell(labels)
    if (instrument === undefined || cell === undefined) return undefined
    const shared = shareCell(cell, this.#combination, instrument.series().includes(cell))
    this.#shared.set(shared, labels)
    return sharedAccount(shared, instrument.kind)
  }

  /** Stops showing the series that this thread does not report itself. */
  close(): void {
    this.#remove()
  }

  #cell(labels: Labels): NumberCell | undefined {
    const table: SeriesTable<NumberCell, NumberSeries> | undefined = this.#instrument?.table
    const cell = table?.find(labels)
    if (table === undefined || cell === undefined) return undefined
    // Over the budget, observables get a cell that is nobody's and has no labels.
    const isListed = cell.labelValues.length > 0 || table.cells().includes(cell)
    return isListed ? cell : undefined
  }

  *#read(): Generator<readonly [Labels, number]> {
    for (const [shared, labels] of this.#shared) {
      if (!shared.isShared) {
        this.#shared.delete(shared)
        continue
      }
      const cell = this.#cell(labels)
      if (cell !== undefined) shared.takeOver(cell, false)
      shared.beginReport()
      yield [labels, 0]
      shared.endReport()
    }
  }
}
