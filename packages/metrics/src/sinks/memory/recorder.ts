/**
 * Turns cumulative cells into intervals: it remembers what each counter was at the last turn, and holds a
 * statistics tap in each histogram.
 */

import type { MetricSource, NumberSeries, SourceInstrument } from '../../sink.ts'
import { finite, labelsOf } from '../../snapshot.ts'
import type { MemoryCounter, MemoryGauge, MemoryHistogram, MemorySeries } from './data.ts'
import { Statistics } from './statistics.ts'

/** What an interval holds, apart from its times. */
export interface Readings {
  readonly counters: readonly MemoryCounter[]
  readonly gauges: readonly MemoryGauge[]
  readonly histograms: readonly MemoryHistogram[]
}

/** Reads the present interval, and turns to the next. */
export class Recorder {
  readonly #source: MetricSource
  readonly #untap: () => void
  readonly #statistics = new Map<object, Statistics>()
  /** Weak, since series of observables come and go. */
  readonly #before = new WeakMap<NumberSeries, number>()

  constructor(source: MetricSource) {
    this.#source = source
    this.#untap = source.tap((_instrument, series) => {
      const statistics = new Statistics()
      this.#statistics.set(series, statistics)
      return statistics
    })
  }

  /** What happened since the last {@link turn}. */
  read(durationMs: number): Readings {
    const counters: MemoryCounter[] = []
    const gauges: MemoryGauge[] = []
    const histograms: MemoryHistogram[] = []
    const seconds = durationMs / 1000
    const rate = (amount: number): number => finite(seconds > 0 ? amount / seconds : 0)
    this.#source.collect()
    for (const instrument of this.#source.instruments()) {
      if (instrument.kind === 'counter') {
        for (const series of instrument.series()) {
          const sum = finite(series.value - (this.#before.get(series) ?? 0))
          if (sum > 0) counters.push({ ...named(instrument, series), sum, rate: rate(sum) })
        }
      } else if (instrument.kind === 'gauge') {
        for (const series of instrument.series()) {
          gauges.push({ ...named(instrument, series), value: finite(series.value) })
        }
      } else {
        for (const series of instrument.series()) {
          const statistics = this.#statistics.get(series)
          if (statistics === undefined || statistics.count === 0) continue
          const { count } = statistics
          const min = finite(statistics.min)
          const max = finite(statistics.max)
          const sum = finite(statistics.sum)
          const mean = finite(statistics.mean)
          const stddev = finite(statistics.stddev)
          histograms.push({
            ...named(instrument, series),
            count,
            sum,
            rate: rate(count),
            min,
            max,
            mean,
            stddev,
          })
        }
      }
    }
    return { counters, gauges, histograms }
  }

  /** Begins the next interval. Series that are hidden now keep what they gathered for when they show again. */
  turn(): void {
    for (const instrument of this.#source.instruments()) {
      if (instrument.kind === 'counter') {
        for (const series of instrument.series()) this.#before.set(series, series.value)
      } else if (instrument.kind === 'histogram') {
        for (const series of instrument.series()) this.#statistics.get(series)?.reset()
      }
    }
  }

  /** Takes the taps out. */
  stop(): void {
    this.#untap()
  }
}

function named(instrument: SourceInstrument, series: { labelValues: readonly string[] }): MemorySeries {
  return {
    name: instrument.name,
    unit: instrument.unit,
    labels: labelsOf(instrument.labelNames, series.labelValues),
  }
}
