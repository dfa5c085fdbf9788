/** All that metrics and their sinks offer while a service runs. Each recording is in a series, or counted as dropped. */

import { createMetrics } from '@kit/metrics'
import type { Counter, Gauge, Histogram, Metrics, Sink } from '@kit/metrics'
import { memory } from '@kit/metrics/memory'
import type { MemorySink } from '@kit/metrics/memory'
import { opentelemetry } from '@kit/metrics/opentelemetry'
import type { OtelMetricProducer } from '@kit/metrics/opentelemetry'
import { prometheus } from '@kit/metrics/prometheus'
import type { PrometheusSink } from '@kit/metrics/prometheus'
import { statsd } from '@kit/metrics/statsd'
import type { StatsdClient, StatsdSink } from '@kit/metrics/statsd'
import { headerText, never, refusing } from './subject.ts'
import type { Call, Given, Subject } from './subject.ts'

/** What the sinks that fail do so with, while there is something. */
interface Throwing {
  next: { readonly error: unknown } | undefined
}

/** The subject. */
export function metricsCalls(): Subject {
  const metrics = createMetrics({ maxSeries: 100 })
  /** For what is told of by no sum: gauges that are set, observables, names that are gauges or not. */
  const others = createMetrics({ maxSeries: 100 })
  const failing: Throwing = { next: undefined }
  const sinks = attachSinks(metrics, failing)
  const page = prometheus()
  others.attach(page)
  const { counter, gauge, histogram, plain, sizes } = declare(metrics)
  const level = others.gauge('level', { labels: ['a'] })
  let made = 0
  let accounted = 0
  let flushes = 0
  const labels = ({ values: [first, second] }: Given): never => ({ a: first.value, b: second.value }) as never
  const recording = (record: (given: Given) => void): Call =>
    never((given) => {
      made += 1
      record(given)
    })

  return {
    calls: {
      'counter.inc(labels)': recording(({ values: [first] }) => counter.inc(first.value as never, 1)),
      'counter.inc(labels of values)': recording((given) => counter.inc(labels(given), undefined)),
      'counter.inc(labels, value)': recording(({ values: [first], text }) =>
        counter.inc({ a: text, b: 'b' }, one(first.value, 0)),
      ),
      'counter.inc(value)': recording(({ values: [first] }) => plain.inc(one(first.value, 0))),
      'counter.labels().inc': recording(({ values: [first, second] }) =>
        counter.labels(first.value as never).inc(one(second.value, 0)),
      ),
      'gauge.inc(labels, value)': recording(({ values: [first, second] }) =>
        gauge.inc(first.value as never, one(second.value)),
      ),
      'gauge.dec(labels, value)': recording((given) =>
        gauge.dec(labels(given), minusOne(given.values[2].value)),
      ),
      'gauge.labels().inc': recording((given) => gauge.labels(labels(given)).inc(one(given.values[2].value))),
      'gauge.set(value)': never(({ values: [first] }) => level.set(first.value as never, undefined as never)),
      'gauge.set(labels, value)': never(({ values: [first, second] }) =>
        level.set(first.value as never, second.value as never),
      ),
      'gauge.labels().set': never(({ values: [first, second] }) =>
        level.labels({ a: first.value } as never).set(second.value as never),
      ),
      'histogram.observe(labels, value)': recording(({ values: [first, second] }) =>
        histogram.observe(first.value as never, second.value as never),
      ),
      'histogram.observe(value)': recording(({ values: [first] }) => sizes.observe(first.value as never)),
      'histogram.labels().observe': recording((given) =>
        histogram.labels(labels(given)).observe(given.values[2].value as never),
      ),
      'histogram.startTimer': recording(({ values: [first, second] }) => {
        const stop = histogram.startTimer(first.value as never)
        stop(second.value as never)
        stop(first.value as never)
      }),
      'histogram.labels().startTimer': recording((given) => histogram.labels(labels(given)).startTimer()()),
      'incrCounter(name)': recording(({ values: [first, second] }) =>
        metrics.incrCounter(first.value as never, one(second.value, 0), { a: 'a' }),
      ),
      'incrCounter(labels)': recording(({ values: [first] }) =>
        metrics.incrCounter('verbs.counter', 1, first.value as never),
      ),
      setGauge: never(({ values: [first, second, third] }) =>
        others.setGauge(first.value as never, second.value as never, third.value as never),
      ),
      'addSample(name)': recording(({ values: [first, second] }) =>
        metrics.addSample(first.value as never, second.value as never),
      ),
      'addSample(labels)': recording(({ values: [first, second] }) =>
        metrics.addSample('verbs.histogram', second.value as never, first.value as never),
      ),
      'measureSince(name)': recording(({ values: [first, second, third] }) =>
        metrics.measureSince(first.value as never, second.value as never, third.value as never),
      ),
      'measureSince(start)': recording(({ values: [first] }) =>
        metrics.measureSince('verbs.duration', first.value as never, { a: 'a' }),
      ),
      'an observable that returns it': never(({ values: [first] }) =>
        collectOnce(others, () => first.value as never),
      ),
      'an observable that throws it': never(({ values: [first] }) =>
        collectOnce(others, () => {
          throw first.value
        }),
      ),
      'an observable that rejects with it': never(({ values: [first] }) =>
        collectOnce(others, () => Promise.reject(first.value) as never),
      ),
      'an observable of such series': never((given) =>
        collectOnce(others, () => [[labels(given), given.values[2].value]] as never),
      ),
      updateFilter: refusing(['KIT_METRIC_FILTER_INVALID'], ({ text }) =>
        metrics.updateFilter({ block: [`blocked.${text}`] }),
      ),
      'flush(timeout)': refusing(['KIT_METRIC_OPTION_INVALID'], ({ values: [first] }) =>
        others.flush(first.value as never),
      ),
      'flush of sinks that fail with it': never(async ({ values: [first], dice }) => {
        if (dice > rarely) return
        failing.next = { error: first.value }
        flushes += 1
        await metrics.flush(50)
        failing.next = undefined
      }),
      'prometheus.text(accept)': never(({ values: [first], dice }) =>
        dice > rarely ? undefined : page.text(first.value as never),
      ),
      'prometheus.contentType(accept)': never(({ values: [first] }) =>
        page.contentType(first.value as never),
      ),
      'prometheus.handler': never(async ({ text, dice }) => {
        if (dice > rarely) return
        const accept = headerText(text)
        await (await sinks.page.handler(new Request('http://x/', { headers: { accept } }))).text()
      }),
      'memory.data and handler': never(async ({ dice }) => {
        if (dice > rarely) return
        sinks.kept.data()
        await (await sinks.kept.handler(new Request('http://x/'))).text()
      }),
      'OpenTelemetry collect': never(({ dice }) => (dice > rarely ? undefined : sinks.producer.collect())),
      'statsd.stats': never(() => sinks.sent.stats()),
      snapshot: never(({ dice }) => (dice > rarely ? undefined : metrics.snapshot())),
    },
    audit() {
      const missing: string[] = []
      const found = recordingsIn(metrics)
      if (found !== accounted + made) {
        missing.push(`of ${made} recordings ${found - accounted} are in a series or were counted as dropped`)
      }
      accounted = found
      made = 0
      const failures = failuresIn(metrics)
      if (failures !== flushes) missing.push(`of ${flushes} flushes that failed ${failures} are counted`)
      return missing
    },
    async close() {
      await Promise.all([metrics.shutdown(100), others.shutdown(100)])
      // From now on recordings go nowhere, and still throw nothing.
      counter.inc({ a: 'a', b: 'b' })
      metrics.incrCounter('late')
      await metrics.flush(10)
      metrics.snapshot()
    },
  }
}

/** Pages and snapshots of all that there is take long; one in so many calls makes one. */
const rarely = 0.005

/** Of a value that would be recorded, 1; what would not be stays as it is. So a sum is a number of recordings. */
function one(value: unknown, atLeast = Number.NEGATIVE_INFINITY): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= atLeast ? 1 : (value as never)
}

/** The same for what is subtracted. */
function minusOne(value: unknown): number {
  return value === undefined || Number.isFinite(value) ? -1 : (value as never)
}

interface Declared {
  readonly counter: Counter<'a' | 'b'>
  readonly plain: Counter
  readonly gauge: Gauge<'a' | 'b'>
  readonly histogram: Histogram<'a' | 'b'>
  readonly sizes: Histogram
}

function declare(metrics: Metrics): Declared {
  const labels = ['a', 'b'] as const
  return {
    counter: metrics.counter('calls.counter', { labels }),
    plain: metrics.counter('calls.plain'),
    gauge: metrics.gauge('calls.gauge', { labels }),
    histogram: metrics.histogram('calls.histogram', { labels, native: true }),
    sizes: metrics.histogram('calls.sizes', { unit: 'By' }),
  }
}

interface Sinks {
  readonly page: PrometheusSink
  readonly kept: MemorySink
  readonly sent: StatsdSink
  readonly producer: OtelMetricProducer
}

function attachSinks(metrics: Metrics, failing: Throwing): Sinks {
  const page = prometheus()
  const kept = memory()
  const otel = opentelemetry()
  const sent = statsd({ client: hostileClient(failing) })
  const sink: Sink = {
    name: failingSink,
    start() {},
    flush: () => (failing.next === undefined ? Promise.resolve() : Promise.reject(failing.next.error)),
  }
  for (const each of [page, kept, otel, sent, sink]) metrics.attach(each)
  return { page, kept, sent, producer: otel.producer({ temporality: 'delta' }) }
}

const failingSink = 'failing'

/** A client that throws, fails, or fails and then succeeds; and works while nothing is to be thrown. */
function hostileClient(failing: Throwing): StatsdClient {
  let sends = 0
  const client = {
    sendMessage(_text: string, done: (error?: unknown) => void): void {
      sends += 1
      if (failing.next === undefined) return done()
      if (sends % 3 === 0) throw failing.next.error
      done(failing.next.error)
      if (sends % 3 === 1) done()
    },
    close() {},
  }
  return client
}

function collectOnce(metrics: Metrics, read: () => never): void {
  const stop = metrics.observable('observed', { labels: ['a', 'b'] }, read)
  metrics.snapshot()
  stop()
}

/** Where a recording is that is in no series. `overflow` and `label_truncated` speak of some that are in one. */
const lost: ReadonlySet<string | undefined> = new Set(['bad_value', 'bad_labels', 'bad_name', 'conflict'])

/** All recordings that are to be found: of each a one was added, or a histogram has it. */
function recordingsIn(metrics: Metrics): number {
  let sum = 0
  for (const { name, series } of metrics.snapshot().metrics) {
    for (const point of series) {
      if (name === 'kit.metrics.dropped' ? lost.has(point.labels['reason']) : !name.startsWith('kit.')) {
        sum += 'count' in point ? point.count : point.value
      }
    }
  }
  return sum
}

function failuresIn(metrics: Metrics): number {
  const errors = metrics.snapshot().metrics.find(({ name }) => name === 'kit.metrics.sink.errors')
  const found = (errors?.series ?? []).filter(({ labels }) => labels['sink'] === failingSink)
  return found.reduce((sum, point) => sum + ('value' in point ? point.value : 0), 0)
}
