import * as fc from 'fast-check'
import { manualClock, type ManualClock } from '@kit/context/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createMetrics,
  metrics as processMetrics,
  overflowLabelValue,
  type Labels,
  type Metrics,
  type MetricSource,
  type Sink,
} from './index.ts'
import { testMetrics } from './testing/index.ts'

let time: ManualClock

beforeEach(() => {
  time = manualClock(1000)
})

afterEach(() => {
  time[Symbol.dispose]()
})

function codeOf(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return (error as { code?: unknown }).code
  }
  return undefined
}

describe('declaring', () => {
  it('returns the same instrument for the same shape, whatever the order of labels', () => {
    const metrics = createMetrics()
    const one = metrics.counter('a.b', { labels: ['x', 'y'], unit: 's' })
    expect(metrics.counter('a.b', { labels: ['y', 'x'], unit: 's' })).toBe(one)
    expect(metrics.histogram('h', { buckets: [1, 2] })).toBe(
      metrics.histogram('h', { buckets: [1, 2, Infinity] }),
    )
  })

  it.each<[string, (metrics: Metrics) => unknown]>([
    ['another kind', (metrics) => metrics.gauge('a.b', { labels: ['x'] })],
    ['other labels', (metrics) => metrics.counter('a.b', { labels: ['z'] })],
    ['no labels', (metrics) => metrics.counter('a.b')],
    ['another unit', (metrics) => metrics.counter('a.b', { labels: ['x'], unit: 'By' })],
    ['an observable', (metrics) => metrics.observable('a.b', { kind: 'counter', labels: ['x'] }, () => [])],
    ['a name of the same spelling', (metrics) => metrics.counter('a_b')],
    ['a name that ends in total', (metrics) => metrics.counter('a.b.total')],
    ['a gauge that is called as the counter is spelled', (metrics) => metrics.gauge('a.b_total')],
    ['a histogram whose sum is taken', (metrics) => metrics.gauge('h_sum')],
    ['other buckets', (metrics) => metrics.histogram('h', { buckets: [1, 3] })],
  ])('throws a conflict for %s', (_what, declare) => {
    const metrics = createMetrics()
    metrics.counter('a.b', { labels: ['x'] })
    metrics.histogram('h', { buckets: [1, 2] })
    expect(codeOf(() => declare(metrics))).toBe('KIT_METRIC_CONFLICT')
  })

  it.each<[string, string, (metrics: Metrics) => unknown]>([
    ['KIT_METRIC_NAME_INVALID', 'a space', (metrics) => metrics.counter('a b')],
    ['KIT_METRIC_NAME_INVALID', 'nothing', (metrics) => metrics.counter('')],
    ['KIT_METRIC_NAME_INVALID', 'an own name', (metrics) => metrics.counter('kit.metrics.mine')],
    ['KIT_METRIC_NAME_INVALID', 'an own gauge', (metrics) => metrics.gauge('kit.metrics.series')],
    [
      'KIT_METRIC_NAME_INVALID',
      'an own observable',
      (metrics) => metrics.observable('kit.metrics.x', {}, () => 1),
    ],
    ['KIT_METRIC_NAME_INVALID', 'a number', (metrics) => metrics.counter(5 as never)],
    ['KIT_METRIC_NAME_INVALID', 'a line feed', (metrics) => metrics.counter('a\n')],
    ['KIT_METRIC_LABEL_INVALID', 'le', (metrics) => metrics.histogram('h', { labels: ['le'] })],
    ['KIT_METRIC_LABEL_INVALID', '__name__', (metrics) => metrics.counter('c', { labels: ['__name__'] })],
    ['KIT_METRIC_LABEL_INVALID', '__proto__', (metrics) => metrics.counter('c', { labels: ['__proto__'] })],
    ['KIT_METRIC_LABEL_INVALID', 'twins', (metrics) => metrics.counter('c', { labels: ['a.b', 'a_b'] })],
    ['KIT_METRIC_LABEL_INVALID', 'no array', (metrics) => metrics.counter('c', { labels: 'ab' as never })],
    ['KIT_METRIC_UNIT_INVALID', 'a space', (metrics) => metrics.counter('c', { unit: 'a b' })],
    ['KIT_METRIC_BUCKETS_INVALID', 'none', (metrics) => metrics.histogram('h', { buckets: [] })],
    ['KIT_METRIC_BUCKETS_INVALID', 'descending', (metrics) => metrics.histogram('h', { buckets: [2, 1] })],
    ['KIT_METRIC_BUCKETS_INVALID', 'repeating', (metrics) => metrics.histogram('h', { buckets: [1, 1] })],
    ['KIT_METRIC_BUCKETS_INVALID', 'NaN', (metrics) => metrics.histogram('h', { buckets: [NaN] })],
    ['KIT_METRIC_OPTION_UNKNOWN', 'retainMs', (metrics) => metrics.counter('c', { retainMs: 5 } as never)],
    [
      'KIT_METRIC_OPTION_UNKNOWN',
      'the ttlMs of an observable',
      (metrics) => metrics.observable('o', { ttlMs: 5 } as never, () => 1),
    ],
    ['KIT_METRIC_OPTION_INVALID', 'ttlMs', (metrics) => metrics.counter('c', { ttlMs: 0 })],
    ['KIT_METRIC_OPTION_INVALID', 'native', (metrics) => metrics.histogram('h', { native: 1 as never })],
    ['KIT_METRIC_OPTION_INVALID', 'exemplars', () => createMetrics({ exemplars: 'yes' as never })],
    ['KIT_METRIC_NAME_INVALID', 'a prefix', () => createMetrics({ prefix: 'a b' })],
    ['KIT_METRIC_NAME_INVALID', 'an own prefix', () => createMetrics({ prefix: 'kit.metrics' })],
    [
      'KIT_METRIC_NAME_INVALID',
      'a prefix that makes an own name',
      () => createMetrics({ prefix: 'kit' }).counter('metrics.x'),
    ],
    ['KIT_METRIC_OPTION_INVALID', 'series', (metrics) => metrics.counter('c', { series: {} as never })],
    [
      'KIT_METRIC_LABEL_INVALID',
      'series with other labels',
      (metrics) => metrics.counter('c', { labels: ['a'], series: [{ b: 1 } as never] }),
    ],
    [
      'KIT_METRIC_LABEL_INVALID',
      'series without labels',
      (metrics) => metrics.counter('c', { series: [{}] }),
    ],
    [
      'KIT_METRIC_CONFLICT',
      'other exponential buckets',
      (metrics) => [metrics.histogram('h'), metrics.histogram('h', { native: true })],
    ],
    ['KIT_METRIC_OPTION_UNKNOWN', 'buckets', (metrics) => metrics.counter('c', { buckets: [1] } as never)],
    ['KIT_METRIC_OPTION_INVALID', 'maxSeries', (metrics) => metrics.counter('c', { maxSeries: 0 })],
    ['KIT_METRIC_OPTION_INVALID', 'help', (metrics) => metrics.counter('c', { help: 5 as never })],
    [
      'KIT_METRIC_OPTION_INVALID',
      'a kind',
      (metrics) => metrics.observable('o', { kind: 'x' as never }, () => 1),
    ],
    ['KIT_METRIC_OPTION_UNKNOWN', 'an option', () => createMetrics({ native: true } as never)],
    ['KIT_METRIC_FILTER_INVALID', 'a default', (metrics) => metrics.updateFilter({ default: 'x' as never })],
    ['KIT_METRIC_FILTER_INVALID', 'a segment', (metrics) => metrics.updateFilter({ block: ['a..b'] })],
    ['KIT_METRIC_OPTION_UNKNOWN', 'a filter key', (metrics) => metrics.updateFilter({ deny: [] } as never)],
    ['KIT_METRIC_SINK_INVALID', 'no sink', (metrics) => metrics.attach({} as never)],
  ])('throws %s for %s', (code, _what, declare) => {
    expect(codeOf(() => declare(createMetrics()))).toBe(code)
  })
})

describe('recording', () => {
  it('counts, sets and observes, with and without labels and handles', () => {
    const metrics = testMetrics()
    const plain = metrics.counter('plain')
    plain.inc()
    plain.inc(1.5)
    const labelled = metrics.counter('labelled', { labels: ['method', 'status'] })
    labelled.inc({ method: 'GET', status: 200 })
    labelled.inc({ status: '200', method: 'GET' }, 2)
    labelled.labels({ method: 'GET', status: 200 }).inc(4)
    const gauge = metrics.gauge('gauge')
    gauge.set(5)
    gauge.inc()
    gauge.dec(3)
    const histogram = metrics.histogram('histogram', { labels: ['k'] })
    histogram.observe({ k: true }, 2)
    histogram.labels({ k: 'true' }).observe(3)
    expect(metrics.value('plain')).toBe(2.5)
    expect(metrics.value('labelled', { status: 200, method: 'GET' })).toBe(7)
    expect(metrics.value('gauge')).toBe(3)
    expect(metrics.distribution('histogram', { k: true })).toEqual({ count: 2, sum: 5 })
    expect(metrics.observations('histogram', { k: true })).toEqual([2, 3])
    expect(metrics.dropped()).toBe(0)
  })

  it('shows instruments without labels from the start', () => {
    const metrics = testMetrics()
    metrics.counter('a')
    expect(metrics.value('a')).toBe(0)
  })

  it('starts timers that record once, with the labels of both ends', () => {
    const metrics = testMetrics()
    const histogram = metrics.histogram('d', { unit: 's', labels: ['a', 'b'] })
    const end = histogram.startTimer({ a: 1 })
    time.advance(250)
    expect(end({ b: 2 })).toBe(0.25)
    time.advance(250)
    expect(end({ b: 2 })).toBe(0.25)
    expect(metrics.observations('d', { a: 1, b: 2 })).toEqual([0.25])
    const bound = histogram.labels({ a: 1, b: 2 }).startTimer()
    time.advance(1000)
    expect(bound()).toBe(1)
  })

  it('counts labels that do not fit a timer, and still returns the seconds', () => {
    const metrics = testMetrics()
    const labelled = metrics.histogram('l', { labels: ['a'] })
    const plain = metrics.histogram('p')
    const throwing = {
      get a(): number {
        throw new Error('no')
      },
    }
    const ends: ((labels?: never) => number)[] = [
      labelled.startTimer(throwing),
      labelled.startTimer(revoked()),
      labelled.startTimer({ b: 1 } as never),
      labelled.startTimer(null as never),
      plain.startTimer({ bad: 1 }),
      plain.startTimer(5),
    ]
    const endsBadly = [labelled.startTimer(), plain.startTimer()]
    time.advance(250)
    expect(ends.map((end) => end())).toEqual([0.25, 0.25, 0.25, 0.25, 0.25, 0.25])
    expect(endsBadly.map((end) => end(throwing as never))).toEqual([0.25, 0.25])
    expect(metrics.dropped('bad_labels')).toBe(8)
    expect(metrics.distribution('p')).toEqual({ count: 0, sum: 0 })
    expect(plain.startTimer({})()).toBe(0)
    expect(metrics.distribution('p')).toEqual({ count: 1, sum: 0 })
  })

  it.each<[unknown]>([[-1], [NaN], [Infinity], ['5'], [null], [5n], [{}], [Symbol('x')]])(
    'drops and counts the increment %s',
    (value) => {
      const metrics = testMetrics()
      const counter = metrics.counter('c')
      const labelled = metrics.counter('l', { labels: ['a'] })
      counter.inc(value as number)
      labelled.inc({ a: 1 }, value as number)
      labelled.labels({ a: 1 }).inc(value as number)
      expect(metrics.value('c')).toBe(0)
      expect(metrics.value('l', { a: 1 })).toBe(0)
      expect(metrics.dropped('bad_value')).toBe(3)
    },
  )

  it('drops values below a histogram, unless its bounds say that values are signed', () => {
    const metrics = testMetrics()
    metrics.histogram('amount').observe(-1)
    metrics.histogram('signed', { buckets: [-1, 0, 1] }).observe(-5)
    expect(metrics.distribution('amount')).toEqual({ count: 0, sum: 0 })
    expect(metrics.distribution('signed')).toEqual({ count: 1, sum: -5 })
    expect(metrics.dropped('bad_value')).toBe(1)
  })

  const hostileLabels: [string, unknown][] = [
    ['missing', {}],
    ['unknown besides', { a: 1, b: 2 }],
    ['unknown instead', { b: 2 }],
    ['null', null],
    ['undefined', undefined],
    ['a number', 5],
    ['an object value', { a: {} }],
    ['an array value', { a: ['x'] }],
    ['a symbol value', { a: Symbol('x') }],
    ['a null value', { a: null }],
    ['an undefined value', { a: undefined }],
    [
      'a throwing getter',
      {
        get a() {
          throw new Error('no')
        },
      },
    ],
    ['a revoked proxy', revoked()],
  ]

  it.each(hostileLabels)('drops and counts labels that are %s', (_what, labels) => {
    const metrics = testMetrics()
    const counter = metrics.counter('c', { labels: ['a'] })
    counter.inc({ a: 1 })
    counter.inc(labels as { a: number })
    const handle = counter.labels(labels as { a: number })
    handle.inc()
    metrics.gauge('g', { labels: ['a'] }).set(labels as { a: number }, 1)
    metrics.histogram('h', { labels: ['a'] }).observe(labels as { a: number }, 1)
    expect(metrics.dropped('bad_labels')).toBe(4)
    expect(metrics.value('c', { a: 1 })).toBe(1)
  })

  it('does not take inherited things for labels', () => {
    const metrics = testMetrics()
    const counter = metrics.counter('c', { labels: ['constructor', 'toString'] })
    const named = Object.fromEntries([
      ['constructor', 'x'],
      ['toString', 'y'],
    ]) as Labels<'constructor' | 'toString'>
    counter.inc({} as never)
    counter.inc(named)
    expect(metrics.dropped('bad_labels')).toBe(1)
    expect(metrics.value('c', named)).toBe(1)
  })

  it('keeps every two label sets apart, and counts exactly', () => {
    const value = fc.oneof(
      fc.constantFrom(
        '__proto__',
        'constructor',
        '',
        'a|b',
        'b',
        '1',
        'true',
        '\ud800',
        '\udfff',
        '\n',
        '"',
        '\\',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.integer({ min: -2, max: 2 }),
      fc.boolean(),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value, value, value), { maxLength: 60 }), (sets) => {
        const metrics = testMetrics()
        const counter = metrics.counter('c', { labels: ['a', 'b', 'c', 'd'] })
        const truth = new Map<string, number>()
        for (const [a, b, c, d] of sets) {
          counter.inc({ a, b, c, d })
          const key = JSON.stringify([a, b, c, d].map((part) => Buffer.from(String(part)).toString()))
          truth.set(key, (truth.get(key) ?? 0) + 1)
        }
        const metric = metrics.snapshot().metrics.find(({ name }) => name === 'c')
        const counted = new Map(
          (metric?.series ?? []).map((series) => {
            const { labels } = series
            const key = JSON.stringify(['a', 'b', 'c', 'd'].map((name) => labels[name] ?? ''))
            return [key, (series as { value: number }).value]
          }),
        )
        expect(counted).toEqual(truth)
        expect(metrics.dropped()).toBe(0)
      }),
    )
  })

  it('cuts long label values and counts it', () => {
    const metrics = testMetrics()
    const counter = metrics.counter('c', { labels: ['a'] })
    for (let i = 0; i < 3; i++) counter.inc({ a: `${'x'.repeat(1024)}${i}` })
    expect(metrics.value('c', { a: 'x'.repeat(1024) })).toBe(3)
    expect(metrics.dropped('label_truncated')).toBe(3)
  })
})

describe('budgets', () => {
  it('fold what exceeds them into one overflow series, exactly', () => {
    const metrics = testMetrics({ maxSeries: 100 })
    const counter = metrics.counter('c', { labels: ['id'] })
    for (let id = 0; id < 5000; id++) counter.inc({ id: `${id}${'x'.repeat(50)}` })
    const metric = metrics.snapshot().metrics.find(({ name }) => name === 'c')!
    expect(metric.series.length).toBe(101)
    expect(metrics.value('c', { id: 'kit.overflow' })).toBe(4900)
    expect(metrics.dropped('overflow')).toBe(4900)
    const total = metric.series.reduce((sum, series) => sum + (series as { value: number }).value, 0)
    expect(total).toBe(5000)
  })

  it('hold for all instruments together, and never hide the drop counters', () => {
    const metrics = testMetrics({ maxTotalSeries: 3 })
    for (const name of ['a', 'b']) {
      const counter = metrics.counter(name, { labels: ['id'] })
      for (let id = 0; id < 3; id++) counter.inc({ id })
    }
    expect(metrics.value('a', { id: 2 })).toBe(1)
    expect(metrics.value('b', { id: 'kit.overflow' })).toBe(3)
    expect(metrics.dropped('overflow')).toBe(3)
    expect(metrics.value('kit.metrics.series')).toBe(3)
  })

  it('do not count an instrument without labels', () => {
    const metrics = testMetrics({ maxTotalSeries: 1 })
    for (let i = 0; i < 10; i++) metrics.counter(`c${i}`).inc()
    expect(metrics.value('c9')).toBe(1)
  })

  it('make room for new series of an observable by forgetting vanished ones', () => {
    const metrics = testMetrics()
    let first = 0
    metrics.observable('o', { labels: ['pod'], maxSeries: 5 }, () =>
      Array.from({ length: 5 }, (_, i) => [{ pod: first + i }, 1] as const),
    )
    for (first = 0; first < 50; first += 5) {
      const metric = metrics.snapshot().metrics.find(({ name }) => name === 'o')!
      expect(new Set(metric.series.map(({ labels }) => labels['pod']))).toEqual(
        new Set([0, 1, 2, 3, 4].map((i) => `${first + i}`)),
      )
    }
    expect(metrics.dropped('overflow')).toBe(0)
  })

  it('make room for other instruments when an observable forgets series, is removed, or is blocked', () => {
    const metrics = testMetrics({ maxTotalSeries: 10 })
    const sets = (): [{ id: number }, number][] => Array.from({ length: 10 }, (_, id) => [{ id }, 1])
    let reported = sets()
    metrics.observable('forgets', { labels: ['id'] }, () => reported)
    const counter = metrics.counter('c', { labels: ['id'] })
    metrics.snapshot()
    counter.inc({ id: 'too early' })
    expect(metrics.value('c', { id: 'kit.overflow' })).toBe(1)
    reported = []
    metrics.snapshot()
    counter.inc({ id: 'a' })
    expect(metrics.value('c', { id: 'a' })).toBe(1)
    expect(metrics.value('kit.metrics.series')).toBe(1)
    const remove = metrics.observable('removed', { labels: ['id'] }, () => sets().slice(1))
    metrics.snapshot()
    remove()
    metrics.snapshot()
    metrics.incrCounter('improvised', 1)
    expect(metrics.value('improvised')).toBe(1)
    metrics.observable('blocked', { labels: ['id'] }, () => sets().slice(2))
    metrics.snapshot()
    metrics.updateFilter({ block: ['blocked'] })
    counter.inc({ id: 'b' })
    expect(metrics.value('c', { id: 'b' })).toBe(1)
    metrics.updateFilter({})
    // Seven are free for its eight.
    expect(metrics.snapshot().metrics.find(({ name }) => name === 'blocked')?.series.length).toBe(7)
  })

  it('take no series that is still reported from an observable to make room for another', () => {
    const metrics = testMetrics({ maxTotalSeries: 5 })
    const pods = { first: ['x', 'v'], growing: ['a'], last: ['y', 'z'] }
    for (const name of ['first', 'growing', 'last'] as const) {
      metrics.observable(name, { labels: ['pod'] }, () => pods[name].map((pod) => [{ pod }, 1] as const))
    }
    const seen = (): unknown[] =>
      metrics
        .snapshot()
        .metrics.slice(3)
        .flatMap(({ series }) => series.map(({ labels }) => labels['pod']))
    expect(seen()).toEqual(['x', 'v', 'a', 'y', 'z'])
    pods.first = ['x']
    pods.last = ['y']
    expect(seen()).toEqual(['x', 'a', 'y'])
    pods.growing = ['b', 'c']
    expect(seen()).toEqual(['x', 'b', 'c', 'y'])
    pods.growing = ['b', 'c', 'd', 'e']
    expect(seen()).toEqual(['x', 'b', 'c', 'd', 'y'])
    expect(metrics.dropped('overflow')).toBe(2)
  })

  it('leave room for the series that a blocked label makes of hidden ones', () => {
    const metrics = testMetrics({ maxSeries: 100, maxTotalSeries: 100 })
    const counter = metrics.counter('c', { labels: ['route', 'user'] })
    const other = metrics.counter('other', { labels: ['a'] })
    const early = counter.labels({ route: '/a', user: 0 })
    for (let user = 0; user < 150; user++) counter.inc({ route: '/a', user })
    other.inc({ a: 1 })
    expect(metrics.value('c', { route: 'kit.overflow', user: 'kit.overflow' })).toBe(50)
    metrics.updateFilter({ blockLabels: ['user'] })
    early.inc(2)
    counter.inc({ route: '/a', user: 149 }, 3)
    other.inc({ a: 2 })
    expect(metrics.value('c', { route: '/a' })).toBe(5)
    expect(metrics.value('other', { a: 2 })).toBe(1)
    expect(metrics.value('kit.metrics.series')).toBe(2)
    for (let route = 0; route < 200; route++) counter.inc({ route, user: 1 })
    expect(metrics.value('kit.metrics.series')).toBe(100)
    metrics.updateFilter({})
    counter.inc({ route: '/b', user: 1 })
    expect(metrics.value('c', { route: '/b', user: '1' })).toBeUndefined()
    expect(metrics.value('c', { route: '/a', user: '0' })).toBe(1)
    const metric = metrics.snapshot().metrics.find(({ name }) => name === 'c')!
    const total = metric.series.reduce((sum, series) => sum + (series as { value: number }).value, 0)
    expect(total).toBe(150 + 5 + 200 + 1)
  })
})

describe('series that are declared', () => {
  it('are there from the start, cost no budget, and stay', () => {
    const metrics = testMetrics({ maxSeries: 1 })
    const spec = { labels: ['queue'], series: [{ queue: 'mail' }, { queue: 7 }], ttlMs: 1000 } as const
    const jobs = metrics.counter('jobs', spec)
    expect([metrics.value('jobs', { queue: 'mail' }), metrics.value('jobs', { queue: '7' })]).toEqual([0, 0])
    expect(metrics.value('kit.metrics.series')).toBe(0)
    jobs.inc({ queue: 'mail' })
    jobs.inc({ queue: 'other' })
    jobs.inc({ queue: 'one too many' })
    time.advance(10_000)
    expect(metrics.counter('jobs', { ...spec, series: [{ queue: 'late' }] })).toBe(jobs)
    expect(
      ['mail', '7', 'late', 'other', overflowLabelValue].map((queue) => metrics.value('jobs', { queue })),
    ).toEqual([1, 0, 0, undefined, 1])
    jobs.inc({ queue: 'counted' })
    expect(metrics.value('kit.metrics.series')).toBe(1)
    metrics.counter('jobs', { ...spec, series: [{ queue: 'counted' }] })
    expect(metrics.value('kit.metrics.series')).toBe(0)
  })
})

describe('a time to live', () => {
  it('takes off what nobody recorded into, by a timer, and gives its place in the budget back', () => {
    const metrics = testMetrics({ maxSeries: 1 })
    const spec = { labels: ['a'], ttlMs: 1000 } as const
    const counter = metrics.counter('c', spec)
    const gauge = metrics.gauge('g', spec)
    const histogram = metrics.histogram('h', spec)
    counter.inc({ a: 1 })
    gauge.set({ a: 1 }, 5)
    histogram.observe({ a: 1 }, 0)
    time.advance(800)
    gauge.set({ a: 1 }, 5) // the same value, and recorded all the same
    histogram.observe({ a: 1 }, 0)
    time.advance(500)
    expect([metrics.value('c', { a: '1' }), metrics.value('g', { a: '1' })]).toEqual([undefined, 5])
    expect(metrics.distribution('h', { a: '1' })).toEqual({ count: 2, sum: 0 })
    expect(metrics.value('kit.metrics.series')).toBe(2)
    counter.inc({ a: 2 })
    expect([metrics.value('c', { a: '2' }), metrics.dropped('overflow')]).toEqual([1, 0])
    time.advance(2000)
    expect(metrics.value('kit.metrics.series')).toBe(0)
  })

  it('gives a series back with its count to who kept the handle, and never two of one label set', () => {
    const metrics = testMetrics()
    const counter = metrics.counter('c', { labels: ['a'], ttlMs: 1000 })
    const handle = counter.labels({ a: 1 })
    handle.inc(5)
    time.advance(2000)
    expect(metrics.value('c', { a: '1' })).toBeUndefined()
    counter.inc({ a: 1 }, 2)
    handle.inc(1)
    expect([metrics.value('c', { a: '1' }), metrics.value('kit.metrics.series')]).toEqual([8, 1])
    time.advance(2000)
    handle.inc(1)
    expect(metrics.value('c', { a: '1' })).toBe(9)
    time.advance(500)
    counter.inc({ a: 1 }, 1)
    expect(metrics.value('c', { a: '1' })).toBe(10)
    expect(metrics.value('kit.metrics.series')).toBe(1)
  })

  it('is obeyed by the filter while expired', () => {
    const metrics = testMetrics()
    const handle = metrics.counter('c', { labels: ['a'], ttlMs: 1000 }).labels({ a: 1 })
    handle.inc()
    time.advance(2000)
    metrics.updateFilter({ block: ['c'] })
    handle.inc()
    metrics.updateFilter({})
    handle.inc()
    expect(metrics.value('c', { a: '1' })).toBe(2)
  })

  it('conserves counts whatever expires and comes back', () => {
    const step = fc.record({
      label: fc.integer({ min: 0, max: 3 }),
      by: fc.integer({ min: 1, max: 9 }),
      handle: fc.boolean(),
      pause: fc.constantFrom(0, 0, 300, 1500),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const metrics = testMetrics()
        const counter = metrics.counter('c', { labels: ['a'], ttlMs: 1000 })
        // Handles of all series are held, so that all come back and nothing is to be lost.
        const handles = [0, 1, 2, 3].map((a) => counter.labels({ a }))
        const truth = [0, 0, 0, 0]
        for (const { label, by, handle, pause } of steps) {
          if (handle) handles[label]?.inc(by)
          else counter.inc({ a: label }, by)
          truth[label] = (truth[label] ?? 0) + by
          time.advance(pause)
        }
        for (const one of handles) one.inc(1)
        expect([0, 1, 2, 3].map((a) => metrics.value('c', { a: `${a}` }))).toEqual(
          truth.map((sum) => sum + 1),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('ends with the metrics', async () => {
    const metrics = createMetrics()
    metrics.counter('c', { labels: ['a'], ttlMs: 1000 }).inc({ a: 1 })
    metrics.counter('d', { labels: ['a'], ttlMs: 100 }).inc({ a: 1 })
    expect(time.pendingTimers).toBe(1)
    await metrics.shutdown()
    expect(time.pendingTimers).toBe(0)
  })
})

describe('a prefix', () => {
  it('begins every name but the own ones, and filters do not see it', () => {
    const metrics = testMetrics({ prefix: 'shop' })
    metrics.counter('orders').inc()
    metrics.incrCounter('verbs', 2)
    metrics.observable('depth', {}, () => 3)
    const values = (): unknown[] =>
      ['shop.orders', 'shop.verbs', 'shop.depth', 'orders'].map((name) => metrics.value(name))
    expect(values()).toEqual([1, 2, 3, undefined])
    metrics.updateFilter({ block: ['orders'] })
    expect(values()).toEqual([undefined, 2, 3, undefined])
    expect(metrics.dropped()).toBe(0)
  })
})

describe('verbs', () => {
  it('make up instruments, and tell labels apart in any order', () => {
    const metrics = testMetrics()
    metrics.incrCounter('jobs')
    metrics.incrCounter('jobs', 2, { queue: 'a', kind: 'x' })
    metrics.incrCounter('jobs', 3, { kind: 'x', queue: 'a' })
    metrics.incrCounter('jobs', 4, { queue: 'a' })
    metrics.setGauge('depth', 7, { queue: 'a' })
    metrics.addSample('size', 3)
    metrics.measureSince('took', 500)
    expect(metrics.value('jobs')).toBe(1)
    expect(metrics.value('jobs', { kind: 'x', queue: 'a' })).toBe(5)
    expect(metrics.value('jobs', { queue: 'a' })).toBe(4)
    expect(metrics.value('depth', { queue: 'a' })).toBe(7)
    expect(metrics.observations('size')).toEqual([3])
    expect(metrics.observations('took')).toEqual([0.5])
    expect(metrics.dropped()).toBe(0)
  })

  it('reach declared instruments under their rules', () => {
    const metrics = testMetrics()
    metrics.counter('declared', { labels: ['a'] })
    metrics.incrCounter('declared', 2, { a: 1 })
    metrics.incrCounter('declared', 2, {})
    metrics.incrCounter('declared', 2, { a: 1, b: 1 })
    expect(metrics.value('declared', { a: 1 })).toBe(2)
    expect(metrics.dropped('bad_labels')).toBe(2)
  })

  it('count what cannot be, and never throw', () => {
    const metrics = testMetrics({ maxTotalSeries: 20 })
    metrics.incrCounter('bad name')
    metrics.incrCounter(undefined as never)
    metrics.gauge('taken')
    metrics.incrCounter('taken')
    metrics.incrCounter('taken_')
    metrics.incrCounter('c', 1, { 'bad label': 1 })
    metrics.incrCounter('c', 1, { 'a.b': 1, a_b: 2 })
    metrics.incrCounter('c', 1, null as never)
    metrics.addSample('h', 1, { le: 1 })
    metrics.addSample('h', NaN)
    expect(metrics.dropped('bad_name')).toBe(2)
    expect(metrics.dropped('conflict')).toBe(2)
    expect(metrics.dropped('bad_labels')).toBe(4)
    expect(metrics.dropped('bad_value')).toBe(1)
    for (let i = 0; i < 100; i++) metrics.incrCounter(`hostile.${i}`)
    expect(metrics.dropped('overflow')).toBeGreaterThan(75)
    expect(metrics.snapshot().metrics.length).toBeLessThan(30)
  })

  it('take no object for a time', () => {
    const metrics = testMetrics()
    for (const start of [Object.create(null), '5', 5n, undefined, Symbol('x')]) {
      metrics.measureSince('took', start as number)
    }
    expect(metrics.dropped('bad_value')).toBe(5)
  })

  it('bound the labels of one name', () => {
    const metrics = testMetrics()
    for (let i = 0; i < 100; i++) metrics.incrCounter('c', 1, { [`l${i}`]: 1 })
    expect(metrics.dropped('bad_labels')).toBe(84)
  })

  it('bound the labels of the first use of a name', () => {
    const metrics = testMetrics()
    const labels = (count: number): Labels =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, 1]))
    metrics.incrCounter('c', 1, labels(17))
    metrics.incrCounter('d', 1, labels(16))
    expect(metrics.value('c', labels(17))).toBeUndefined()
    expect(metrics.value('d', labels(16))).toBe(1)
    expect(metrics.dropped('bad_labels')).toBe(1)
  })

  it('make up nothing among the own instruments', () => {
    const metrics = testMetrics()
    metrics.incrCounter('kit.metrics.mine')
    metrics.incrCounter('kit.metrics.sink.errors', 1, { sink: 'x', operation: 'flush' })
    metrics.incrCounter('kit.mine')
    expect(metrics.dropped('bad_name')).toBe(2)
    expect(metrics.value('kit.metrics.mine')).toBeUndefined()
    expect(metrics.value('kit.metrics.sink.errors', { sink: 'x', operation: 'flush' })).toBeUndefined()
    expect(metrics.value('kit.mine')).toBe(1)
  })
})

describe('filter', () => {
  it('is obeyed at once by handles taken before, and given back', () => {
    const metrics = testMetrics()
    const counter = metrics.counter('db.calls', { labels: ['op'] }).labels({ op: 'get' })
    const histogram = metrics.histogram('db.duration')
    const bound = metrics.counter('db.rows')
    counter.inc(1)
    histogram.observe(1)
    metrics.updateFilter({ block: ['db'] })
    counter.inc(10)
    histogram.observe(10)
    bound.inc(10)
    expect(metrics.value('db.calls', { op: 'get' })).toBeUndefined()
    metrics.updateFilter({})
    counter.inc(2)
    expect(metrics.value('db.calls', { op: 'get' })).toBe(3)
    expect(metrics.distribution('db.duration')).toEqual({ count: 1, sum: 1 })
    expect(metrics.value('db.rows')).toBe(0)
    expect(metrics.dropped()).toBe(0)
  })

  it('hides gauges but lets them follow, so that pairs of increments and decrements stay paired', () => {
    const metrics = testMetrics()
    const active = metrics.gauge('active')
    active.inc()
    metrics.updateFilter({ block: ['active'] })
    active.dec()
    active.inc()
    active.inc()
    expect(metrics.value('active')).toBeUndefined()
    metrics.updateFilter({})
    expect(metrics.value('active')).toBe(2)
  })

  it('applies to instruments declared later, and spares the own ones from the default', () => {
    const metrics = testMetrics({ filter: { default: 'block', allow: ['keep'] } })
    metrics.counter('keep.this').inc()
    metrics.counter('other').inc()
    expect(metrics.snapshot().metrics.map(({ name }) => name)).toEqual([
      'kit.metrics.dropped',
      'kit.metrics.series',
      'kit.metrics.sink.errors',
      'keep.this',
    ])
    metrics.updateFilter({ block: ['kit'] })
    expect(metrics.snapshot().metrics.map(({ name }) => name)).toEqual(['keep.this', 'other'])
  })

  it('takes labels off, conserving counts through block and unblock', () => {
    const metrics = testMetrics()
    const counter = metrics.counter('c', { labels: ['user', 'op'] })
    const gauge = metrics.gauge('g', { labels: ['user'] })
    const ann = counter.labels({ user: 'ann', op: 'get' })
    ann.inc(1)
    gauge.inc({ user: 'ann' })
    gauge.inc({ user: 'bob' }, 2)
    metrics.updateFilter({ blockLabels: ['user'] })
    ann.inc(10)
    counter.inc({ user: 'bob', op: 'get' }, 20)
    gauge.dec({ user: 'bob' })
    expect(metrics.value('c', { op: 'get' })).toBe(30)
    expect(metrics.value('c', { op: 'get', user: 'ann' })).toBeUndefined()
    expect(metrics.value('g')).toBe(2)
    expect(JSON.stringify(metrics.snapshot())).not.toContain('bob')
    metrics.updateFilter({})
    ann.inc(100)
    expect(metrics.value('c', { op: 'get' })).toBe(30)
    expect(metrics.value('c', { op: 'get', user: 'ann' })).toBe(101)
    expect(metrics.value('g', { user: 'bob' })).toBe(1)
    expect(metrics.value('g', { user: 'ann' })).toBe(1)
  })

  it('adds up what an observable counter reports, whenever the label is blocked', () => {
    for (const first of [true, false]) {
      const metrics = testMetrics(first ? { filter: { blockLabels: ['mode'] } } : {})
      let system = 5
      metrics.observable('cpu', { kind: 'counter', labels: ['mode', 'core'] }, () => [
        [{ mode: 'u', core: 0 }, 10],
        [{ mode: 's', core: 0 }, system],
        [{ mode: 's', core: 1 }, 3],
        [{ mode: '', core: 2 }, 4],
      ])
      metrics.snapshot()
      metrics.updateFilter({ blockLabels: ['mode'] })
      expect(metrics.value('cpu', { core: 0 })).toBe(15)
      expect(metrics.value('cpu', { core: 1 })).toBe(3)
      expect(metrics.value('cpu', { core: 2 })).toBe(4)
      system = 7
      expect(metrics.value('cpu', { core: 0 })).toBe(17)
      expect(metrics.value('cpu', { mode: 'u', core: 0 })).toBeUndefined()
      metrics.updateFilter({})
      expect(metrics.value('cpu', { mode: 'u', core: 0 })).toBe(10)
      expect(metrics.value('cpu', { core: 0 })).toBeUndefined()
      expect(metrics.dropped()).toBe(0)
    }
  })

  it('shows a sum as the same series while the filter stands, whatever comes and goes beneath', () => {
    const metrics = createMetrics({ filter: { blockLabels: ['pod'] } })
    let source: MetricSource | undefined
    metrics.attach({ name: 'look', start: (given) => void (source = given) })
    let pods = ['a']
    metrics.observable('o', { kind: 'counter', labels: ['pod'] }, () =>
      pods.map((pod) => [{ pod }, 5] as const),
    )
    const look = (): unknown[] => {
      source!.collect()
      const found = source!.instruments().find(({ name }) => name === 'o')
      return found?.kind === 'counter' ? [...found.series()] : []
    }
    const [first] = look()
    expect(first).toMatchObject({ value: 5 })
    pods = ['a', 'b']
    expect(look()[0]).toBe(first)
    expect(first).toMatchObject({ value: 10 })
    pods = []
    expect(look()).toEqual([])
    expect(first).toMatchObject({ value: 10 })
    pods = ['c']
    metrics.updateFilter({ block: ['something'], blockLabels: ['pod', 'else'] })
    expect(look()[0]).toBe(first)
    expect(first).toMatchObject({ value: 15 })
  })

  it('keeps in the sum of an observed counter what those counted who left or began anew', () => {
    const pod = fc.constantFrom('', 'a', 'b', 'c')
    const isRead = fc.boolean()
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('count'), pod, amount: fc.nat({ max: 9 }), isRead }),
      },
      fc.record({ do: fc.constantFrom('leave', 'restart', 'return'), pod, amount: fc.constant(0), isRead }),
    )
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 40, maxLength: 60 }),
        fc.nat({ max: 10 }),
        (steps, blockedAt) => {
          const metrics = testMetrics()
          const totals = new Map<string, number>()
          const present = new Set(['', 'a', 'b'])
          metrics.observable('o', { kind: 'counter', labels: ['pod', 'zone'] }, () =>
            [...present].map((name) => [{ pod: name, zone: 'z' }, totals.get(name) ?? 0] as const),
          )
          // A sum begins with all that those counted who are there, and who comes for the first time brings all it counted.
          // The series without a pod is no sum before there is another one.
          let [counted, isBlocked, isSum] = [0, false, false]
          const known = new Set<string>()
          const beginSum = (): void => {
            if (isSum || !isBlocked || [...present].every((name) => name === '')) return
            isSum = true
            counted = [...present].reduce((sum, name) => sum + (totals.get(name) ?? 0), 0)
            for (const name of present) known.add(name)
          }
          const seen: [shown: number, counted: number][] = []
          steps.forEach((one, i) => {
            if (i === blockedAt) {
              metrics.updateFilter({ blockLabels: ['pod'] })
              isBlocked = true
              beginSum()
            }
            const before = totals.get(one.pod) ?? 0
            if (one.do === 'count' && present.has(one.pod)) {
              totals.set(one.pod, before + one.amount)
              counted += one.amount
            } else if (one.do === 'leave') present.delete(one.pod)
            else if (one.do === 'restart' && present.has(one.pod)) totals.set(one.pod, 0)
            else if (one.do === 'return' && !present.has(one.pod)) {
              present.add(one.pod)
              if (!known.has(one.pod)) counted += before
              if (isSum) known.add(one.pod)
            }
            beginSum()
            // Every collection counts, whether or not somebody reads this series afterwards.
            const shown = metrics.value(one.isRead ? 'o' : 'other', { zone: 'z' })
            const expected = isSum ? counted : (totals.get('') ?? 0)
            if (one.isRead && isBlocked && present.size > 0) seen.push([shown ?? NaN, expected])
          })
          expect(seen.map(([shown]) => shown)).toEqual(seen.map(([, expected]) => expected))
          expect(metrics.dropped()).toBe(0)
        },
      ),
    )
  })

  it('begins the sum of an observed counter with what was shown when its label was blocked', () => {
    const metrics = testMetrics()
    let pods: readonly (readonly [pod: string, total: number])[] = [
      ['a', 5],
      ['b', 1],
    ]
    metrics.observable('o', { kind: 'counter', labels: ['pod'] }, () =>
      pods.map(([pod, total]) => [{ pod }, total] as const),
    )
    expect(metrics.value('o', { pod: 'a' })).toBe(5)
    metrics.updateFilter({ blockLabels: ['pod'] })
    pods = [['b', 2]]
    expect(metrics.value('o')).toBe(7)
  })

  it('shows of an observed gauge the sum of what is there now', () => {
    const metrics = testMetrics({ filter: { blockLabels: ['pod'] } })
    let levels: readonly (readonly [pod: string, level: number])[] = [
      ['a', 5],
      ['b', -2],
    ]
    metrics.observable('o', { labels: ['pod'] }, () =>
      levels.map(([pod, level]) => [{ pod }, level] as const),
    )
    expect(metrics.value('o')).toBe(3)
    levels = [['a', 1]]
    expect(metrics.value('o')).toBe(1)
    levels = []
    expect(metrics.value('o')).toBeUndefined()
    levels = [
      ['b', 4],
      ['', 10],
    ]
    expect(metrics.value('o')).toBe(14)
    levels = [['', 11]]
    expect(metrics.value('o')).toBe(11)
    metrics.updateFilter({})
    levels = [['a', 1]]
    expect(metrics.value('o', { pod: 'a' })).toBe(1)
  })

  it('conserves counts whatever the order of filters and recordings', () => {
    const step = fc.oneof(
      fc.record({ user: fc.constantFrom('a', 'b', 'c'), amount: fc.integer({ min: 1, max: 9 }) }),
      fc.constantFrom('block', 'allow'),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const metrics = testMetrics()
        const counter = metrics.counter('c', { labels: ['user'] })
        const handles = new Map(['a', 'b'].map((user) => [user, counter.labels({ user })]))
        let total = 0
        for (const one of steps) {
          if (typeof one === 'string') metrics.updateFilter(one === 'block' ? { blockLabels: ['user'] } : {})
          else {
            total += one.amount
            const handle = handles.get(one.user)
            if (handle === undefined) counter.inc({ user: one.user }, one.amount)
            else handle.inc(one.amount)
          }
        }
        metrics.updateFilter({})
        const metric = metrics.snapshot().metrics.find(({ name }) => name === 'c')!
        const counted = metric.series.reduce((sum, series) => sum + (series as { value: number }).value, 0)
        expect(counted).toBe(total)
      }),
    )
  })
})

describe('observables', () => {
  it('are read at collection, with labels, by several functions, and removed', () => {
    const metrics = testMetrics()
    const stop = metrics.observable('pool', { labels: ['name'] }, () => [[{ name: 'a' }, 1]])
    metrics.observable('pool', { labels: ['name'] }, () => new Map([[{ name: 'b' }, 2]]))
    metrics.observable('total', { kind: 'counter' }, () => 5)
    expect(metrics.value('pool', { name: 'a' })).toBe(1)
    expect(metrics.value('pool', { name: 'b' })).toBe(2)
    expect(metrics.value('total')).toBe(5)
    stop()
    expect(metrics.value('pool', { name: 'a' })).toBeUndefined()
    expect(metrics.value('pool', { name: 'b' })).toBe(2)
  })

  it('vanish while they fail, and the failure is counted', () => {
    const metrics = testMetrics()
    let fail = false
    metrics.observable('o', {}, () => {
      if (fail) throw new Error('no')
      return 1
    })
    metrics.observable('promise', {}, () => Promise.resolve(1) as never)
    metrics.observable('rejection', {}, () => Promise.reject(new Error('no')) as never)
    metrics.observable('nan', {}, () => NaN)
    expect(metrics.value('o')).toBe(1)
    fail = true
    expect(metrics.value('o')).toBeUndefined()
    expect(metrics.dropped('observable_failed')).toBeGreaterThan(2)
    expect(metrics.dropped('bad_value')).toBeGreaterThan(1)
  })

  it('count a failure within the very collection that it spoils', () => {
    const metrics = testMetrics()
    metrics.observable('o', {}, () => {
      throw new Error('no')
    })
    expect(metrics.dropped('observable_failed')).toBe(1)
  })

  it('come and go, each series with the value of its last report', () => {
    const metrics = testMetrics()
    let pod = 'a'
    metrics.observable('o', { labels: ['pod'] }, () => [[{ pod }, pod.charCodeAt(0)]])
    const seen = (): unknown => metrics.snapshot().metrics.find(({ name }) => name === 'o')?.series
    for (pod of ['a', 'b', 'a', 'b']) {
      expect(seen()).toMatchObject([{ labels: { pod }, value: pod.charCodeAt(0) }])
    }
  })

  it('may take a snapshot themselves', () => {
    const metrics = testMetrics()
    metrics.observable('o', {}, () => metrics.snapshot().metrics.length)
    expect(metrics.value('o')).toBeGreaterThan(0)
    expect(metrics.dropped()).toBe(0)
  })
})

describe('sinks', () => {
  function recordingSink(
    overrides: Partial<Sink> = {},
  ): Sink & { calls: string[]; source: MetricSource | undefined } {
    const calls: string[] = []
    const sink = {
      name: 'recording',
      calls,
      source: undefined as MetricSource | undefined,
      start(source: MetricSource) {
        sink.source = source
        calls.push('start')
      },
      async flush() {
        calls.push('flush')
      },
      async stop() {
        calls.push('stop')
      },
      ...overrides,
    }
    return sink
  }

  it('are flushed, then stopped, once', async () => {
    const metrics = createMetrics()
    const sink = recordingSink()
    const detach = metrics.attach(sink)
    expect(codeOf(() => metrics.attach(sink))).toBe('KIT_METRIC_SINK_INVALID')
    await metrics.flush()
    await Promise.all([detach(), detach()])
    await metrics.flush()
    await metrics.shutdown()
    expect(sink.calls).toEqual(['start', 'flush', 'flush', 'stop'])
    expect(time.pendingTimers).toBe(0)
  })

  it('do not touch each other when they fail or hang', async () => {
    const metrics = testMetrics()
    const good = recordingSink()
    metrics.attach(
      recordingSink({
        name: 'throws',
        flush() {
          throw new Error('no')
        },
      }),
    )
    metrics.attach(recordingSink({ name: 'rejects', flush: () => Promise.reject(new Error('no')) }))
    metrics.attach(recordingSink({ name: 'hangs', flush: () => new Promise(() => {}) }))
    metrics.attach(good)
    const flushed = metrics.flush(100)
    await new Promise(setImmediate)
    time.advance(100)
    await flushed
    expect(good.calls).toEqual(['start', 'flush'])
    expect(metrics.value('kit.metrics.sink.errors', { sink: 'throws', operation: 'flush' })).toBe(1)
    expect(metrics.value('kit.metrics.sink.errors', { sink: 'rejects', operation: 'flush' })).toBe(1)
    expect(metrics.value('kit.metrics.sink.errors', { sink: 'hangs', operation: 'timeout' })).toBe(1)
  })

  it('are given no time, or all the time, when asked to', async () => {
    const metrics = testMetrics()
    let deliver = (): void => {}
    const slow = recordingSink({
      name: 'slow',
      flush: () => new Promise((resolve) => void (deliver = resolve)),
    })
    metrics.attach(slow)
    await metrics.flush(0)
    expect(time.pendingTimers).toBe(0)
    deliver()
    let flushed = false
    const flushing = metrics.flush(Infinity).then(() => (flushed = true))
    await new Promise(setImmediate)
    time.advance(1e9)
    await new Promise(setImmediate)
    expect(flushed).toBe(false)
    deliver()
    await flushing
    await metrics.shutdown(0)
    expect(slow.calls).toEqual(['start', 'stop'])
    expect(metrics.snapshot().metrics.find(({ name }) => name === 'kit.metrics.sink.errors')?.series).toEqual(
      [],
    )
    await expect(metrics.shutdown(Infinity)).resolves.toBeUndefined()
  })

  it('count a failure that comes when nobody waits', async () => {
    const metrics = testMetrics()
    metrics.attach(recordingSink({ name: 'rejects', flush: () => Promise.reject(new Error('no')) }))
    await metrics.flush(0)
    await new Promise(setImmediate)
    expect(metrics.value('kit.metrics.sink.errors', { sink: 'rejects', operation: 'flush' })).toBe(1)
  })

  it.each<[unknown]>([[NaN], [-1], ['5'], [null], [5n]])(
    'refuse the timeout %s, and go on',
    async (wrong) => {
      const metrics = testMetrics()
      const refused = { code: 'KIT_METRIC_OPTION_INVALID' }
      await expect(metrics.flush(wrong as number)).rejects.toMatchObject(refused)
      await expect(metrics.shutdown(wrong as number)).rejects.toMatchObject(refused)
      metrics.counter('c').inc()
      expect(metrics.value('c')).toBe(1)
    },
  )

  it('ask no observable after shutdown, and keep what it reported last', async () => {
    const metrics = testMetrics()
    let source: MetricSource | undefined
    metrics.attach({ name: 'look', start: (given) => void (source = given) })
    let total = 1
    const remove = metrics.observable('o', { kind: 'counter', labels: ['n'] }, () => [[{ n: total }, total]])
    total = 2
    expect(source?.ended).toBe(false)
    await metrics.shutdown()
    expect(source?.ended).toBe(true)
    total = 3
    remove()
    const found = metrics.snapshot().metrics.find(({ name }) => name === 'o')
    expect(found?.series).toMatchObject([{ labels: { n: '2' }, value: 2 }])
  })

  it('get final numbers at shutdown, and later recordings go nowhere', async () => {
    const metrics = testMetrics()
    const counter = metrics.counter('c', { labels: ['a'] })
    const handle = counter.labels({ a: 1 })
    const gauge = metrics.gauge('g')
    handle.inc()
    gauge.set(1)
    const first = metrics.shutdown()
    handle.inc()
    counter.inc({ a: 2 })
    gauge.set(5)
    metrics.counter('late').inc()
    metrics.incrCounter('later')
    await first
    await metrics.shutdown()
    handle.inc()
    metrics.updateFilter({})
    handle.inc()
    expect(metrics.value('c', { a: 1 })).toBe(1)
    expect(metrics.value('g')).toBe(1)
    expect(metrics.value('late')).toBe(0)
    expect(codeOf(() => metrics.attach(recordingSink()))).toBe('KIT_METRIC_SHUT_DOWN')
  })

  it('tap histograms while attached only, several at once', () => {
    const metrics = createMetrics()
    const before = metrics.histogram('before', { labels: ['a'] })
    before.observe({ a: 1 }, 1)
    const sink = recordingSink()
    metrics.attach(sink)
    const seen: string[] = []
    const tap = (name: string): (() => void) =>
      sink.source!.tap((instrument, series) => ({
        observe: (value) => seen.push(`${name} ${instrument.name} ${series.labelValues.join()} ${value}`),
      }))
    const [one, two] = [tap('one'), tap('two')]
    before.observe({ a: 1 }, 2)
    metrics.histogram('after').observe(3)
    one()
    before.observe({ a: 2 }, 4)
    two()
    two()
    before.observe({ a: 1 }, 5)
    expect(seen).toEqual([
      'one before 1 2',
      'two before 1 2',
      'one after  3',
      'two after  3',
      'two before 2 4',
    ])
  })

  it('see the generation change with series, instruments and filters, and only then', () => {
    const metrics = createMetrics()
    const sink = recordingSink()
    metrics.attach(sink)
    const source = sink.source!
    const counter = metrics.counter('c', { labels: ['a'] })
    counter.inc({ a: 1 })
    source.collect()
    const generation = source.generation
    const instruments = source.instruments()
    counter.inc({ a: 1 })
    source.collect()
    expect(source.generation).toBe(generation)
    expect(source.instruments()).toBe(instruments)
    counter.inc({ a: 2 })
    expect(source.generation).toBeGreaterThan(generation)
  })
})

describe('snapshots', () => {
  it('are frozen plain data', () => {
    const metrics = createMetrics()
    metrics.counter('c', { labels: ['a', 'b'], unit: 'By', help: 'Bytes.' }).inc({ a: 'x', b: '' }, 2)
    metrics.histogram('h', { buckets: [1, 2] }).observe(1)
    const snapshot = metrics.snapshot()
    metrics.histogram('h', { buckets: [1, 2] }).observe(5)
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot)
    expect(snapshot.metrics.slice(3)).toEqual([
      {
        name: 'c',
        kind: 'counter',
        unit: 'By',
        help: 'Bytes.',
        series: [{ labels: { a: 'x' }, startTime: time.wallTime(), value: 2 }],
      },
      {
        name: 'h',
        kind: 'histogram',
        unit: '',
        help: '',
        bounds: [1, 2],
        series: [{ labels: {}, startTime: time.wallTime(), count: 1, sum: 1, buckets: [1, 0, 0] }],
      },
    ])
    const [series] = snapshot.metrics[3]?.series ?? []
    expect(() => Object.assign(series ?? {}, { value: 9 })).toThrow(TypeError)
  })
})

it('shows exponential buckets beside the others', () => {
  const metrics = testMetrics()
  const histogram = metrics.histogram('h', { native: true, buckets: [1, 2], labels: ['a'] })
  const points = (): unknown[] => [
    ...(metrics.snapshot().metrics.find(({ name }) => name === 'h')?.series ?? []),
  ]
  histogram.labels({ a: 1 })
  const empty = { offset: 0, counts: [] }
  const nothing = { scale: 20, zeroCount: 0, positive: empty, negative: empty }
  expect(points()).toEqual([expect.objectContaining({ buckets: [0, 0, 0], exponential: nothing })])
  for (const value of [0, 1, 1.5, 3, 3]) histogram.observe({ a: 1 }, value)
  const exponential = {
    scale: 6,
    zeroCount: 1,
    positive: { offset: -1, counts: expect.arrayContaining([1, 2]) as number[] },
    negative: empty,
    min: 0,
    max: 3,
  }
  expect(points()).toEqual([expect.objectContaining({ buckets: [2, 1, 2], count: 5, exponential })])
})

it('stays finite in snapshots when sums leave the range of doubles', () => {
  const metrics = testMetrics()
  const counter = metrics.counter('c')
  const gauge = metrics.gauge('g')
  const histogram = metrics.histogram('h')
  for (let i = 0; i < 2; i++) {
    counter.inc(Number.MAX_VALUE)
    gauge.dec(Number.MAX_VALUE)
    histogram.observe(Number.MAX_VALUE)
  }
  expect(metrics.value('c')).toBe(Number.MAX_VALUE)
  expect(metrics.value('g')).toBe(-Number.MAX_VALUE)
  expect(metrics.distribution('h')).toEqual({ count: 2, sum: Number.MAX_VALUE })
})

it('takes undefined for every option as if it were not there', () => {
  const metrics = createMetrics({ maxSeries: undefined, maxTotalSeries: undefined, filter: undefined })
  const spec = { help: undefined, labels: undefined, unit: undefined, maxSeries: undefined }
  expect(metrics.counter('c', spec)).toBe(metrics.counter('c'))
  expect(metrics.histogram('h', { ...spec, buckets: undefined })).toBe(metrics.histogram('h'))
  metrics.observable('o', { ...spec, kind: undefined }, () => 1)
  metrics.updateFilter({ default: undefined, allow: undefined, block: undefined, blockLabels: undefined })
  expect(
    metrics
      .snapshot()
      .metrics.slice(3)
      .map(({ kind }) => kind),
  ).toEqual(['counter', 'histogram', 'gauge'])
})

it('is one object for the whole process', async () => {
  expect((globalThis as Record<symbol, unknown>)[Symbol.for('@kit/metrics@1')]).toBe(processMetrics)
})

it('never lets a recording throw', () => {
  const metrics = testMetrics()
  const counter = metrics.counter('c', { labels: ['a', 'b'] })
  const gauge = metrics.gauge('g')
  const histogram = metrics.histogram('h', { labels: ['a'] })
  fc.assert(
    fc.property(fc.anything(), fc.anything(), fc.anything(), (one, two, three) => {
      counter.inc(one as Labels<'a' | 'b'>, two as number)
      counter.labels(one as Labels<'a' | 'b'>).inc(two as number)
      counter.inc({ a: one as string, b: two as string }, three as number)
      gauge.set(one as number)
      gauge.dec(two as number)
      histogram.observe(one as Labels<'a'>, two as number)
      histogram.startTimer(one as Labels<'a'>)(two as Labels<'a'>)
      metrics.incrCounter(one as string, two as number, three as Labels)
      metrics.incrCounter('v', one as number, two as Labels)
      metrics.addSample('s', one as number, two as Labels)
      metrics.measureSince('m', one as number, two as Labels)
    }),
  )
  const snapshot = metrics.snapshot()
  expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot)
})

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
