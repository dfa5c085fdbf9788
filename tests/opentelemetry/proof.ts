/**
 * The proof that what is recorded arrives: real readers and OTLP exporters of OpenTelemetry's SDK, whichever major
 * version is given, send to a receiver that decodes the protobuf. Plain cases, for any test runner.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import type { createMetrics, HistogramPoint, Metrics, NumberPoint } from '@kit/metrics'
import type {
  ExporterLike,
  FlushableLike,
  MetricReaderLike,
  opentelemetry,
  OtelMetricProducer,
  redelivering,
  TemporalitySelector,
} from '@kit/metrics/opentelemetry'
import type { parse as Parse } from 'protobufjs'
import { pointDecoder, type Point } from './points.ts'
import { startReceiver, type Receiver as AnyReceiver } from './receiver.ts'

type Receiver = AnyReceiver<Point>

/** Everything that the proof is about, or needs. */
export interface Parts {
  readonly createMetrics: typeof createMetrics
  readonly opentelemetry: typeof opentelemetry
  readonly redelivering: typeof redelivering
  /** Of protobufjs. */
  readonly parse: typeof Parse
  /** An OTLP/HTTP protobuf exporter, which gives a request `timeoutMillis`. */
  exporter(options: { url: string; delta: boolean; timeoutMillis: number }): Exporter
  /** A periodic reader, with an interval so long that only flushes make it collect. */
  reader(exporter: Exporter, metricProducers?: OtelMetricProducer[]): MetricReaderLike
  /** A `MeterProvider` with one reader and, as its resource, `{ 'service.name': 'provided' }`. */
  provider(reader: MetricReaderLike): Provider
}

/** What is known of an exporter. */
export type Exporter = ExporterLike & TemporalitySelector

/** What is known of a `MeterProvider`. */
export interface Provider extends FlushableLike {
  shutdown(): Promise<void>
  getMeter(name: string): { createCounter(name: string): { add(value: number): void } }
}

/** One case; `run` rejects when it fails. */
export interface Case {
  readonly name: string
  readonly run: () => Promise<void>
}

/** The cases, each with a receiver of its own. */
export function proof(parts: Parts): Case[] {
  return Object.entries(cases).map(([name, prove]) => ({
    name,
    async run() {
      const receiver = await startReceiver('/v1/metrics', pointDecoder(parts.parse))
      try {
        await prove(parts, receiver)
      } finally {
        await receiver.close()
      }
    },
  }))
}

const resource = { 'service.name': 'proof' }

const cases: Readonly<Record<string, (parts: Parts, receiver: Receiver) => Promise<void>>> = {
  async 'every kind arrives as it is, cumulative'(parts, receiver) {
    const { metrics } = connected(parts, receiver, false)
    const jobs = metrics.counter('jobs', { labels: ['queue', 'kind'], unit: '{job}', help: 'Jobs "done".' })
    const level = metrics.gauge('level', { unit: 'Cel' })
    const took = metrics.histogram('took', { unit: 's', labels: ['route'], buckets: [0.5, 1] })
    jobs.inc({ queue: 'ünï☃"\n', kind: '' }, 2.5)
    level.set(-0.5)
    for (const value of [0.25, 0.75, 8]) took.observe({ route: '/x' }, value)
    await metrics.flush()
    jobs.inc({ queue: 'ünï☃"\n', kind: '' })
    await metrics.flush()
    const [first, second] = [receiver.batches.at(0)!, receiver.batches.at(1)!]
    const total = only(second, 'jobs')
    const start = startOf(metrics, 'jobs')
    ok(total.end > only(first, 'jobs').start || total.end === only(first, 'jobs').end)
    deepStrictEqual(
      { ...total, scope: '', end: 0n },
      {
        name: 'jobs',
        description: 'Jobs "done".',
        unit: '{job}',
        scope: '',
        resource,
        kind: 'sum',
        temporality: 2,
        isMonotonic: true,
        attributes: { queue: 'ünï☃"\n' },
        start,
        end: 0n,
        value: { asDouble: 3.5 },
      },
    )
    ok(/^@kit\/metrics \d+\.\d+\.\d+/.test(total.scope))
    strictEqual(only(first, 'jobs').start, start)
    deepStrictEqual(only(second, 'level').value, { asDouble: -0.5 })
    strictEqual(only(second, 'level').unit, 'Cel')
    const histogram = only(second, 'took')
    strictEqual(histogram.kind, 'histogram')
    strictEqual(histogram.start, startOf(metrics, 'took'))
    deepStrictEqual(histogram.value, {
      count: '3',
      sum: 9,
      bucketCounts: ['1', '1', '1'],
      explicitBounds: [0.5, 1],
    })
    await metrics.shutdown()
  },

  async 'deltas add up, and their intervals touch'(parts, receiver) {
    const { metrics } = connected(parts, receiver, true)
    const jobs = metrics.counter('jobs', { labels: ['queue'] })
    const took = metrics.histogram('took', { buckets: [1, 2] })
    for (const amount of [1, 2, 3, 4]) {
      jobs.inc({ queue: 'a' }, amount)
      took.observe(amount)
      await metrics.flush()
    }
    await metrics.shutdown()
    const sums = all(receiver, 'jobs')
    deepStrictEqual(
      sums.map(({ value }) => value['asDouble']),
      [1, 2, 3, 4],
    )
    deepStrictEqual(new Set(sums.map(({ temporality }) => temporality)), new Set([1]))
    strictEqual(sums.at(0)!.start, startOf(metrics, 'jobs'))
    sums.forEach(({ start }, i) => i > 0 && strictEqual(start, sums.at(i - 1)!.end))
    const distributions = all(receiver, 'took')
    strictEqual(distributions.length, 4)
    deepStrictEqual(
      distributions.map(({ value }) => value['bucketCounts']),
      [
        ['1', '0', '0'],
        ['0', '1', '0'],
        ['0', '0', '1'],
        ['0', '0', '1'],
      ],
    )
  },

  async 'exponential histograms arrive bucket by bucket, across a change of scale'(parts, receiver) {
    for (const delta of [false, true]) {
      receiver.batches.length = 0
      const { metrics } = connected(parts, receiver, delta)
      const sizes = metrics.histogram('sizes', { unit: 'By', native: true })
      const told = [[1, 1.0001, 0], [2, 1000], [1e-9, 3e12, 7], [1e300], []]
      for (const values of told) {
        for (const value of values) sizes.observe(value)
        await metrics.flush()
      }
      const points = all(receiver, 'sizes')
      const expected = told.map((values, i) => (delta ? values : told.slice(0, i + 1).flat()))
      strictEqual(points.length, delta ? 4 : 5)
      points.forEach((point, i) => {
        strictEqual(point.kind, 'exponentialHistogram')
        strictEqual(point.temporality, delta ? 1 : 2)
        matchesExponential(point, expected.at(i)!)
      })
      ok(new Set(points.map(({ value }) => value['scale'])).size >= 3, 'the scale changed')
      await metrics.shutdown()
    }
  },

  async 'a MeterProvider reports them beside its own, with the temporality of its exporter'(parts, receiver) {
    for (const delta of [false, true]) {
      receiver.batches.length = 0
      const metrics = parts.createMetrics()
      const sink = parts.opentelemetry()
      metrics.attach(sink)
      const exporter = parts.exporter({ url: receiver.url, delta, timeoutMillis: 10_000 })
      const producer = sink.producer({ temporality: exporter })
      const provider = parts.provider(parts.reader(exporter, [producer]))
      sink.flushWith(provider)
      const theirs = provider.getMeter('theirs').createCounter('theirs')
      const ours = metrics.counter('ours')
      for (const amount of [1, 2]) {
        ours.inc(amount)
        theirs.add(amount)
        await metrics.flush()
      }
      ours.inc(5)
      await metrics.shutdown()
      await provider.shutdown()
      for (const [name, amounts] of [
        ['ours', [1, 2, 5]],
        ['theirs', [1, 2]],
      ] as const) {
        const totals = amounts.map((_, i) => amounts.slice(0, i + 1).reduce((a, b) => a + b, 0))
        const read = all(receiver, name)
        deepStrictEqual(
          read.slice(0, amounts.length).map(({ value }) => value['asDouble']),
          delta ? amounts : totals,
        )
        deepStrictEqual(new Set(read.map(({ temporality }) => temporality)), new Set([delta ? 1 : 2]))
        deepStrictEqual(read.at(0)!.resource, { 'service.name': 'provided' })
      }
      strictEqual(totalOf(receiver, 'ours', delta), 8)
    }
  },

  async 'a receiver that fails loses nothing of cumulative data'(parts, receiver) {
    const { metrics } = connected(parts, receiver, false)
    const jobs = metrics.counter('jobs')
    for (const conduct of ['accept', 'refuse', 'refuse', 'accept'] as const) {
      receiver.conduct = conduct
      jobs.inc()
      await metrics.flush()
    }
    deepStrictEqual(
      all(receiver, 'jobs').map(({ value }) => value['asDouble']),
      [1, 4],
    )
    strictEqual(all(receiver, 'jobs').at(1)!.start, startOf(metrics, 'jobs'))
    await metrics.shutdown()
  },

  async 'a receiver that fails loses the deltas of that time'(parts, receiver) {
    const { metrics } = connected(parts, receiver, true)
    const jobs = metrics.counter('jobs')
    for (const conduct of ['accept', 'refuse', 'refuse', 'accept'] as const) {
      receiver.conduct = conduct
      jobs.inc()
      await metrics.flush()
    }
    await metrics.shutdown()
    strictEqual(totalOf(receiver, 'jobs', true), 2)
  },

  async 'a receiver that fails loses no deltas of a redelivering exporter'(parts, receiver) {
    const { metrics } = connected(parts, receiver, true, parts.redelivering)
    const jobs = metrics.counter('jobs')
    const sizes = metrics.histogram('sizes', { native: true })
    const took = metrics.histogram('took', { buckets: [1, 2] })
    const values = [1, 1.5, 1e6, 1e-6]
    for (const [i, conduct] of (['accept', 'refuse', 'refuse', 'accept'] as const).entries()) {
      receiver.conduct = conduct
      jobs.inc(2 ** i)
      sizes.observe(values.at(i)!)
      took.observe(values.at(i)!)
      await metrics.flush()
    }
    const counts = all(receiver, 'jobs')
    deepStrictEqual(
      counts.map(({ value }) => value['asDouble']),
      [1, 14],
    )
    strictEqual(counts.at(1)!.start, counts.at(0)!.end)
    matchesExponential(all(receiver, 'sizes').at(1)!, values.slice(1))
    deepStrictEqual(all(receiver, 'took').at(1)!.value['bucketCounts'], ['1', '1', '1'])
    receiver.conduct = 'refuse'
    jobs.inc(16)
    await metrics.flush()
    receiver.conduct = 'accept'
    await metrics.shutdown()
    strictEqual(totalOf(receiver, 'jobs', true), 31)
  },

  async 'a receiver that hangs holds nobody up longer than allowed'(parts, receiver) {
    const { metrics } = connected(parts, receiver, false, undefined, 500)
    const jobs = metrics.counter('jobs')
    receiver.conduct = 'hang'
    jobs.inc()
    const began = performance.now()
    await metrics.flush(100)
    ok(performance.now() - began < 2000, 'the flush ended in time')
    jobs.inc()
    await metrics.shutdown(100)
    ok(performance.now() - began < 4000, 'the shutdown ended in time')
    await receiver.requests(1)
    strictEqual(receiver.batches.length, 0)
  },

  async 'shutdown delivers the last increment, whatever is under way'(parts, receiver) {
    for (const delta of [false, true]) {
      receiver.batches.length = 0
      const { metrics } = connected(parts, receiver, delta)
      const jobs = metrics.counter('jobs', { labels: ['id'] })
      const took = metrics.histogram('took', { native: true })
      let recorded = 0
      for (let round = 0; round < 5; round++) {
        for (let id = 0; id < 50; id++) jobs.inc({ id })
        took.observe(round + 1)
        recorded += 50
        void metrics.flush()
        await new Promise(setImmediate)
      }
      const shutdown = metrics.shutdown()
      jobs.inc({ id: 0 }, 1e6)
      await shutdown
      strictEqual(totalOf(receiver, 'jobs', delta), recorded)
      const counts = all(receiver, 'took').map(({ value }) => Number(value['count']))
      strictEqual(delta ? counts.reduce((a, b) => a + b, 0) : counts.at(-1), 5)
    }
  },
}

function connected(
  parts: Parts,
  receiver: Receiver,
  delta: boolean,
  wrap: (exporter: Exporter) => Exporter = (exporter) => exporter,
  timeoutMillis = 10_000,
): { metrics: Metrics } {
  const metrics = parts.createMetrics()
  const sink = parts.opentelemetry({ resource })
  metrics.attach(sink)
  sink.connect(parts.reader(wrap(parts.exporter({ url: receiver.url, delta, timeoutMillis }))))
  return { metrics }
}

function only(batch: readonly Point[], name: string): Point {
  const found = batch.filter((point) => point.name === name)
  strictEqual(found.length, 1, `one point of ${name}`)
  return found.at(0)!
}

function all(receiver: Receiver, name: string): Point[] {
  return receiver.batches.flat().filter((point) => point.name === name)
}

/** The sum over all series: of all that arrived for deltas, of the latest batch for totals. */
function totalOf(receiver: Receiver, name: string, delta: boolean): number {
  const points = delta ? all(receiver, name) : receiver.batches.at(-1)!.filter((point) => point.name === name)
  return points.reduce((sum, { value }) => sum + Number(value['asDouble']), 0)
}

function startOf(metrics: Metrics, name: string): bigint {
  const found = metrics.snapshot().metrics.find((metric) => metric.name === name)
  const series: NumberPoint | HistogramPoint = found!.series.at(0)!
  return BigInt(series.startTime) * 1_000_000n
}

/** Compares with buckets that are computed from the values themselves, by the definition of the data model. */
function matchesExponential({ value }: Point, values: readonly number[]): void {
  const {
    scale = 0,
    zeroCount,
    positive,
    negative,
    count,
    sum,
  } = value as {
    scale?: number
    zeroCount?: string
    positive: { offset?: number; bucketCounts?: readonly string[] }
    negative: { bucketCounts?: readonly string[] }
    count: string
    sum: number
  }
  const expected = new Map<number, number>()
  for (const one of values) {
    if (one === 0) continue
    const exponent = Math.log2(one) * 2 ** scale
    const index = Math.ceil(exponent) - 1
    expected.set(index, (expected.get(index) ?? 0) + 1)
  }
  const read = (positive.bucketCounts ?? []).map((n, i) => [(positive.offset ?? 0) + i, Number(n)] as const)
  deepStrictEqual(
    new Map(read.filter(([, n]) => n > 0)),
    new Map([...expected].toSorted(([a], [b]) => a - b)),
  )
  strictEqual(negative.bucketCounts?.length ?? 0, 0)
  strictEqual(Number(zeroCount ?? 0), values.filter((one) => one === 0).length)
  strictEqual(Number(count), values.length)
  const total = values.reduce((a, b) => a + b, 0)
  ok(Math.abs(sum - total) <= 1e-6 * Math.max(1, total), 'the sum')
}
