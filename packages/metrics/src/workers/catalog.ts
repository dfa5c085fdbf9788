/**
 * The catalog: for each series of a worker, the account in this thread that takes its numbers. Instruments are
 * declared here as the worker declared them, through the same door as everybody's, so all budgets and filters apply.
 */

import { MetricsError } from '../errors.ts'
import type { Counter, Gauge, Histogram } from '../instrument.ts'
import type { Labels } from '../labels.ts'
import type { Metrics } from '../metrics.ts'
import type { MetricSource } from '../sink.ts'
import { recordedAccount, type Account } from './account.ts'
import type { GaugeRule } from './gauge-rule.ts'
import { SharedObservable } from './observed.ts'
import { improvised } from './origin.ts'
import { PerWorkerGauge } from './per-worker.ts'
import type { InstrumentDefinition } from './protocol.ts'
import type { Combination } from './shared-cell.ts'

/** Opens the account of one series of one worker; undefined if it cannot be had. */
export type OpenAccount = (labels: Labels, worker: string) => Account | undefined

/** Why a worker's instrument cannot be had here. */
export type Refusal = 'conflict' | 'malformed' | 'overflow'

/** The instruments that workers have. */
export class Catalog {
  readonly #metrics: Metrics
  readonly #source: MetricSource
  readonly #ruleOf: (name: string) => GaugeRule
  readonly #prefix: string
  readonly #maxInstruments: number
  readonly #names = new Set<string>()
  readonly #observed = new Map<string, SharedObservable | PerWorkerGauge>()

  constructor(
    metrics: Metrics,
    source: MetricSource,
    ruleOf: (name: string) => GaugeRule,
    prefix: string,
    maxInstruments: number,
  ) {
    this.#metrics = metrics
    this.#source = source
    this.#ruleOf = ruleOf
    this.#prefix = prefix
    this.#maxInstruments = maxInstruments
  }

  /** How to open the accounts of an instrument's series, or why there can be none. */
  open(definition: InstrumentDefinition): OpenAccount | Refusal {
    const { name } = definition
    // A worker that puts the same prefix before its names means the same metric.
    const local = name.startsWith(this.#prefix) ? name.slice(this.#prefix.length) : name
    if (!this.#names.has(local) && this.#names.size >= this.#maxInstruments) return 'overflow'
    const rule = definition.kind === 'gauge' ? this.#ruleOf(local) : 'sum'
    try {
      const opened = this.#declare(local, definition, rule)
      if (typeof opened === 'function') this.#names.add(local)
      return opened
    } catch (error) {
      return isConflict(error) ? 'conflict' : 'malformed'
    }
  }

  /** Takes the observables away that were added for workers. */
  close(): void {
    for (const observable of this.#observed.values()) observable.close()
    this.#observed.clear()
  }

  #declare(local: string, definition: InstrumentDefinition, rule: GaugeRule): OpenAccount | Refusal {
    if (rule === 'worker') return this.#perWorker(local, definition)
    if (definition.origin === 'verb') return this.#improvised(local, definition, rule)
    const ways = [() => this.#recorded(local, definition, rule), () => this.#shared(local, definition, rule)]
    if (definition.origin === 'observed') ways.reverse()
    if (definition.kind === 'histogram') return ways[0]!()
    try {
      return ways[0]!()
    } catch (error) {
      // What is recorded there may be observed here, and the other way round.
      if (!isConflict(error)) throw error
      return ways[1]!()
    }
  }

  #recorded(local: string, definition: InstrumentDefinition, rule: Combination): OpenAccount {
    const instrument = this.#instrument(local, definition)
    return (labels) => recordedAccount(instrument.labels(labels), definition.bounds, rule)
  }

  #instrument(
    local: string,
    { kind, unit, help, labels, bounds, native, origin }: InstrumentDefinition,
  ): Counter<string> | Gauge<string> | Histogram<string> {
    const spec = { unit, help, labels, open: origin === 'open' }
    if (kind === 'counter') return this.#metrics.counter(local, spec)
    if (kind === 'gauge') return this.#metrics.gauge(local, spec)
    return this.#metrics.histogram(local, { ...spec, buckets: bounds, native })
  }

  #improvised(local: string, definition: InstrumentDefinition, rule: Combination): OpenAccount | Refusal {
    const instrument = improvised(this.#source, this.#prefix + local, definition)
    if (instrument === undefined || instrument.kind !== definition.kind) return 'conflict'
    if (instrument.kind === 'histogram') {
      const { bounds, native } = instrument
      const isSame = bounds.length === definition.bounds.length && !native && !definition.native
      if (!isSame || bounds.some((bound, i) => bound !== definition.bounds[i])) return 'conflict'
    }
    return (labels) => {
      if (Object.keys(labels).some((label) => !instrument.labelNames.includes(label))) return undefined
      return recordedAccount(instrument.table.findLoosely(labels), definition.bounds, rule)
    }
  }

  #shared(local: string, definition: InstrumentDefinition, rule: Combination): OpenAccount | Refusal {
    let observable = this.#observed.get(local)
    if (observable === undefined) {
      observable = new SharedObservable(this.#metrics, this.#source, this.#prefix, local, definition, rule)
      this.#observed.set(local, observable)
    }
    if (!(observable instanceof SharedObservable) || !observable.fits(definition)) return 'conflict'
    return (labels) => observable.account(labels)
  }

  #perWorker(local: string, definition: InstrumentDefinition): OpenAccount | Refusal {
    let observable = this.#observed.get(local)
    if (observable === undefined) {
      observable = new PerWorkerGauge(this.#metrics, local, definition)
      this.#observed.set(local, observable)
    }
    if (!(observable instanceof PerWorkerGauge) || !observable.fits(definition)) return 'conflict'
    return (labels, worker) => observable.account(labels, worker)
  }
}

function isConflict(error: unknown): boolean {
  return error instanceof MetricsError && error.code === 'KIT_METRIC_CONFLICT'
}
