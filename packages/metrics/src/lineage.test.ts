/** What went wrong in go-metrics and its users, by the numbers of the record of it: each must be impossible here. */

import { manualClock, type ManualClock } from '@kit/context/testing'
import { background } from '@kit/context'
import { StatsD } from 'hot-shots'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMetrics, metrics as processWide, type Metrics } from './index.ts'
import { runtimeMetrics } from './runtime/index.ts'
import { memory } from './sinks/memory/index.ts'
import { prometheus } from './sinks/prometheus/index.ts'
import { statsd } from './sinks/statsd/index.ts'
import { parseExposition, testMetrics } from './testing/index.ts'

let time: ManualClock

beforeEach(() => {
  time = manualClock(1000)
})

afterEach(() => {
  time[Symbol.dispose]()
})

async function samples(metrics: Metrics): Promise<ReadonlyMap<string, number>> {
  const sink = prometheus()
  const detach = metrics.attach(sink)
  const found = parseExposition(await sink.text()).flatMap((family) => family.samples)
  await detach()
  return new Map(found.map(({ name, labels, value }) => [`${name}${JSON.stringify(labels)}`, value]))
}

describe('go-metrics did, and here it cannot be:', () => {
  it('1: two series of the same labels in another order', async () => {
    const metrics = createMetrics()
    metrics.incrCounter('c', 1, { a: '1', b: '2' })
    metrics.incrCounter('c', 1, { b: '2', a: '1' })
    expect((await samples(metrics)).get('c_total{"a":"1","b":"2"}')).toBe(2)
  })

  it('2: one bad name that spoils the page', async () => {
    const metrics = testMetrics()
    metrics.incrCounter('bad name')
    metrics.incrCounter('c', 1, { 'http-method': 'GET' })
    metrics.incrCounter('d', 1, { 'no label': 'x' })
    const page = await samples(metrics)
    expect([page.get('c_total{"http_method":"GET"}'), metrics.dropped()]).toEqual([1, 2])
  })

  it('3: names or labels that merge', () => {
    const metrics = testMetrics()
    metrics.counter('a-b')
    expect(() => metrics.counter('a.b')).toThrow(expect.objectContaining({ code: 'KIT_METRIC_CONFLICT' }))
    const counter = metrics.counter('c', { labels: ['x', 'y'] })
    counter.inc({ x: '1;y=2', y: '' })
    counter.inc({ x: '1', y: '2' })
    expect([metrics.value('c', { x: '1;y=2' }), metrics.value('c', { x: '1', y: '2' })]).toEqual([1, 1])
  })

  it('4: a counter and a gauge of one name', () => {
    const metrics = createMetrics()
    metrics.counter('c')
    expect(() => metrics.gauge('c')).toThrow(expect.objectContaining({ code: 'KIT_METRIC_CONFLICT' }))
  })

  it('6: series that expire only when somebody scrapes', () => {
    const metrics = testMetrics()
    metrics.counter('c', { labels: ['a'], ttlMs: 1000 }).inc({ a: 1 })
    expect(metrics.value('kit.metrics.series')).toBe(1)
    time.advance(2000)
    expect(metrics.value('kit.metrics.series')).toBe(0)
  })

  it('7: series that expire though nobody asked for it', () => {
    const metrics = testMetrics()
    metrics.gauge('info', { labels: ['version'] }).set({ version: '1' }, 1)
    time.advance(365 * 86_400_000)
    expect(metrics.value('info', { version: '1' })).toBe(1)
  })

  it('8: declared labels that appear as a zero without labels, and filters that the page does not obey', async () => {
    const metrics = createMetrics()
    metrics.counter('c', { labels: ['a'], series: [{ a: 1 }] })
    metrics.counter('blocked').inc()
    metrics.updateFilter({ block: ['blocked'] })
    const names = [...(await samples(metrics)).keys()].filter((name) => !name.startsWith('kit_'))
    expect(names).toEqual(['c_total{"a":"1"}'])
  })

  it('9: quantiles that cannot be added up, and NaN after ten seconds', async () => {
    const metrics = createMetrics()
    metrics.addSample('s', 0.3)
    time.advance(3_600_000)
    const page = await samples(metrics)
    expect([page.get('s_bucket{"le":"0.5"}'), [...page.values()].every(Number.isFinite)]).toEqual([1, true])
  })

  it('10: series without number', () => {
    const metrics = createMetrics({ maxSeries: 5 })
    for (let i = 0; i < 1000; i++) metrics.incrCounter('c', 1, { user: i })
    expect(metrics.snapshot().metrics.find(({ name }) => name === 'c')?.series.length).toBe(6)
  })

  it('11: what was sent and never said to be lost', async () => {
    const metrics = createMetrics()
    const refusing = {
      sendMessage: (_message: unknown, callback: (error?: Error) => void) => callback(new Error('refused')),
    }
    const sink = statsd({ client: refusing as never })
    metrics.attach(sink)
    metrics.counter('c').inc(5)
    await metrics.shutdown(0)
    const dropped = metrics.snapshot().metrics.find(({ name }) => name === 'kit.metrics.dropped')
    const undelivered = dropped?.series.find(({ labels }) => labels['reason'] === 'undelivered')
    expect(undelivered).toMatchObject({ value: expect.any(Number) as number })
    expect(sink.stats().errors).toBeGreaterThan(0)
  })

  it('12: a tail lost by the shutdown, and a panic after it', async () => {
    const metrics = createMetrics()
    const sink = memory()
    metrics.attach(sink)
    const counter = metrics.counter('c')
    counter.inc(5)
    await metrics.shutdown()
    counter.inc(1)
    metrics.incrCounter('other')
    await metrics.shutdown()
    expect(
      sink
        .data()
        .intervals.at(-1)
        ?.counters.find(({ name }) => name === 'c')?.sum,
    ).toBe(5)
  })

  it('13: a label that forges a line, and a negative gauge that is a change', async () => {
    const client = new StatsD({ mock: true })
    const metrics = createMetrics({ filter: { block: ['kit'] } })
    metrics.attach(statsd({ client }))
    metrics.counter('c', { labels: ['a'] }).inc({ a: 'x\nforged:1|c' })
    metrics.gauge('g').set(-3)
    metrics.gauge('small').set(4e-7)
    await metrics.shutdown()
    expect((client.mockBuffer ?? []).flatMap((packet) => packet.split('\n')).slice(0, 4)).toEqual([
      'c.x_xa_forged_x3a_1_x7c_c:1|c',
      'g:0|g',
      'g:-3|g',
      expect.stringMatching(/^small:(4e-7|0\.0000004)\|g$/),
    ])
  })

  it('14: a deviation that is NaN, and sums that break the page', () => {
    const metrics = createMetrics()
    const sink = memory()
    metrics.attach(sink)
    for (let i = 0; i < 40; i++) metrics.addSample('s', 1e9 + 0.1)
    metrics.addSample('s', Infinity)
    metrics.addSample('big', Number.MAX_VALUE)
    metrics.addSample('big', Number.MAX_VALUE)
    const histograms = sink.data().intervals.at(-1)?.histograms ?? []
    expect(histograms.find(({ name }) => name === 's')).toMatchObject({ count: 40, stddev: 0 })
    expect(JSON.stringify(sink.data())).not.toContain('null')
  })

  it('15: a retention shorter than an interval, and an idle process whose intervals never end', async () => {
    expect(() => memory({ intervalMs: 10, retainMs: 5 })).toThrow(
      expect.objectContaining({ code: 'KIT_METRIC_OPTION_INVALID' }),
    )
    const metrics = createMetrics()
    const sink = memory({ intervalMs: 1000 })
    metrics.attach(sink)
    const ctx = background.withCancel()
    const intervals = sink.stream(ctx)[Symbol.asyncIterator]()
    const first = intervals.next()
    time.advance(1000)
    expect((await first).done).toBe(false)
    ctx.cancel()
    await metrics.shutdown()
  })

  it('16: labels of the caller that are changed', () => {
    const labels = Object.freeze({ b: 1, a: 'x' })
    const names = Object.freeze(['b', 'a'] as const)
    const metrics = testMetrics({ prefix: 'host' })
    metrics.counter('c', { labels: names }).inc(labels)
    metrics.incrCounter('host', 1, labels)
    expect([labels, names]).toEqual([{ b: 1, a: 'x' }, ['b', 'a']])
    expect(metrics.value('host.host', { a: 'x', b: 1 })).toBe(1)
  })

  it('17: a collector of runtime metrics that outlives its metrics', () => {
    const metrics = createMetrics()
    const runtime = runtimeMetrics(metrics)
    runtime[Symbol.dispose]()
    expect(time.pendingTimers).toBe(0)
  })

  it('18: a filter that blocks by the bytes of a final name', () => {
    const metrics = testMetrics({ prefix: 'svc' })
    metrics.updateFilter({ block: ['foo'] })
    metrics.counter('foo').inc()
    metrics.counter('foobar').inc()
    metrics.counter('svc').inc()
    expect(['svc.foo', 'svc.foobar', 'svc.svc'].map((name) => metrics.value(name))).toEqual([undefined, 1, 1])
  })

  it('20: metrics split between copies of the package', () => {
    expect((globalThis as Record<symbol, unknown>)[Symbol.for('@kit/metrics@1')]).toBe(processWide)
  })
})
