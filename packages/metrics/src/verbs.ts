/**
 * The verbs of go-metrics: recording under names that nobody declared. The first use of a name makes up its
 * instrument; labels may differ from call to call, and a label that a call does not give is absent ('') there.
 */

import type { CounterCell, GaugeCell, HistogramCell } from './cell.ts'
import { defaultBuckets } from './histogram.ts'
import type { Definition, Instrument } from './instrument.ts'
import type { Labels } from './labels.ts'
import { isMetricName, isOwnName, type InstrumentKind, type Unit } from './naming.ts'
import type { Registry } from './registry.ts'

const noLabels: Labels = Object.freeze({})

/** Finds the cells that verbs record into. Nothing here throws: what cannot be had is counted. */
export class Verbs {
  readonly #registry: Registry
  readonly #maxSeries: number
  readonly #prefix: string

  constructor(registry: Registry, maxSeries: number, prefix: string) {
    this.#registry = registry
    this.#prefix = prefix
    this.#maxSeries = maxSeries
  }

  counter(name: string, labels: Labels | undefined): CounterCell | undefined {
    const instrument = this.#instrument(name, 'counter', '', labels)
    return instrument?.kind === 'counter' ? this.#cell(instrument, labels) : undefined
  }

  gauge(name: string, labels: Labels | undefined): GaugeCell | undefined {
    const instrument = this.#instrument(name, 'gauge', '', labels)
    return instrument?.kind === 'gauge' ? this.#cell(instrument, labels) : undefined
  }

  histogram(name: string, unit: Unit | '', labels: Labels | undefined): HistogramCell | undefined {
    const instrument = this.#instrument(name, 'histogram', unit, labels)
    return instrument?.kind === 'histogram' ? this.#cell(instrument, labels) : undefined
  }

  #instrument(
    suffix: string,
    kind: InstrumentKind,
    unit: Unit | '',
    labels: Labels = noLabels,
  ): Instrument | undefined {
    const name = typeof suffix === 'string' ? this.#prefix + suffix : suffix
    if (!isMetricName(name) || isOwnName(name)) {
      this.#registry.drops.count('bad_name')
      return undefined
    }
    // The keys of a text are as many as its characters.
    if (typeof labels !== 'object') {
      this.#registry.drops.count('bad_labels')
      return undefined
    }
    const definition: Omit<Definition, 'labelNames'> = {
      name,
      kind,
      unit,
      help: '',
      bounds: kind === 'histogram' ? defaultBuckets : [],
      native: false,
      findSpan: undefined,
      maxSeries: this.#maxSeries,
      ttlMs: Infinity,
      observed: false,
      open: false,
    }
    try {
      return this.#registry.improvise(definition, Object.keys(labels))
    } catch {
      this.#registry.drops.count('bad_labels')
      return undefined
    }
  }

  #cell<C>(instrument: Findable<C>, labels: Labels = noLabels): C | undefined {
    const { name, table } = instrument
    const cell = this.#registry.isImprovised(name) ? table.findLoosely(labels) : table.find(labels)
    if (cell === undefined) this.#registry.drops.count('bad_labels')
    return cell
  }
}

interface Findable<C> {
  readonly name: string
  readonly table: { find(labels: Labels): C | undefined; findLoosely(labels: Labels): C | undefined }
}
