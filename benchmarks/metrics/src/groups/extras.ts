/* What may be switched on beside recording, and what that costs a recording: sinks and filters nothing, others little. */
import type { BoundCounter, BoundHistogram, HistogramSpec, Metrics, MetricsOptions } from '@kit/metrics'
import { durations, manyValues } from '../labels.ts'
import type { FastGroup } from '../suite-types.ts'

type Case = FastGroup['cases'][number]

const lastValue = manyValues - 1
const tenSinks = 10

/** Ten pages that were scraped already. */
export const counterWithSinks: FastGroup = {
  name: 'sinks-counter',
  title: 'count through a handle, with ten Prometheus sinks attached and without',
  targets: [{ against: 'kit: without a sink', atLeast: 0.91 }],
  cases: [
    counting('with ten sinks', {}, attachTen),
    counting('with one sink', {}, attachOne),
    counting('without a sink', {}, nothing),
  ],
}

/** The same of observations. */
export const histogramWithSinks: FastGroup = {
  name: 'sinks-histogram',
  title: 'observe through a handle, with ten Prometheus sinks attached and without',
  targets: [{ against: 'kit: without a sink', atLeast: 0.91 }],
  cases: [
    observing('with ten sinks', {}, {}, attachTen),
    observing('with one sink', {}, {}, attachOne),
    observing('without a sink', {}, {}, nothing),
  ],
}

/** Filters that are set while a handle exists. */
export const counterWithFilter: FastGroup = {
  name: 'filter',
  title: 'count through a handle, with a filter set after it was taken and without one',
  note: 'Blocking a label sends what is counted to the series without it.',
  targets: [{ against: 'kit: without a filter', atLeast: 0.91 }],
  cases: [
    counting('with a filter that blocks others', {}, (metrics) =>
      metrics.updateFilter({ block: ['db', 'cache.*'] }),
    ),
    counting('without a filter', {}, nothing),
    counting('with a filter that blocks it', {}, (metrics) => metrics.updateFilter({ block: ['requests'] })),
    counting('with a filter that blocks its label', {}, (metrics) =>
      metrics.updateFilter({ blockLabels: ['route'] }),
    ),
  ],
}

/** Options of histograms. */
export const histogramOptions: FastGroup = {
  name: 'histogram-options',
  title: 'observe through a handle, with exponential buckets and with exemplars',
  note: 'Exemplars ask for the active span at each observation; here a function answers at once.',
  cases: [
    observing('14 buckets', {}, {}, nothing),
    observing('14 buckets and exponential ones', {}, { native: true }, nothing),
    observing('with exemplars, outside of a span', { exemplars: () => undefined }, {}, nothing),
    observing('with exemplars, in a sampled span', { exemplars: () => span }, {}, nothing),
  ],
}

const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }

function counting(name: string, options: MetricsOptions, then: (metrics: Metrics) => unknown): Case {
  return {
    name: `kit: ${name}`,
    async prepare() {
      const metrics = await create(options)
      const handle: BoundCounter = metrics.counter('requests', { labels: ['route'] }).labels({ route: '/' })
      handle.inc()
      await then(metrics)
      return () => handle.inc()
    },
  }
}

function observing(
  name: string,
  options: MetricsOptions,
  spec: HistogramSpec<'route'>,
  then: (metrics: Metrics) => unknown,
): Case {
  return {
    name: `kit: ${name}`,
    async prepare() {
      const values = durations()
      const metrics = await create(options)
      const duration = metrics.histogram('request.duration', { ...spec, unit: 's', labels: ['route'] })
      const handle: BoundHistogram = duration.labels({ route: '/' })
      handle.observe(1)
      await then(metrics)
      return (i) => handle.observe(values[i & lastValue]!)
    },
  }
}

async function create(options: MetricsOptions): Promise<Metrics> {
  const { createMetrics } = await import('@kit/metrics')
  return createMetrics(options)
}

function nothing(): void {}

function attachOne(metrics: Metrics): Promise<void> {
  return attach(metrics, 1)
}

function attachTen(metrics: Metrics): Promise<void> {
  return attach(metrics, tenSinks)
}

async function attach(metrics: Metrics, count: number): Promise<void> {
  const { prometheus } = await import('@kit/metrics/prometheus')
  const pages = Array.from({ length: count }, () => prometheus())
  for (const page of pages) {
    metrics.attach(page)
    await page.text()
  }
}
