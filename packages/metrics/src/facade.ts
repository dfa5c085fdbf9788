/**
 * The class behind the facade: it checks what users declare, hands the rest to the registry, and looks after the
 * attached sinks.
 */

import { clock } from '@kit/context'
import { Attachment, checkSink } from './attachment.ts'
import { MetricsError } from './errors.ts'
import { findOtelSpan, type FindSpan } from './exemplars.ts'
import type { MetricFilter } from './filter.ts'
import { resolveBuckets } from './histogram.ts'
import type { Counter, Definition, Gauge, Histogram, Instrument } from './instrument.ts'
import type { Labels } from './labels.ts'
import type { HistogramSpec, InstrumentSpec, Metrics, ObservableSpec } from './metrics.ts'
import { checkLabelNames, checkName, checkUnit, checkUserName, type InstrumentKind } from './naming.ts'
import { checkBoolean, checkDuration, checkInteger, checkOptions, checkTimeout } from './options.ts'
import type { Observation } from './observables.ts'
import { Registry } from './registry.ts'
import type { Sink } from './sink.ts'
import { takeSnapshot, type Snapshot } from './snapshot.ts'
import { Verbs } from './verbs.ts'

const defaultTimeoutMs = 5000

/** See {@link Metrics}. */
export class Facade implements Metrics {
  readonly #registry: Registry
  readonly #maxSeries: number
  readonly #verbs: Verbs
  readonly #attachments = new Set<Attachment>()
  readonly #sinkErrors: Counter<'sink' | 'operation'>
  readonly #findSpan: FindSpan | undefined
  readonly #prefix: string
  #shutdown: Promise<void> | undefined

  constructor(
    maxSeries: number,
    maxTotalSeries: number,
    filter: MetricFilter,
    findSpan: FindSpan | undefined,
    prefix: string,
  ) {
    this.#prefix = prefix
    this.#maxSeries = maxSeries
    this.#findSpan = findSpan
    this.#registry = new Registry(maxTotalSeries, filter, prefix)
    this.#verbs = new Verbs(this.#registry, maxSeries, prefix)
    const dropped: HistogramSpec<string> = {
      labels: ['reason'],
      help: 'What was not recorded as asked: values, labels and names that do not fit, series over the budget.',
    }
    const series: HistogramSpec<string> = {
      help: 'Series that count against the budget of all instruments together.',
    }
    const sinkErrors: HistogramSpec<string> = {
      labels: ['sink', 'operation'],
      help: 'Sinks that failed, or took too long, to flush or to stop.',
    }
    this.#registry.observe(this.#define('kit.metrics.dropped', 'counter', dropped, true), () =>
      this.#registry.drops.read(),
    )
    this.#registry.observe(
      this.#define('kit.metrics.series', 'gauge', series, true),
      () => this.#registry.seriesUsed,
    )
    this.#sinkErrors = this.#registry.declare(
      this.#define('kit.metrics.sink.errors', 'counter', sinkErrors, false),
    ) as unknown as Counter<'sink' | 'operation'>
  }

  counter<const L extends string = never>(name: string, spec: InstrumentSpec<L> = {}): Counter<L> {
    return this.#declare(name, 'counter', spec) as unknown as Counter<L>
  }

  gauge<const L extends string = never>(name: string, spec: InstrumentSpec<L> = {}): Gauge<L> {
    return this.#declare(name, 'gauge', spec) as unknown as Gauge<L>
  }

  histogram<const L extends string = never>(name: string, spec: HistogramSpec<L> = {}): Histogram<L> {
    return this.#declare(name, 'histogram', spec) as unknown as Histogram<L>
  }

  observable<const L extends string = never>(
    name: string,
    spec: ObservableSpec<L>,
    read: () => Observation<L>,
  ): () => void {
    const kind: unknown = spec?.kind ?? 'gauge'
    if ((kind !== 'counter' && kind !== 'gauge') || typeof read !== 'function') {
      throw new MetricsError(
        'KIT_METRIC_OPTION_INVALID',
        `observable ${name}: needs a kind of 'counter' or 'gauge' and a function to read`,
      )
    }
    const full = this.#fullName(name)
    return this.#registry.observe(this.#define(full, kind, spec, true), read)
  }

  incrCounter(name: string, value?: number, labels?: Labels): void {
    this.#verbs.counter(name, labels)?.inc(value)
  }

  setGauge(name: string, value: number, labels?: Labels): void {
    this.#verbs.gauge(name, labels)?.set(value)
  }

  addSample(name: string, value: number, labels?: Labels): void {
    this.#verbs.histogram(name, '', labels)?.observe(value)
  }

  measureSince(name: string, startMs: number, labels?: Labels): void {
    // What is no number becomes NaN, which the histogram counts as a bad value.
    const seconds = typeof startMs === 'number' ? Math.max(0, clock.now() - startMs) / 1000 : NaN
    this.#verbs.histogram(name, 's', labels)?.observe(seconds)
  }

  attach(sink: Sink): () => Promise<void> {
    checkSink(sink)
    if (this.#shutdown !== undefined) {
      throw new MetricsError(
        'KIT_METRIC_SHUT_DOWN',
        `attach: these metrics are shut down; ${sink.name} would get nothing`,
      )
    }
    for (const attachment of this.#attachments) {
      if (attachment.sink === sink) {
        throw new MetricsError('KIT_METRIC_SINK_INVALID', `attach: the sink ${sink.name} is attached already`)
      }
    }
    const attachment = new Attachment(sink, (operation) =>
      this.#sinkErrors.inc({ sink: sink.name, operation }),
    )
    attachment.start(this.#registry)
    this.#attachments.add(attachment)
    return async () => {
      await attachment.stop(defaultTimeoutMs)
      this.#attachments.delete(attachment)
    }
  }

  updateFilter(filter: MetricFilter): void {
    this.#registry.setFilter(filter)
  }

  snapshot(): Snapshot {
    return takeSnapshot(this.#registry)
  }

  async flush(timeoutMs?: number): Promise<void> {
    const limit = checkTimeout('flush: timeoutMs', timeoutMs, defaultTimeoutMs)
    await Promise.all([...this.#attachments].map((attachment) => attachment.flush(limit)))
  }

  async shutdown(timeoutMs?: number): Promise<void> {
    const limit = checkTimeout('shutdown: timeoutMs', timeoutMs, defaultTimeoutMs)
    this.#shutdown ??= this.#stop(limit)
    return this.#shutdown
  }

  async #stop(timeoutMs: number): Promise<void> {
    // The observables' last values belong to what the sinks report last.
    this.#registry.collect()
    this.#registry.stop()
    await Promise.all([...this.#attachments].map((attachment) => attachment.stop(timeoutMs)))
    this.#attachments.clear()
  }

  #declare(name: string, kind: InstrumentKind, spec: HistogramSpec<string>): Instrument {
    const definition = this.#define(this.#fullName(name), kind, spec, false)
    const instrument = this.#registry.declare(definition)
    if (spec.series !== undefined) declareSeries(instrument, spec.series)
    return instrument
  }

  #fullName(name: unknown): string {
    checkName(name)
    const full = this.#prefix + name
    checkUserName(full)
    return full
  }

  #define(name: string, kind: InstrumentKind, spec: HistogramSpec<string>, observed: boolean): Definition {
    const known = ['help', 'labels', 'unit', 'maxSeries']
    if (kind === 'histogram') known.push('buckets', 'native', 'exemplars')
    if (observed) known.push('kind')
    else known.push('ttlMs', 'series', 'open')
    checkOptions(`metric ${name}`, spec, known)
    if (spec.help !== undefined && typeof spec.help !== 'string') {
      throw new MetricsError('KIT_METRIC_OPTION_INVALID', `metric ${name}: help must be a string`)
    }
    const unit = checkUnit(name, spec.unit)
    const exemplars = checkBoolean(`metric ${name}: exemplars`, spec.exemplars, this.#findSpan !== undefined)
    return {
      name,
      kind,
      unit,
      help: spec.help ?? '',
      labelNames: spec.labels === undefined ? [] : checkLabelNames(name, kind, spec.labels),
      bounds: kind === 'histogram' ? resolveBuckets(name, spec.buckets, unit) : [],
      native: checkBoolean(`metric ${name}: native`, spec.native, false),
      findSpan: exemplars ? (this.#findSpan ?? findOtelSpan) : undefined,
      maxSeries: checkInteger(`metric ${name}: maxSeries`, spec.maxSeries, this.#maxSeries, 1),
      ttlMs: checkDuration(`metric ${name}: ttlMs`, spec.ttlMs, Infinity),
      observed,
      open: checkBoolean(`metric ${name}: open`, spec.open, false),
    }
  }
}

function declareSeries({ name, table }: Instrument, series: unknown): void {
  if (!Array.isArray(series)) {
    throw new MetricsError('KIT_METRIC_OPTION_INVALID', `metric ${name}: series must be an array of labels`)
  }
  for (const labels of series as Labels[]) {
    if (table.declare(labels)) continue
    throw new MetricsError(
      'KIT_METRIC_LABEL_INVALID',
      `metric ${name}: series must have the labels ${table.labelNames.join(', ') || 'that it has none of'}, each a string, a number or a boolean`,
    )
  }
}
