/**
 * A producer: what one reader collects from, with the temporality that this reader wants. It has the state of that
 * reader alone, so no two readers may share one.
 */

import { clock } from '@kit/context'
import { MetricsError } from '../../errors.ts'
import type { MetricSource, SourceInstrument } from '../../sink.ts'
import { beginReport, type Report, type Times } from './report.ts'
import type { ResolvedResource } from './resource.ts'
import type { Temporality } from './temporality.ts'
import type { OtelCollectionResult, OtelMetricData, OtelMetricProducer } from './types.ts'
import { version } from './version.ts'

const scope = version === undefined ? { name: '@kit/metrics' } : { name: '@kit/metrics', version }

/** The producer of one reader. */
export class Producer implements OtelMetricProducer {
  readonly #resource: ResolvedResource
  readonly #temporality: Temporality
  readonly #buckets: 'native' | 'classic'
  readonly #reports = new Map<SourceInstrument, Report>()
  #source: MetricSource | undefined
  #last: OtelCollectionResult | undefined
  #since = 0
  #isFirst = true

  constructor(resource: ResolvedResource, temporality: Temporality, buckets: 'native' | 'classic') {
    this.#resource = resource
    this.#temporality = temporality
    this.#buckets = buckets
  }

  /** Has it read from `source`. */
  attach(source: MetricSource): void {
    this.#source = source
  }

  /** Lets the source go. What is due now is kept for the collection that comes next, and is the last. */
  detach(): void {
    this.#last = this.#read()
    this.#source = undefined
    this.#reports.clear()
  }

  async collect(): Promise<OtelCollectionResult> {
    const last = this.#last
    this.#last = undefined
    return last ?? this.#read()
  }

  #read(): OtelCollectionResult {
    const errors: unknown[] = []
    if (this.#isFirst && this.#resource.error !== undefined) errors.push(this.#resource.error)
    this.#isFirst = false
    const metrics: OtelMetricData[] = []
    try {
      if (this.#source === undefined) {
        throw new MetricsError(
          'KIT_METRIC_SINK_DETACHED',
          'opentelemetry: this sink is not attached; call metrics.attach(sink)',
        )
      }
      this.#source.collect()
      this.#readAll(this.#source, metrics, errors)
    } catch (error) {
      errors.push(error)
    }
    const scopeMetrics = metrics.length === 0 ? [] : [{ scope, metrics }]
    return { resourceMetrics: { resource: this.#resource.resource, scopeMetrics }, errors }
  }

  #readAll(source: MetricSource, metrics: OtelMetricData[], errors: unknown[]): void {
    const times = { since: this.#since, now: clock.wallTime() }
    this.#since = times.now
    const hidden = new Set(this.#reports.keys())
    const visible = source.instruments()
    for (const instrument of visible) {
      hidden.delete(instrument)
      this.#readOne(instrument, times, false, metrics, errors)
    }
    for (const instrument of hidden) this.#readOne(instrument, times, true, metrics, errors)
  }

  #readOne(
    instrument: SourceInstrument,
    times: Times,
    isHidden: boolean,
    metrics: OtelMetricData[],
    errors: unknown[],
  ): void {
    try {
      let report = this.#reports.get(instrument)
      if (report === undefined) {
        report = beginReport(instrument, this.#temporality, this.#buckets)
        this.#reports.set(instrument, report)
      }
      const metric = report(times, isHidden)
      if (metric.dataPoints.length > 0) metrics.push(metric)
    } catch (error) {
      errors.push(error)
    }
  }
}
