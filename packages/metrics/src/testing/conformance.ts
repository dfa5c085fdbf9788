/**
 * The cases that every sink must pass, as plain functions: any test runner can run them.
 */

import { deepStrictEqual, doesNotThrow, notStrictEqual, ok, strictEqual, throws } from 'node:assert/strict'
import { overflowLabelValue, type Labels } from '../labels.ts'
import { createMetrics, type Metrics, type MetricsOptions } from '../metrics.ts'
import type { InstrumentKind, Unit } from '../naming.ts'
import type { Sink } from '../sink.ts'

/** What a sink told its reader about one series; undefined when it told nothing. */
export type SinkReading = number | { readonly count: number; readonly sum: number } | undefined

/** Names one series, logically. */
export interface SinkQuery {
  readonly name: string
  readonly kind: InstrumentKind
  readonly unit: Unit | ''
  readonly labels: Labels
}

/** A sink together with its reader. */
export interface SinkHarness {
  readonly sink: Sink
  /**
   * What the reader knows: the total of a counter since the beginning (a sink that sends differences needs them
   * added up), the last value of a gauge, count and sum of a histogram since the beginning.
   */
  read(query: SinkQuery): Promise<SinkReading>
  /** True when the sink is read rather than sending, so that nothing can be read once it has stopped. */
  readonly pull?: boolean | undefined
}

/** One case; `run` rejects when the sink fails it. */
export interface ConformanceCase {
  readonly name: string
  run(): Promise<void>
}

/** The cases, each on a sink of its own. */
export function sinkConformance(make: () => SinkHarness | Promise<SinkHarness>): ConformanceCase[] {
  return Object.entries(cases).map(([name, check]) => ({
    name,
    async run() {
      const harness = await make()
      await check(new Bench(harness))
    },
  }))
}

/** Metrics with the sink of one case. */
class Bench {
  readonly harness: SinkHarness

  constructor(harness: SinkHarness) {
    this.harness = harness
  }

  metrics(options?: MetricsOptions): Metrics {
    return createMetrics(options)
  }

  read(kind: InstrumentKind, name: string, labels: Labels = {}, unit: Unit | '' = ''): Promise<SinkReading> {
    return this.harness.read({ kind, name, labels, unit })
  }
}

const hostile = [
  'plain',
  'a"b',
  'a\\b',
  'a\nb',
  'a\\nb',
  'a|b',
  'a,b',
  'a:b',
  'a=b',
  'a#b',
  'a;b',
  'a b',
  '{}',
  '}',
  '__proto__',
  'constructor',
  'ünï—☃',
  '🦊',
  '\u2028',
  '\u0000',
]

const cases: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  async 'reports what was recorded before it was attached'(bench) {
    const metrics = bench.metrics()
    const counter = metrics.counter('conformance.early')
    counter.inc(3)
    metrics.attach(bench.harness.sink)
    counter.inc(4)
    await metrics.flush()
    strictEqual(await bench.read('counter', 'conformance.early'), 7)
  },

  async 'conserves a counter over many flushes'(bench) {
    const metrics = bench.metrics()
    metrics.attach(bench.harness.sink)
    const counter = metrics
      .counter('conformance.requests', { labels: ['http.route'] })
      .labels({ 'http.route': '/x' })
    for (let i = 1; i <= 5; i++) {
      counter.inc(i)
      // oxlint-disable-next-line no-await-in-loop
      await metrics.flush()
    }
    await Promise.all([metrics.flush(), metrics.flush()])
    strictEqual(await bench.read('counter', 'conformance.requests', { 'http.route': '/x' }), 15)
  },

  async 'reports gauges going up, down and below zero'(bench) {
    const metrics = bench.metrics()
    metrics.attach(bench.harness.sink)
    const gauge = metrics.gauge('conformance.level')
    for (const value of [5, 2, -3, 0, 0.25]) {
      gauge.set(value)
      // oxlint-disable-next-line no-await-in-loop
      await metrics.flush()
      // oxlint-disable-next-line no-await-in-loop
      strictEqual(await bench.read('gauge', 'conformance.level'), value)
    }
  },

  async 'reports count and sum of histograms'(bench) {
    const metrics = bench.metrics()
    metrics.attach(bench.harness.sink)
    const histogram = metrics.histogram('conformance.duration', { unit: 's', labels: ['outcome'] })
    for (const value of [0.25, 0.5, 100]) histogram.observe({ outcome: 'ok' }, value)
    await metrics.flush()
    deepStrictEqual(await bench.read('histogram', 'conformance.duration', { outcome: 'ok' }, 's'), {
      count: 3,
      sum: 100.75,
    })
  },

  async 'keeps series apart whatever their label values'(bench) {
    const metrics = bench.metrics()
    metrics.attach(bench.harness.sink)
    const counter = metrics.counter('conformance.hostile', { labels: ['one', 'two'] })
    for (const [i, one] of hostile.entries()) {
      for (const [j, two] of hostile.entries()) counter.inc({ one, two }, 1 + i * hostile.length + j)
    }
    await metrics.flush()
    for (const [i, one] of hostile.entries()) {
      for (const [j, two] of hostile.entries()) {
        // oxlint-disable-next-line no-await-in-loop
        const read = await bench.read('counter', 'conformance.hostile', { one, two })
        strictEqual(read, 1 + i * hostile.length + j, JSON.stringify([one, two]))
      }
    }
  },

  async 'leaves absent labels out'(bench) {
    const metrics = bench.metrics()
    metrics.attach(bench.harness.sink)
    const counter = metrics.counter('conformance.absent', { labels: ['route', 'status'] })
    counter.inc({ route: '', status: 200 }, 2)
    counter.inc({ route: '', status: '' }, 3)
    await metrics.flush()
    strictEqual(await bench.read('counter', 'conformance.absent', { status: '200' }), 2)
    strictEqual(await bench.read('counter', 'conformance.absent', {}), 3)
  },

  async 'obeys the filter at once'(bench) {
    const metrics = bench.metrics({ filter: { block: ['conformance.hidden'] } })
    metrics.attach(bench.harness.sink)
    const counter = metrics.counter('conformance.hidden')
    counter.inc(5)
    await metrics.flush()
    strictEqual(await bench.read('counter', 'conformance.hidden'), undefined)
    metrics.updateFilter({})
    counter.inc(2)
    await metrics.flush()
    strictEqual(await bench.read('counter', 'conformance.hidden'), 2)
  },

  async 'folds series over the budget without losing a count'(bench) {
    const metrics = bench.metrics()
    metrics.attach(bench.harness.sink)
    const counter = metrics.counter('conformance.bounded', { labels: ['id'], maxSeries: 2 })
    for (let id = 0; id < 10; id++) counter.inc({ id })
    await metrics.flush()
    strictEqual(await bench.read('counter', 'conformance.bounded', { id: '0' }), 1)
    strictEqual(await bench.read('counter', 'conformance.bounded', { id: '1' }), 1)
    strictEqual(await bench.read('counter', 'conformance.bounded', { id: '2' }), undefined)
    strictEqual(await bench.read('counter', 'conformance.bounded', { id: overflowLabelValue }), 8)
  },

  async "shows the kit's own drop counters"(bench) {
    const metrics = bench.metrics()
    metrics.attach(bench.harness.sink)
    metrics.counter('conformance.fussy').inc(-1)
    await metrics.flush()
    strictEqual(await bench.read('counter', 'kit.metrics.dropped', { reason: 'bad_value' }), 1)
  },

  async 'survives an observable that throws'(bench) {
    const metrics = bench.metrics()
    metrics.attach(bench.harness.sink)
    metrics.observable('conformance.broken', {}, () => {
      throw new Error('broken')
    })
    metrics.observable('conformance.sound', {}, () => 42)
    await metrics.flush()
    strictEqual(await bench.read('gauge', 'conformance.sound'), 42)
    strictEqual(await bench.read('gauge', 'conformance.broken'), undefined)
    const failures = await bench.read('counter', 'kit.metrics.dropped', { reason: 'observable_failed' })
    ok(typeof failures === 'number' && failures >= 1, 'the failure is counted')
  },

  async 'delivers the rest when it is detached'(bench) {
    const metrics = bench.metrics()
    const detach = metrics.attach(bench.harness.sink)
    const counter = metrics.counter('conformance.rest')
    counter.inc(2)
    await metrics.flush()
    counter.inc(3)
    await detach()
    await detach()
    counter.inc(100)
    await metrics.flush()
    if (bench.harness.pull !== true) strictEqual(await bench.read('counter', 'conformance.rest'), 5)
  },

  async 'delivers the rest at shutdown, and nothing recorded later'(bench) {
    const metrics = bench.metrics()
    metrics.attach(bench.harness.sink)
    const counter = metrics.counter('conformance.last')
    counter.inc(2)
    const shutdown = metrics.shutdown()
    counter.inc(100)
    await shutdown
    await metrics.shutdown()
    if (bench.harness.pull !== true) strictEqual(await bench.read('counter', 'conformance.last'), 2)
  },

  async 'refuses to be started twice'(bench) {
    const [one, other] = [bench.metrics(), bench.metrics()]
    doesNotThrow(() => one.attach(bench.harness.sink))
    throws(() => other.attach(bench.harness.sink), { code: 'KIT_METRIC_SINK_INVALID' })
    notStrictEqual(bench.harness.sink.name, '')
  },
}
