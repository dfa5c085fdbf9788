/**
 * One of our instruments in the shape of a metric of prom-client and @prometheus-io/client.
 */

import { prometheusLabelName } from '../../naming.ts'
import type {
  Exemplar,
  HistogramSeries,
  NumberSeries,
  SourceHistogram,
  SourceInstrument,
} from '../../sink.ts'
import { finite } from '../../snapshot.ts'
import { helpOf } from './family.ts'
import { exposedBySink, type ForeignExemplar, type ForeignMetric, type ForeignValue } from './foreign.ts'
import { canonicalFloat } from './text.ts'

/** What such a metric needs of the registry that it is in. */
export interface Exposure {
  /** Asks the observables. */
  collect(): void
  isOpenMetrics(): boolean
}

/** Their registries assign `name`, call `get` and `reset`, change what `get` answered, and read the other fields. */
export class ExposedMetric {
  name: string
  readonly help: string
  readonly type: string
  /** How workers' values are put together. */
  readonly aggregator = 'sum'
  readonly #instrument: SourceInstrument
  readonly #exposure: Exposure
  /** What the series had when the registry was last reset. */
  #base = new WeakMap<NumberSeries | HistogramSeries, readonly number[]>()
  #ended = false

  constructor(name: string, instrument: SourceInstrument, exposure: Exposure) {
    this.name = name
    this.help = helpOf(instrument)
    this.type = instrument.kind
    this.#instrument = instrument
    this.#exposure = exposure
    Object.defineProperty(this, exposedBySink, { value: true })
  }

  /** All values as they are now, in objects that are the caller's. Never rejects. */
  async get(): Promise<ForeignMetric> {
    const values: ForeignValue[] = []
    if (!this.#ended) {
      this.#exposure.collect()
      const instrument = this.#instrument
      if (instrument.kind === 'histogram') this.#addHistograms(instrument, values)
      else for (const series of instrument.series()) values.push(this.#number(series))
    }
    return { name: this.name, help: this.help, type: this.type, aggregator: this.aggregator, values }
  }

  /**
   * Lets counters and histograms begin at 0 again, in this registry: the cells go on, since other sinks read them too.
   * Gauges keep their present value.
   */
  reset(): void {
    const instrument = this.#instrument
    if (instrument.kind === 'gauge') return
    for (const series of instrument.series()) {
      const buckets = instrument.kind === 'histogram' ? instrument.bounds.length + 1 : 0
      this.#base.set(series, numbersOf(series, buckets))
    }
  }

  /** Shows nothing from now on, to whoever still holds it. */
  end(): void {
    this.#ended = true
  }

  #number(series: NumberSeries): ForeignValue {
    const [base = 0] = this.#base.get(series) ?? []
    return { labels: this.#labels(series), value: finite(series.value - base) }
  }

  #addHistograms(histogram: SourceHistogram, values: ForeignValue[]): void {
    const openMetrics = this.#exposure.isOpenMetrics()
    const bounds = histogram.bounds.map((bound) => (openMetrics ? canonicalFloat(bound) : bound))
    // OpenMetrics forbids the sum, and with it the count, where observations can be negative.
    const summed = !openMetrics || histogram.bounds[0]! >= 0
    for (const series of histogram.series()) {
      const numbers = numbersOf(series, histogram.bounds.length + 1)
      const base = this.#base.get(series)
      if (base !== undefined) numbers.forEach((_number, i) => (numbers[i]! -= base[i]!))
      const sum = numbers.pop()!
      let count = 0
      numbers.forEach((number, i) => {
        count += number
        const labels = { le: bounds[i] ?? '+Inf', ...this.#labels(series) }
        const value: ForeignValue = { labels, value: count, metricName: `${this.name}_bucket` }
        const exemplar = series.exemplar(i)
        if (exemplar !== undefined) value.exemplar = exemplarOf(exemplar)
        values.push(value)
      })
      if (!summed) continue
      values.push(
        { labels: this.#labels(series), value: finite(sum), metricName: `${this.name}_sum` },
        { labels: this.#labels(series), value: count, metricName: `${this.name}_count` },
      )
    }
  }

  #labels({ labelValues }: NumberSeries | HistogramSeries): Record<string, string> {
    const labels: Record<string, string> = {}
    this.#instrument.labelNames.forEach((name, i) => {
      const value = labelValues[i]
      if (value !== undefined && value !== '') labels[prometheusLabelName(name)] = value
    })
    return labels
  }
}

/** The value of a counter; the buckets of a histogram, each alone, and its sum. */
function numbersOf(series: NumberSeries | HistogramSeries, buckets: number): number[] {
  if ('value' in series) return [series.value]
  const numbers = Array.from({ length: buckets }, (_, i) => series.bucketCount(i))
  numbers.push(series.sum)
  return numbers
}

function exemplarOf({ traceId, spanId, value, time }: Exemplar): ForeignExemplar {
  return { labelSet: { trace_id: traceId, span_id: spanId }, value, timestamp: time / 1000 }
}
