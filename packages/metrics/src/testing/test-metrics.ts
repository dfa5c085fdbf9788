/**
 * Metrics for tests: a `Metrics` of its own whose numbers can be asked one by one.
 */

import type { Labels } from '../labels.ts'
import { createMetrics, type Metrics, type MetricsOptions } from '../metrics.ts'
import type { MetricSource, Sink } from '../sink.ts'
import type { HistogramPoint, NumberPoint } from '../snapshot.ts'

/** Metrics that answer questions. Labels match exactly, in any order; absent labels may be left out or ''. */
export interface TestMetrics extends Metrics {
  /** The value of a counter or gauge series; undefined when there is no such series. */
  value(name: string, labels?: Labels): number | undefined
  /** Count and sum of a histogram series; undefined when there is no such series. */
  distribution(name: string, labels?: Labels): { readonly count: number; readonly sum: number } | undefined
  /** Every value that a histogram series observed, in order; the first 10,000 of each series are kept. */
  observations(name: string, labels?: Labels): readonly number[]
  /** How much was dropped, for one reason or for all. */
  dropped(reason?: string): number
}

/** Creates metrics for one test. */
export function testMetrics(options?: MetricsOptions): TestMetrics {
  const metrics = createMetrics(options)
  const observations = new Observations()
  metrics.attach(observations)
  const point = (name: string, labels: Labels): NumberPoint | HistogramPoint | undefined => {
    const wanted = keyOf(labels)
    const metric = metrics.snapshot().metrics.find((candidate) => candidate.name === name)
    return metric?.series.find((series: NumberPoint | HistogramPoint) => keyOf(series.labels) === wanted)
  }
  return Object.assign(metrics, {
    value(name: string, labels: Labels = {}): number | undefined {
      const found = point(name, labels)
      return found !== undefined && 'value' in found ? found.value : undefined
    },
    distribution(name: string, labels: Labels = {}): { count: number; sum: number } | undefined {
      const found = point(name, labels)
      return found !== undefined && 'sum' in found ? { count: found.count, sum: found.sum } : undefined
    },
    observations(name: string, labels: Labels = {}): readonly number[] {
      return observations.of(name, keyOf(labels))
    },
    dropped(reason?: string): number {
      const metric = metrics.snapshot().metrics.find(({ name }) => name === 'kit.metrics.dropped')
      if (metric === undefined || metric.kind === 'histogram') return 0
      return metric.series
        .filter(({ labels }) => reason === undefined || labels['reason'] === reason)
        .reduce((sum, { value }) => sum + value, 0)
    },
  })
}

const maxObservations = 10_000

class Observations implements Sink {
  readonly name = 'test'
  readonly #kept: { name: string; labels: () => Record<string, string>; values: number[] }[] = []

  start(source: MetricSource): void {
    source.tap((instrument, series) => {
      const values: number[] = []
      const labels = (): Record<string, string> =>
        Object.fromEntries(instrument.labelNames.map((name, i) => [name, series.labelValues[i] ?? '']))
      this.#kept.push({ name: instrument.name, labels, values })
      return {
        observe(value) {
          if (values.length < maxObservations) values.push(value)
        },
      }
    })
  }

  of(name: string, key: string): readonly number[] {
    const found = this.#kept.find((kept) => kept.name === name && keyOf(kept.labels()) === key)
    return [...(found?.values ?? [])]
  }
}

function keyOf(labels: Labels): string {
  const names = Object.keys(labels).filter((name) => labels[name] !== '')
  return JSON.stringify(
    names.toSorted((a, b) => (a < b ? -1 : 1)).map((name) => [name, String(labels[name])]),
  )
}
