import { background } from '@kit/context'
import { manualClock, type ManualClock } from '@kit/context/testing'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMetrics, type Metrics } from '../../index.ts'
import { sinkConformance, type SinkHarness } from '../../testing/index.ts'
import { memory, type MemoryInterval, type MemoryOptions, type MemorySink } from './index.ts'
import { Statistics } from './statistics.ts'

let time: ManualClock

beforeEach(() => {
  time = manualClock(5000)
})

afterEach(() => {
  time[Symbol.dispose]()
})

function attached(options?: MemoryOptions): {
  metrics: Metrics
  sink: MemorySink
  detach: () => Promise<void>
} {
  const metrics = createMetrics()
  const sink = memory(options)
  const detach = metrics.attach(sink)
  return { metrics, sink, detach }
}

function own(
  interval: MemoryInterval | undefined,
): Pick<MemoryInterval, 'counters' | 'gauges' | 'histograms'> {
  const foreign = ({ name }: { name: string }): boolean => !name.startsWith('kit.')
  return {
    counters: interval?.counters.filter(foreign) ?? [],
    gauges: interval?.gauges.filter(foreign) ?? [],
    histograms: interval?.histograms.filter(foreign) ?? [],
  }
}

describe('conformance', () => {
  const make = (): SinkHarness => {
    const sink = memory({ retainMs: 100_000_000 })
    return { sink, read: reader(sink) }
  }
  it.each(sinkConformance(make))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

/** Adds up what the intervals say, and lets time pass, so that the totals must survive it. */
function reader(sink: MemorySink): SinkHarness['read'] {
  return async ({ name, kind, labels }) => {
    const present = Object.entries(labels).filter(([, value]) => value !== '')
    const wanted = JSON.stringify(present.map(([label, value]) => [label, String(value)]))
    const matches = (series: { name: string; labels: object }): boolean =>
      series.name === name && JSON.stringify(Object.entries(series.labels)) === wanted
    const { intervals } = sink.data()
    if (kind === 'gauge') return intervals.at(-1)?.gauges.find(matches)?.value
    const counters = intervals.flatMap((interval) => interval.counters.filter(matches))
    const histograms = intervals.flatMap((interval) => interval.histograms.filter(matches))
    time.advance(name.length * 1000)
    if (kind === 'counter') return counters.length === 0 ? undefined : total(counters.map(({ sum }) => sum))
    if (histograms.length === 0) return undefined
    return {
      count: total(histograms.map(({ count }) => count)),
      sum: total(histograms.map(({ sum }) => sum)),
    }
  }
}

function total(numbers: number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

describe('intervals', () => {
  it('hold what happened in them', () => {
    const { metrics, sink } = attached()
    const counter = metrics.counter('c', { labels: ['a'], unit: 'By' })
    const gauge = metrics.gauge('g')
    const histogram = metrics.histogram('h')
    counter.inc({ a: 1 }, 20)
    gauge.set(1)
    histogram.observe(1)
    histogram.observe(3)
    time.advance(10_000)
    gauge.set(2)
    time.advance(4000)
    const { intervals } = sink.data()
    expect(intervals.map(({ sequence, durationMs, closed }) => ({ sequence, durationMs, closed }))).toEqual([
      { sequence: 0, durationMs: 10_000, closed: true },
      { sequence: 1, durationMs: 4000, closed: false },
    ])
    expect(intervals[1]?.start).toBe((intervals[0]?.start ?? 0) + 10_000)
    expect(own(intervals[0])).toEqual({
      counters: [{ name: 'c', unit: 'By', labels: { a: '1' }, sum: 20, rate: 2 }],
      gauges: [{ name: 'g', unit: '', labels: {}, value: 1 }],
      histograms: [
        {
          name: 'h',
          unit: '',
          labels: {},
          count: 2,
          sum: 4,
          rate: 0.2,
          min: 1,
          max: 3,
          mean: 2,
          stddev: Math.SQRT2,
        },
      ],
    })
    expect(own(intervals[1])).toEqual({
      counters: [],
      gauges: [{ name: 'g', unit: '', labels: {}, value: 2 }],
      histograms: [],
    })
    expect(sink.data().totals.metrics.find(({ name }) => name === 'h')!.series).toMatchObject([
      { count: 2, sum: 4 },
    ])
  })

  it('close in idle processes, and no more are kept than asked for', () => {
    const { sink } = attached({ intervalMs: 1000, retainMs: 3500 })
    time.advance(60_000)
    const { intervals } = sink.data()
    expect(intervals.map(({ sequence }) => sequence)).toEqual([57, 58, 59, 60])
  })

  it('conserve every count', () => {
    const step = fc.record({
      amount: fc.integer({ min: 0, max: 100 }),
      wait: fc.integer({ min: 0, max: 25_000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { metrics, sink } = attached({ retainMs: 10_000_000 })
        const counter = metrics.counter('c')
        const histogram = metrics.histogram('h')
        for (const { amount, wait } of steps) {
          counter.inc(amount)
          histogram.observe(amount)
          time.advance(wait)
        }
        const intervals = sink.data().intervals.map(own)
        const amounts = steps.map(({ amount }) => amount)
        expect(total(intervals.flatMap(({ counters }) => counters.map(({ sum }) => sum)))).toBe(
          total(amounts),
        )
        const histograms = intervals.flatMap((interval) => interval.histograms)
        expect(total(histograms.map(({ count }) => count))).toBe(steps.length)
        expect(total(histograms.map(({ sum }) => sum))).toBe(total(amounts))
      }),
    )
  })

  it('count once what an observable reports again after others took its place', () => {
    const { metrics, sink } = attached({ retainMs: 1_000_000 })
    let pods = ['a', 'b']
    let value = 100
    metrics.observable('o', { kind: 'counter', labels: ['pod'], maxSeries: 2 }, () =>
      pods.map((pod) => [{ pod }, value] as const),
    )
    for (pods of [
      ['a', 'b'],
      ['c', 'd'],
      ['e', 'f'],
      ['a', 'b'],
    ])
      time.advance(10_000)
    value = 130
    const sums = sink.data().intervals.flatMap(({ counters }) => counters.filter(({ name }) => name === 'o'))
    const ofPod = (pod: string): number =>
      total(sums.filter(({ labels }) => labels['pod'] === pod).map(({ sum }) => sum))
    expect(['a', 'b', 'c', 'f'].map(ofPod)).toEqual([130, 130, 100, 100])
    expect(
      metrics.snapshot().metrics.find(({ name }) => name === 'kit.metrics.series')?.series,
    ).toMatchObject([{ value: 2 }])
  })

  it('count once what a blocked label adds up, until the shutdown', async () => {
    const metrics = createMetrics({ filter: { blockLabels: ['pod'] } })
    const sink = memory()
    metrics.attach(sink)
    let pods: [{ pod: string }, number][] = [[{ pod: 'a' }, 10]]
    metrics.observable('o', { kind: 'counter', labels: ['pod'] }, () => pods)
    time.advance(10_000)
    pods = [...pods, [{ pod: 'b' }, 5]]
    time.advance(10_000)
    await metrics.shutdown()
    const sums = sink.data().intervals.flatMap(({ counters }) => counters.filter(({ name }) => name === 'o'))
    expect(sums.map(({ sum }) => sum)).toEqual([10, 5])
  })

  it('survive JSON, and no value makes them infinite', () => {
    const { metrics, sink } = attached()
    const histogram = metrics.histogram('h')
    for (const value of [NaN, Infinity, 1e9, 1e9, 1e9]) histogram.observe(value)
    const data = sink.data()
    expect(JSON.parse(JSON.stringify(data))).toEqual(data)
    expect(own(data.intervals[0]).histograms[0]?.stddev).toBe(0)
    for (let i = 0; i < 3; i++) histogram.observe(Number.MAX_VALUE)
    const extreme = sink.data()
    expect(JSON.parse(JSON.stringify(extreme))).toEqual(extreme)
  })

  it('end with the sink, which leaves nothing behind', async () => {
    const { metrics, sink, detach } = attached()
    const histogram = metrics.histogram('h')
    time.advance(500)
    histogram.observe(1)
    await detach()
    histogram.observe(2)
    expect(time.pendingTimers).toBe(0)
    const { intervals } = sink.data()
    expect(intervals.map(({ closed, durationMs }) => [closed, durationMs])).toEqual([[true, 500]])
    expect(intervals[0]?.histograms[0]?.count).toBe(1)
  })
})

describe('statistics', () => {
  it('agree with two passes over the values, however large and close these are', () => {
    const values = fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(values, fc.constantFrom(0, 1e6, 1e9), (list, offset) => {
        const shifted = list.map((value) => value + offset)
        const statistics = new Statistics()
        for (const value of shifted) statistics.observe(value)
        const mean = total(shifted) / shifted.length
        const squares = total(shifted.map((value) => (value - mean) ** 2))
        const stddev = shifted.length > 1 ? Math.sqrt(squares / (shifted.length - 1)) : 0
        expect(statistics.min).toBe(Math.min(...shifted))
        expect(statistics.max).toBe(Math.max(...shifted))
        // Numbers near the least there are have few digits.
        expect(Math.abs(statistics.mean - mean)).toBeLessThanOrEqual(1e-12 * mean + 1e-300)
        expect(Math.abs(statistics.stddev - stddev)).toBeLessThanOrEqual(1e-5)
      }),
    )
  })
})

describe('the stream', () => {
  it('yields each interval as it closes, until the context is done', async () => {
    const { metrics, sink } = attached()
    const ctx = background.withCancel()
    const counter = metrics.counter('c')
    const seen: number[] = []
    const reading = (async () => {
      for await (const interval of sink.stream(ctx))
        seen.push(...own(interval).counters.map(({ sum }) => sum))
    })()
    for (const amount of [1, 2, 3]) {
      counter.inc(amount)
      time.advance(10_000)
      await settled()
    }
    ctx.cancel()
    await reading
    expect(seen).toEqual([1, 2, 3])
  })

  it('ends with the sink, after the last interval', async () => {
    const { metrics, sink, detach } = attached()
    const seen: number[] = []
    const reading = (async () => {
      for await (const interval of sink.stream(background)) seen.push(interval.durationMs)
    })()
    metrics.counter('c').inc()
    time.advance(12_000)
    await detach()
    await reading
    expect(seen).toEqual([10_000, 2000])
  })

  it('skips what a slow reader missed, and counts it', async () => {
    const { metrics, sink } = attached({ intervalMs: 1000, retainMs: 2000 })
    const stream = sink.stream(background)[Symbol.asyncIterator]()
    const first = stream.next()
    time.advance(1000)
    expect((await first).value).toMatchObject({ sequence: 0 })
    time.advance(10_000)
    expect((await stream.next()).value).toMatchObject({ sequence: 9 })
    const dropped = metrics.snapshot().metrics.find(({ name }) => name === 'kit.metrics.dropped')!
    expect(dropped.series.find(({ labels }) => labels['reason'] === 'stream_lag')).toMatchObject({ value: 8 })
  })
})

describe('the handler', () => {
  it('answers with JSON', async () => {
    const sink = memory()
    const get = (method = 'GET'): Promise<Response> => sink.handler(new Request('http://x/', { method }))
    expect((await get()).status).toBe(503)
    const { handler } = sink
    createMetrics().attach(sink)
    const response = await get()
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify(sink.data())))
    expect((await handler(new Request('http://x/'))).status).toBe(200)
    expect([(await get('HEAD')).status, (await get('POST')).status]).toEqual([200, 405])
  })

  it('forbids sniffing and caching, whatever it answers', async () => {
    const sink = memory()
    const get = (method = 'GET'): Promise<Response> => sink.handler(new Request('http://x/', { method }))
    const detached = await get()
    createMetrics().attach(sink)
    for (const { headers } of [detached, await get(), await get('HEAD'), await get('POST')]) {
      expect(headers.get('content-type')).toMatch(/^(?:text\/plain|application\/json); charset=utf-8$/)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })
})

describe('the dump', () => {
  it('is written on the signal, one line a series, whatever the labels hold', () => {
    const { metrics, sink } = attached()
    metrics.updateFilter({ block: ['kit'] })
    metrics.counter('c', { labels: ['a'] }).inc({ a: 'x\n[forged]\u0085\u2028\u009b' }, 20)
    metrics.gauge('g').set(-1)
    metrics.histogram('h').observe(2)
    time.advance(10_000)
    const written: string[] = []
    const stop = sink.dumpOn('SIGUSR2', { write: (text) => written.push(text) })
    process.emit('SIGUSR2', 'SIGUSR2')
    stop()
    process.once('SIGUSR2', () => {})
    process.emit('SIGUSR2', 'SIGUSR2')
    const [text] = written
    expect(written.length).toBe(1)
    const start = new Date(sink.data().intervals[0]?.start ?? 0).toISOString()
    expect(text?.split('\n').slice(0, 3)).toEqual([
      `[${start}][G] "g" {} value: -1`,
      `[${start}][C] "c" {"a":"x\\n[forged]\\u0085\\u2028\\u009b"} sum: 20 rate: 2`,
      `[${start}][H] "h" {} count: 1 sum: 2 rate: 0.1 min: 2 max: 2 mean: 2 stddev: 0`,
    ])
  })

  it('refuses the signal that opens the debugger', () => {
    expect(() => memory().dumpOn('SIGUSR1')).toThrow(
      expect.objectContaining({ code: 'KIT_METRIC_OPTION_INVALID' }),
    )
  })
})

describe('setting up', () => {
  it.each<[string, string, unknown]>([
    ['KIT_METRIC_OPTION_INVALID', 'retention below the interval', { intervalMs: 1000, retainMs: 500 }],
    ['KIT_METRIC_OPTION_INVALID', 'no time', { intervalMs: 0 }],
    ['KIT_METRIC_OPTION_INVALID', 'NaN', { intervalMs: NaN }],
    ['KIT_METRIC_OPTION_INVALID', 'text', { intervalMs: '10' }],
    ['KIT_METRIC_OPTION_UNKNOWN', 'a misspelling', { interval: 10 }],
  ])('throws %s for %s', (code, _what, options) => {
    expect(() => memory(options as MemoryOptions)).toThrow(expect.objectContaining({ code }))
  })

  it('says so when data are asked for before it is attached', () => {
    expect(() => memory().data()).toThrow(expect.objectContaining({ code: 'KIT_METRIC_SINK_DETACHED' }))
  })
})

function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
