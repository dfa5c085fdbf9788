import type * as PromClient from 'prom-client'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMetrics, type Metrics, type MetricsOptions } from '../../index.ts'
import { parseExposition, type ExpositionFamily } from '../../testing/index.ts'
import { prometheus, type PrometheusSink } from './index.ts'

const openMetrics = 'application/openmetrics-text'
const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'

type Client = typeof PromClient
type Registry = PromClient.Registry

/** Both libraries; undefined where one does not load on this version of Node. */
const clients = await Promise.all(
  ['prom-client', '@prometheus-io/client'].map(async (name) => {
    const client = await import(name).catch(() => undefined)
    return { name, client: client as Client | undefined }
  }),
)

function attached(options: MetricsOptions = {}): { metrics: Metrics; sink: PrometheusSink } {
  const metrics = createMetrics({ filter: { block: ['kit'] }, ...options })
  const sink = prometheus()
  metrics.attach(sink)
  return { metrics, sink }
}

/** Their page, without the blank lines that they put between families. */
async function read(
  registry: Registry,
  format: 'text' | 'openmetrics' = 'text',
): Promise<ExpositionFamily[]> {
  return parseExposition((await registry.metrics()).replaceAll('\n\n', '\n').replace(/^\n$/, ''), format)
}

function named(families: readonly ExpositionFamily[]): Map<string, ExpositionFamily> {
  return new Map(families.map((family) => [family.name, family]))
}

function spelled(families: readonly ExpositionFamily[]): string[] {
  return families
    .flatMap(({ type, samples }) =>
      samples
        .filter(({ name }) => !name.endsWith('_created'))
        .map(({ name, labels, value, exemplar }) =>
          JSON.stringify([
            type,
            name,
            Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)),
            value,
            exemplar,
          ]),
        ),
    )
    .toSorted()
}

function openRegistry(client: Client): Registry {
  const registry = new client.Registry() as unknown as PromClient.Registry<PromClient.OpenMetricsContentType>
  registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE)
  return registry as unknown as Registry
}

function viaJson(sent: object[]): object[] {
  const received: unknown = JSON.parse(JSON.stringify(sent))
  return received as object[]
}

describe.each(clients)('in a registry of $name', ({ client }) => {
  it.skipIf(client === undefined)('ours stand beside theirs, with the default labels', async () => {
    const { metrics, sink } = attached()
    const registry = new client!.Registry()
    registry.setDefaultLabels({ app: 'shop' })
    new client!.Gauge({ name: 'theirs', help: 'H.', registers: [registry] }).set(1)
    metrics.counter('jobs', { labels: ['a.b', 'constructor', 'toString'], help: 'Jobs.' }).inc({
      'a.b': '__proto__',
      constructor: 'x"\\\n',
      toString: '',
    })
    metrics.histogram('took', { unit: 's', buckets: [0.5, 1] }).observe(0.75)
    sink.exposeIn(registry)
    for (let i = 0; i < 2; i++) {
      const families = named(await read(registry))
      expect(families.get('theirs')!.samples).toEqual([{ name: 'theirs', labels: { app: 'shop' }, value: 1 }])
      expect(families.get('jobs_total')).toMatchObject({ type: 'counter', help: 'Jobs.' })
      expect(families.get('jobs_total')!.samples).toEqual([
        { name: 'jobs_total', labels: { a_b: '__proto__', constructor: 'x"\\\n', app: 'shop' }, value: 1 },
      ])
      expect(
        families.get('took_seconds')!.samples.map(({ name, labels, value }) => [name, labels['le'], value]),
      ).toEqual([
        ['took_seconds_bucket', '0.5', 0],
        ['took_seconds_bucket', '1', 1],
        ['took_seconds_bucket', '+Inf', 1],
        ['took_seconds_sum', undefined, 0.75],
        ['took_seconds_count', undefined, 1],
      ])
    }
    expect((await registry.getMetricsAsJSON()).map(({ name }) => name)).toEqual([
      'theirs',
      'jobs_total',
      'took_seconds',
    ])
    expect(await registry.getSingleMetricAsString('jobs_total')).toContain('jobs_total{')
  })

  it.skipIf(client === undefined)(
    'their page says what ours says, in both formats',
    async () => {
      const text = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 5 }),
        fc.constantFrom('__proto__', '\n', '"', ''),
      )
      const step = fc.record({ a: text, b: text, value: fc.double({ min: 0, max: 1e9, noNaN: true }) })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 8 }), fc.boolean(), async (steps, signed) => {
          const { metrics, sink } = attached({ exemplars: () => ({ traceId, spanId }) })
          const registries = { text: new client!.Registry(), openmetrics: openRegistry(client!) }
          sink.exposeIn(registries.text)
          sink.exposeIn(registries.openmetrics)
          const labels = ['valueOf', 'b'] as const
          const buckets = signed ? [-1, 0.5, 1e6] : [0.5, 1, 1e6]
          for (const { a, b, value } of steps) {
            metrics.counter('c', { labels }).inc({ valueOf: a, b }, value)
            metrics.gauge('g', { labels, unit: 's' }).set({ valueOf: a, b }, -value)
            metrics.histogram('h', { labels, buckets }).observe({ valueOf: a, b }, value)
          }
          for (const format of ['text', 'openmetrics'] as const) {
            const ours = await sink.text(format === 'text' ? undefined : openMetrics)
            expect(spelled(steps.length === 0 ? [] : await read(registries[format], format))).toEqual(
              spelled(parseExposition(ours, format)),
            )
          }
        }),
        { numRuns: 40 * Number(process.env['KIT_FUZZ_RUNS'] ?? 1) },
      )
    },
    60_000,
  )

  it.skipIf(client === undefined)('new ones appear and blocked ones vanish', async () => {
    const metrics = createMetrics({ filter: { block: ['kit'] } })
    const sink = prometheus({ prefix: 'shop_' })
    const registry = new client!.Registry()
    const remove = sink.exposeIn(registry)
    expect(await registry.metrics()).toBe('\n')
    metrics.attach(sink)
    metrics.counter('a').inc()
    let value = 1
    metrics.observable('b', {}, () => value++)
    expect([...named(await read(registry)).keys()]).toEqual(['shop_a_total', 'shop_b'])
    metrics.gauge('c').set(1)
    metrics.updateFilter({ block: ['kit', 'a'] })
    const families = named(await read(registry))
    expect([...families.keys()]).toEqual(['shop_b', 'shop_c'])
    expect(families.get('shop_b')!.samples.at(0)!.value).toBe(2)
    expect(registry.getSingleMetric('shop_a_total')).toBeUndefined()
    new client!.Gauge({ name: 'theirs', help: 'H.', registers: [registry] }).set(1)
    remove()
    remove()
    metrics.gauge('d').set(1)
    expect([...named(await read(registry)).keys()]).toEqual(['theirs'])
    expect(Object.getOwnPropertyNames(registry).filter((name) => /^(get|reset)/.test(name))).toEqual([])
    sink.exposeIn(registry)
    expect([...named(await read(registry)).keys()]).toEqual(['theirs', 'shop_b', 'shop_c', 'shop_d'])
  })

  it.skipIf(client === undefined)('ours go when the sink is detached, and stay at shutdown', async () => {
    const { metrics, sink } = attached()
    const registry = new client!.Registry()
    sink.exposeIn(registry)
    metrics.counter('a').inc(3)
    await read(registry)
    const held = registry.getSingleMetric('a_total') as unknown as { get(): Promise<{ values: unknown[] }> }
    await metrics.shutdown()
    expect((await read(registry)).at(0)!.samples.at(0)!.value).toBe(3)
    const other = attached()
    other.sink.exposeIn(registry)
    const detached = createMetrics()
    const page = prometheus({ prefix: 'x_' })
    const detach = detached.attach(page)
    const second = new client!.Registry()
    page.exposeIn(second)
    detached.counter('a').inc()
    expect(second.getMetricsAsArray().map(({ name }) => name)).toContain('x_a_total')
    const lost = second.getSingleMetric('x_a_total') as unknown as typeof held
    await detach()
    expect(second.getMetricsAsArray()).toEqual([])
    expect((await lost.get()).values).toEqual([])
    expect((await held.get()).values).toEqual([{ labels: {}, value: 3 }])
  })

  it.skipIf(client === undefined)('a name that is theirs stays theirs', async () => {
    const { metrics, sink } = attached()
    const registry = new client!.Registry()
    const registers = [registry]
    new client!.Counter({ name: 'a_total', help: 'H.', registers }).inc(7)
    new client!.Histogram({ name: 'h', help: 'H.', buckets: [1], registers }).observe(1)
    metrics.counter('a').inc()
    metrics.gauge('h.count').set(5)
    metrics.gauge('fine').set(1)
    const remove = sink.exposeIn(registry)
    const families = await read(registry)
    expect(families.map(({ name }) => name)).toEqual(['a_total', 'h', 'fine'])
    expect(families.at(0)!.samples.at(0)!.value).toBe(7)
    metrics.updateFilter({})
    expect(await sink.text()).toContain('kit_metrics_dropped_total{reason="conflict"} 2\n')
    remove()
    expect((await read(registry)).map(({ name }) => name)).toEqual(['a_total', 'h'])
  })

  it.skipIf(client === undefined)(
    'resetMetrics() resets what that registry shows, and nothing else',
    async () => {
      const { metrics, sink } = attached()
      const registry = new client!.Registry()
      sink.exposeIn(registry)
      const counter = metrics.counter('c', { labels: ['x'] })
      counter.inc({ x: 1 }, 5)
      metrics.gauge('g').set(5)
      const histogram = metrics.histogram('h', { buckets: [1] })
      histogram.observe(0.5)
      registry.resetMetrics()
      counter.inc({ x: 1 }, 2)
      counter.inc({ x: 2 }, 1)
      histogram.observe(3)
      const values = (await read(registry)).flatMap(({ samples }) =>
        samples.map(({ name, value }) => `${name} ${value}`),
      )
      expect(values).toEqual([
        'c_total 2',
        'c_total 1',
        'g 5',
        'h_bucket 0',
        'h_bucket 1',
        'h_sum 3',
        'h_count 1',
      ])
      expect(await sink.text()).toContain('c_total{x="1"} 7\n')
    },
  )

  it.skipIf(client === undefined)('ours add up when workers are aggregated', async () => {
    const workers = await Promise.all(
      [1, 2].map(async (amount) => {
        const { metrics, sink } = attached({ exemplars: () => ({ traceId, spanId }) })
        const registry = new client!.Registry()
        sink.exposeIn(registry)
        metrics.counter('c', { labels: ['x'] }).inc({ x: 'a' }, amount)
        metrics.counter('c', { labels: ['x'] }).inc({ x: `only ${amount}` }, amount)
        metrics.gauge('g').set(amount)
        metrics.histogram('h', { buckets: [1, 2] }).observe(amount)
        // What goes between processes is JSON, and between threads a structured clone.
        const sent = await registry.getMetricsAsJSON()
        expect(structuredClone(sent)).toEqual(viaJson(sent))
        return viaJson(sent)
      }),
    )
    const aggregated: unknown = client!.AggregatorRegistry.aggregate(workers)
    const page = await read(aggregated as Registry)
    const values = page.flatMap(({ samples }) =>
      samples.map(({ name, labels, value }) => `${name} ${Object.values(labels).join()} ${value}`),
    )
    expect(values).toEqual([
      'c_total a 3',
      'c_total only 1 1',
      'c_total only 2 2',
      'g  3',
      'h_bucket 1 1',
      'h_bucket 2 2',
      'h_bucket +Inf 2',
      'h_sum  3',
      'h_count  2',
    ])
  })

  it.skipIf(client === undefined)('an OpenMetrics registry shows exemplars', async () => {
    const { metrics, sink } = attached({ exemplars: () => ({ traceId, spanId }) })
    const registry = openRegistry(client!)
    sink.exposeIn(registry)
    metrics.histogram('h', { buckets: [1] }).observe(0.5)
    metrics.counter('c').inc()
    for (let i = 0; i < 2; i++) {
      const page = await read(registry, 'openmetrics')
      expect(page.map(({ name }) => name)).toEqual(['h', 'c'])
      expect(page.at(0)!.samples[0]).toMatchObject({
        labels: { le: '1.0' },
        exemplar: { labels: { trace_id: traceId, span_id: spanId }, value: 0.5 },
      })
      const now = Date.now() / 1000
      expect(Math.abs(page.at(0)!.samples.at(0)!.exemplar!.timestamp! - now)).toBeLessThan(3600)
    }
  })

  it.skipIf(client === undefined)('both ways at once, and merged into another registry', async () => {
    const { metrics, sink } = attached()
    const registry = new client!.Registry()
    new client!.Gauge({ name: 'theirs', help: 'H.', registers: [registry] }).set(1)
    metrics.counter('ours').inc()
    sink.exposeIn(registry)
    sink.mergeWith(registry)
    expect(parseExposition(await sink.text()).map(({ name }) => name)).toEqual(['ours_total', 'theirs'])
    expect((await read(registry)).map(({ name }) => name)).toEqual(['theirs', 'ours_total'])
    const merged = client!.Registry.merge([registry])
    expect((await read(merged)).map(({ name }) => name)).toEqual(['theirs', 'ours_total'])
  })
})

describe('exposing', () => {
  it('refuses what is no registry, and one that ours are in', () => {
    const { sink } = attached()
    const invalid = expect.objectContaining({ code: 'KIT_METRIC_OPTION_INVALID' })
    for (const given of [undefined, null, {}, { getMetricsAsArray() {} }]) {
      expect(() => sink.exposeIn(given as never)).toThrow(invalid)
    }
    const client = clients.at(0)!.client!
    const registry = new client.Registry()
    sink.exposeIn(registry)
    expect(() => sink.exposeIn(registry)).toThrow(invalid)
  })

  it('leaves the hook of somebody else alone when it ends', async () => {
    const { metrics, sink } = attached()
    const client = clients.at(0)!.client!
    const registry = new client.Registry()
    const remove = sink.exposeIn(registry)
    const { getMetricsAsArray } = registry
    let calls = 0
    registry.getMetricsAsArray = function (this: Registry) {
      calls++
      return getMetricsAsArray.call(this)
    }
    metrics.counter('c').inc()
    expect((await read(registry)).length).toBe(1)
    remove()
    expect(await registry.metrics()).toBe('\n')
    expect(calls).toBeGreaterThanOrEqual(2)
  })
})
