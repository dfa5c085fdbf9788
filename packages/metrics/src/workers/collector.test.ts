import { once } from 'node:events'
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { manualClock, type ManualClock } from '@kit/context/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createMetrics, type Metrics, type MetricsOptions } from '../index.ts'
import { memory } from '../sinks/memory/index.ts'
import { testMetrics, type TestMetrics } from '../testing/index.ts'
import { collectWorkers, reportTo, type CollectOptions, type WorkerCollector } from './index.ts'
import { envelope } from './protocol.ts'

let time: ManualClock
const open: (Disposable | MessagePort)[] = []

beforeEach(() => {
  time = manualClock(1000)
})
afterEach(() => {
  for (const thing of open.splice(0)) if (Symbol.dispose in thing) thing[Symbol.dispose]()
  time[Symbol.dispose]()
})

function collector(options?: CollectOptions): { metrics: TestMetrics; workers: WorkerCollector } {
  const metrics = testMetrics()
  const workers = collectWorkers(metrics, options)
  open.push(workers)
  return { metrics, workers }
}

interface Colleague {
  readonly metrics: Metrics
  readonly stop: () => Promise<void>
  /** The collector's end of the user's channel. */
  readonly port: MessagePort
  /** The worker's end. */
  readonly own: MessagePort
}

/** Metrics that report from this very thread, after their first report arrived. */
async function colleague(
  workers: WorkerCollector,
  name?: string,
  options?: MetricsOptions,
): Promise<Colleague> {
  const { port1, port2 } = new MessageChannel()
  workers.add(port1, { name })
  const metrics = createMetrics(options)
  const stop = reportTo(metrics, port2)
  await once(port1, 'message')
  await metrics.flush()
  return { metrics, stop, port: port1, own: port2 }
}

describe('gauges', () => {
  it.each([
    ['sum', 12],
    ['max', 7],
    ['min', 2],
    ['last', 3],
  ] as const)('become one by the rule %s', async (rule, shown) => {
    const { metrics, workers } = collector({ gauges: { '*': 'max', 'a.b': rule } })
    const [one, two] = [await colleague(workers), await colleague(workers)]
    two.metrics.gauge('a.b.c').set(7)
    await two.metrics.flush()
    metrics.gauge('a.b.c').set(2)
    one.metrics.gauge('a.b.c').set(3)
    await one.metrics.flush()
    await two.metrics.flush()
    expect(metrics.value('a.b.c')).toBe(shown)
    await one.stop()
    await two.stop()
    await vi.waitUntil(() => metrics.value('a.b.c') === 2, { timeout: 30_000 })
  })

  it('go on following what this thread records', async () => {
    const { metrics, workers } = collector()
    const { metrics: theirs, stop } = await colleague(workers)
    const mine = metrics.gauge('busy', { labels: ['l'], ttlMs: 8000 })
    const bound = mine.labels({ l: 'x' })
    bound.set(1)
    theirs.gauge('busy', { labels: ['l'] }).set({ l: 'x' }, 10)
    await theirs.flush()
    expect(metrics.value('busy', { l: 'x' })).toBe(11)
    bound.inc(2)
    bound.dec()
    expect(metrics.value('busy', { l: 'x' })).toBe(12)
    metrics.updateFilter({ block: ['busy'] })
    bound.inc()
    metrics.updateFilter({ blockLabels: ['l'] })
    expect(metrics.value('busy')).toBe(13)
    metrics.updateFilter({})
    bound.set(5)
    expect(metrics.value('busy', { l: 'x' })).toBe(15)
    time.advance(7000)
    theirs.gauge('busy', { labels: ['l'] }).set({ l: 'x' }, 11)
    await theirs.flush()
    time.advance(7000)
    expect(metrics.value('busy', { l: 'x' })).toBe(16)
    await stop()
    await vi.waitUntil(() => metrics.value('busy', { l: 'x' }) === 5, { timeout: 30_000 })
  })

  it('have no value of this thread where it recorded none', async () => {
    const { metrics, workers } = collector({ gauges: { '*': 'min' } })
    metrics.gauge('free')
    const { metrics: theirs } = await colleague(workers)
    theirs.gauge('free').set(4)
    await theirs.flush()
    expect(metrics.value('free')).toBe(4)
  })

  it('stay told apart by worker, and several metrics of one worker are one', async () => {
    const { metrics, workers } = collector({ gauges: { free: 'worker' } })
    const all = [await colleague(workers, 'a'), await colleague(workers, 'a'), await colleague(workers, 'b')]
    for (const { metrics: theirs } of all) {
      theirs.gauge('free').set(4)
      await theirs.flush()
    }
    expect([metrics.value('free', { worker: 'a' }), metrics.value('free', { worker: 'b' })]).toEqual([8, 4])
    metrics.gauge('mine').set(1)
    expect(metrics.dropped()).toBe(0)
  })
})

describe('a collector', () => {
  it('merges exponential buckets and exemplars, and shows observations to taps', async () => {
    const traceId = '0123456789abcdef0123456789abcdef'
    const exemplars = (): { traceId: string; spanId: string } => ({ traceId, spanId: '0123456789abcdef' })
    const metrics = createMetrics({ exemplars })
    const plain = testMetrics()
    const recent = memory()
    plain.attach(recent)
    for (const parent of [metrics, plain]) {
      const workers = collectWorkers(parent)
      open.push(workers)
      const { metrics: theirs } = await colleague(workers, undefined, { exemplars })
      const histogram = theirs.histogram('took', { buckets: [1, 2, 4] })
      for (const value of [0.5, 1.5, 1.75, 3, 20]) histogram.observe(value)
      for (const value of [0.25, 1.5, 3]) theirs.histogram('below', { buckets: [1, 2, 4] }).observe(value)
      await theirs.flush()
    }
    const found = recent.data().intervals[0]?.histograms.find(({ name }) => name === 'took')
    expect(found).toMatchObject({ count: 5, sum: 26.75, mean: 5.35 })
    expect(found?.max).toBeGreaterThan(4)
    const below = recent.data().intervals[0]?.histograms.find(({ name }) => name === 'below')
    expect(below).toMatchObject({ count: 3, sum: 4.75 })
    let latest: unknown
    metrics.attach({
      name: 'test',
      start(source) {
        const histogram = source.instruments().find(({ name }) => name === 'took')
        latest = histogram?.kind === 'histogram' && histogram.series()[0]?.exemplar(1)
      },
    })
    expect(latest).toMatchObject({ value: 1.75, traceId })
  })

  it.each([{ native: true }, { exemplars: true }, { native: true, exemplars: true }])(
    'shows observations to the taps of sinks, and to no others, where a series keeps %o',
    async (options) => {
      const { metrics, workers } = collector()
      const recent = memory()
      metrics.attach(recent)
      metrics.histogram('took', { buckets: [1, 2], ...options }).observe(0.5)
      const { metrics: theirs } = await colleague(workers)
      theirs.histogram('took', { buckets: [1, 2], ...options }).observe(1.5)
      await theirs.flush()
      const found = recent.data().intervals[0]?.histograms.find(({ name }) => name === 'took')
      expect(found).toMatchObject({ count: 2, sum: 2 })
      const all = metrics.snapshot().metrics.find(({ name }) => name === 'took')
      expect(all).toMatchObject({ series: [{ count: 2, sum: 2 }] })
    },
  )

  it('leaves messages of the user alone, and gives the ports back', async () => {
    const { metrics, workers } = collector()
    const { port1, port2 } = new MessageChannel()
    const remove = workers.add(port1)
    expect(workers.add(port1)).toBe(remove)
    const theirs = createMetrics()
    const received: unknown[] = []
    port1.on('message', (message) => received.push(message))
    reportTo(theirs, port2)
    port2.postMessage('hello')
    await once(port1, 'message')
    await once(port1, 'message')
    expect(received.at(-1)).toBe('hello')
    theirs.counter('c').inc()
    await theirs.flush()
    theirs.gauge('g').set(1)
    theirs.counter('c').inc()
    await theirs.flush()
    remove()
    expect([metrics.value('c'), metrics.value('g')]).toEqual([2, 0])
    expect(port1.listenerCount('message')).toBe(1)
    port1.close()
  })

  it('is given everything anew when it replaces another one', async () => {
    const first = collector()
    const { metrics: theirs, port, own } = await colleague(first.workers)
    theirs.observable('t', { kind: 'counter' }, () => 5)
    theirs.counter('c').inc(3)
    await theirs.flush()
    first.workers[Symbol.dispose]()
    const workers = collectWorkers(first.metrics)
    open.push(workers)
    expect([first.metrics.value('c'), first.metrics.value('t')]).toEqual([3, undefined])
    workers.add(port)
    reportTo(createMetrics(), own)
    await once(port, 'message')
    expect(first.metrics.value('kit.workers.reporting', { state: 'live' })).toBe(1)
    port.close()
  })

  it('keeps its final numbers after shutdown', async () => {
    const { metrics, workers } = collector()
    const { metrics: theirs } = await colleague(workers)
    theirs.counter('c').inc(3)
    theirs.gauge('g').set(4)
    await theirs.flush()
    expect(await workers.refresh()).toBe(0)
    await metrics.shutdown()
    theirs.counter('c').inc(3)
    await theirs.flush(10)
    expect([metrics.value('c'), metrics.value('g')]).toEqual([3, 4])
    expect(() => collectWorkers(metrics)).toThrow(expect.objectContaining({ code: 'KIT_METRIC_SHUT_DOWN' }))
  })

  it('cuts off who floods it', async () => {
    const { metrics, workers } = collector()
    const { port1, port2 } = new MessageChannel()
    workers.add(port1)
    const flood = new MessageChannel()
    port2.postMessage({ [envelope]: flood.port2 }, [flood.port2])
    await once(port1, 'message')
    const closed = once(flood.port1, 'close')
    for (let i = 0; i < 12_000; i++) flood.port1.postMessage({ junk: i })
    await closed
    expect(metrics.value('kit.workers.dropped', { reason: 'malformed' })).toBe(1000)
    expect(metrics.value('kit.workers.dropped', { reason: 'flood' })).toBe(10_000)
    port1.close()
  })

  it('refuses what it cannot do', () => {
    const { metrics, workers } = collector()
    const code = (expected: string): unknown => expect.objectContaining({ code: expected })
    expect(() => collectWorkers(metrics)).toThrow(code('KIT_METRIC_CONFLICT'))
    for (const options of [
      { gauges: { a: 'mean' } },
      { gauges: { '0': 'sum' } },
      { gauges: [] },
      { lateMs: 0 },
      { maxSeries: 0 },
      { maxInstruments: -1 },
    ]) {
      const act = (): unknown => collectWorkers(createMetrics(), options as CollectOptions)
      expect(act).toThrow(code('KIT_METRIC_OPTION_INVALID'))
    }
    expect(() => collectWorkers(createMetrics(), { rules: {} } as CollectOptions)).toThrow(
      code('KIT_METRIC_OPTION_UNKNOWN'),
    )
    const { port1 } = new MessageChannel()
    const wrong = { named: 1 } as unknown as { name: string }
    expect(() => workers.add(port1, wrong)).toThrow(code('KIT_METRIC_OPTION_UNKNOWN'))
    expect(() => reportTo(createMetrics(), port1, { intervalMs: 0 })).toThrow(
      code('KIT_METRIC_OPTION_INVALID'),
    )
    expect(() => reportTo(createMetrics(), null)).toThrow(code('KIT_METRIC_OPTION_INVALID'))
    port1.close()
  })
})

describe('a reporter', () => {
  it('has one report under way, and says all anew to who does not answer, less and less often', async () => {
    const { port1, port2 } = new MessageChannel()
    const metrics = createMetrics()
    const counter = metrics.counter('c')
    reportTo(metrics, port2, { intervalMs: 100 })
    const [hello] = (await once(port1, 'message')) as [Record<typeof envelope, MessagePort>]
    const line = hello[envelope]
    const received = (): number => {
      let count = 0
      while (receiveMessageOnPort(line) !== undefined) count++
      return count
    }
    expect(received()).toBe(1)
    const seen: number[] = []
    for (let i = 0; i < 100; i++) {
      counter.inc()
      time.advance(100)
      seen.push(received())
    }
    expect(seen.flatMap((count, i) => (count > 0 ? [i] : []))).toEqual([9, 29, 69])
    line.close()
    port1.close()
  })
})
