/**
 * Our metrics inside a registry of prom-client or @prometheus-io/client: for each instrument there is one metric of
 * their kind, which reads our cells whenever their registry asks.
 */

import type { MetricSource, SourceInstrument } from '../../sink.ts'
import { ExposedMetric } from './exposed-metric.ts'
import { familyName, takenNames } from './family.ts'
import { foreignNames, speaksOpenMetrics, type ExposableRegistry } from './foreign.ts'
import { hookMethods } from './hook.ts'

/** What reads a registry: whichever is called, our newest instruments must be there. */
const readingMethods = ['getMetricsAsArray', 'getSingleMetric', 'getSingleMetricAsString', 'resetMetrics']

/** One registry that our metrics are exposed in. */
export class ExposedRegistry {
  readonly #registry: ExposableRegistry
  readonly #prefix: string
  /** By the name that they were registered with, which their registry may since have changed on the metric. */
  readonly #metrics = new Map<SourceInstrument, { key: string; metric: ExposedMetric }>()
  readonly #unhook: () => void
  #source: MetricSource | undefined
  #generation = -1
  #collected = false
  #ended = false

  constructor(registry: ExposableRegistry, prefix: string) {
    this.#registry = registry
    this.#prefix = prefix
    this.#unhook = hookMethods(registry, readingMethods, () => this.#sync())
  }

  /** Begins to show what `source` has. */
  start(source: MetricSource): void {
    this.#source = source
    this.#generation = -1
    this.#sync()
  }

  /** Takes our metrics out again. */
  stop(): void {
    this.#source = undefined
    for (const instrument of this.#metrics.keys()) this.#remove(instrument)
  }

  /** Takes our metrics out for good, and leaves the registry as it was. */
  end(): void {
    this.#ended = true
    this.stop()
    this.#unhook()
  }

  /** Makes their registry hold exactly the instruments that are to be reported now. */
  #sync(): void {
    const source = this.#source
    if (source === undefined || this.#ended || source.generation === this.#generation) return
    this.#generation = source.generation
    const instruments = source.instruments()
    const present = new Set(instruments)
    for (const instrument of this.#metrics.keys()) if (!present.has(instrument)) this.#remove(instrument)
    const missing = instruments.filter((instrument) => !this.#metrics.has(instrument))
    if (missing.length === 0) return
    const taken = this.#takenByOthers()
    for (const instrument of missing) this.#add(source, instrument, taken)
  }

  #add(source: MetricSource, instrument: SourceInstrument, taken: ReadonlySet<string>): void {
    const family = familyName(this.#prefix, instrument)
    const key = instrument.kind === 'counter' ? `${family}_total` : family
    if (takenNames(this.#prefix, instrument).some((name) => taken.has(name))) {
      source.drop('conflict')
      return
    }
    const metric = new ExposedMetric(key, instrument, {
      collect: () => this.#collect(),
      isOpenMetrics: () => speaksOpenMetrics(this.#registry),
    })
    this.#registry.registerMetric(metric as never)
    this.#metrics.set(instrument, { key, metric })
  }

  #remove(instrument: SourceInstrument): void {
    const { key, metric } = this.#metrics.get(instrument)!
    this.#metrics.delete(instrument)
    metric.end()
    if (this.#registry.getSingleMetric(key) === metric) this.#registry.removeSingleMetric(key)
  }

  #takenByOthers(): Set<string> {
    const taken = new Set<string>()
    const ours = new Set<unknown>([...this.#metrics.values()].map(({ metric }) => metric))
    for (const metric of this.#registry.getMetricsAsArray() as readonly { name: string; type: string }[]) {
      if (!ours.has(metric)) for (const name of foreignNames(metric.name, metric.type)) taken.add(name)
    }
    return taken
  }

  /** Asks the observables, once for all metrics that are read in one go: their registry reads all of them so. */
  #collect(): void {
    if (this.#collected) return
    this.#collected = true
    queueMicrotask(() => {
      this.#collected = false
    })
    this.#source?.collect()
  }
}
