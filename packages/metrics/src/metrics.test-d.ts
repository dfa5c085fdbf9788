import { expectTypeOf } from 'vitest'
import { createMetrics, type BoundCounter, type Counter, type Gauge, type Histogram } from './index.ts'
import { runtimeMetrics } from './runtime/index.ts'
import { memory } from './sinks/memory/index.ts'
import { prometheus } from './sinks/prometheus/index.ts'

const metrics = createMetrics()
const plain = metrics.counter('plain')
const labelled = metrics.counter('labelled', { labels: ['method', 'http.status'] })
const gauge = metrics.gauge('gauge', { labels: ['queue'], unit: '{item}', help: 'Items.' })
const histogram = metrics.histogram('histogram', { labels: ['route'], unit: 's', buckets: [1, 2] })
const plainHistogram = metrics.histogram('plain.histogram')

expectTypeOf(plain).toEqualTypeOf<Counter>()
expectTypeOf(labelled).toEqualTypeOf<Counter<'method' | 'http.status'>>()
expectTypeOf(gauge).toEqualTypeOf<Gauge<'queue'>>()
expectTypeOf(histogram).toEqualTypeOf<Histogram<'route'>>()
expectTypeOf(metrics.counter('none', { labels: [] })).toEqualTypeOf<Counter>()
expectTypeOf(labelled.labels({ method: 'GET', 'http.status': 200 })).toEqualTypeOf<BoundCounter>()

plain.inc()
plain.inc(2)
labelled.inc({ method: 'GET', 'http.status': 200 })
labelled.inc({ method: 'GET', 'http.status': true }, 2)
gauge.set({ queue: 'a' }, 2)
gauge.dec({ queue: 'a' })
histogram.observe({ route: '/' }, 0.1)
expectTypeOf(histogram.startTimer({ route: '/' })()).toEqualTypeOf<number>()
histogram.startTimer()({ route: '/' })
plainHistogram.startTimer()()
metrics.observable('o', { labels: ['a'] }, () => [[{ a: 1 }, 2]])
metrics.observable('o', {}, () => 2)

// @ts-expect-error an unknown label
labelled.inc({ method: 'GET', 'http.status': 200, extra: 1 })
// @ts-expect-error a misspelt label
labelled.inc({ methd: 'GET', 'http.status': 200 })
// @ts-expect-error a missing label
labelled.inc({ method: 'GET' })
// @ts-expect-error no labels at all
labelled.inc()
// @ts-expect-error a value where the labels belong
labelled.inc(2)
// @ts-expect-error an undefined label
labelled.inc({ method: undefined, 'http.status': 200 })
// @ts-expect-error an object as a label value
labelled.inc({ method: {}, 'http.status': 200 })
// @ts-expect-error labels on an instrument that has none
plain.inc({ method: 'GET' })
// @ts-expect-error labels and a value on an instrument that has none
plain.inc({ method: 'GET' }, 2)
// @ts-expect-error a missing label of a handle
labelled.labels({ method: 'GET' })
// @ts-expect-error a missing value
gauge.set({ queue: 'a' })
// @ts-expect-error a counter cannot be set
plain.set(2)
// @ts-expect-error no value
plainHistogram.observe()
// @ts-expect-error an unknown label of a timer
histogram.startTimer({ rout: '/' })
// @ts-expect-error buckets belong to histograms
metrics.counter('c', { buckets: [1] })
// @ts-expect-error an unknown label of an observable
metrics.observable('o', { labels: ['a'] }, () => [[{ b: 1 }, 2]])

const perhaps = Math.random() > 2 ? 5 : undefined
createMetrics({ maxSeries: perhaps, maxTotalSeries: perhaps, filter: undefined })
metrics.counter('c', { help: undefined, labels: undefined, unit: undefined, maxSeries: perhaps })
metrics.histogram('h', { buckets: undefined })
metrics.observable('o', { kind: undefined }, () => 1)
metrics.updateFilter({ default: undefined, allow: undefined, block: undefined, blockLabels: undefined })
prometheus({ prefix: undefined })
memory({ intervalMs: perhaps, retainMs: perhaps }).dumpOn('SIGUSR2', { write: undefined })
runtimeMetrics(metrics, { eventLoopResolutionMs: perhaps, eventLoopWindowMs: perhaps })
