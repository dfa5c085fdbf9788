import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMetrics, type HistogramSnapshot, type Metrics, type MetricSource } from '../index.ts'
import { testMetrics, type TestMetrics } from '../testing/index.ts'
import { Catalog } from './catalog.ts'
import { Encoder } from './encoder.ts'
import { compileRules } from './gauge-rule.ts'
import { Peer } from './peer.ts'
import { envelope, type Part, type Report } from './protocol.ts'

function sourceOf(metrics: Metrics): MetricSource {
  let source: MetricSource | undefined
  metrics.attach({
    name: 'test',
    start(given) {
      source = given
    },
  })
  return source!
}

interface Parent {
  readonly metrics: TestMetrics
  readonly dropped: string[]
  peer(maxSeries?: number): Peer
}

function parentOf(options?: Parameters<typeof testMetrics>[0], maxInstruments = 2000): Parent {
  const metrics = testMetrics(options)
  const prefix = options?.prefix === undefined ? '' : `${options.prefix}.`
  const catalog = new Catalog(metrics, sourceOf(metrics), compileRules('test'), prefix, maxInstruments)
  const dropped: string[] = []
  const events = {
    dropped: (reason: string): void => void dropped.push(reason),
    droppedThere: (reason: string, amount: number): void => void dropped.push(`${reason} ${amount}`),
  }
  return { metrics, dropped, peer: (maxSeries = 1000) => new Peer('w', catalog, events, maxSeries) }
}

interface Child {
  readonly metrics: Metrics
  readonly encoder: Encoder
}

function child(options?: Parameters<typeof createMetrics>[0], partSize?: number): Child {
  const metrics = createMetrics(options)
  return { metrics, encoder: new Encoder(sourceOf(metrics), partSize) }
}

let sequence = 0

/** As it arrives through the channel between two processes. */
function throughJson(part: Part): unknown {
  const report: Report = { ...part, numbers: Array.from(part.numbers), sequence: ++sequence, isLast: false }
  return JSON.parse(JSON.stringify(report))
}

function deliver({ encoder }: Child, peer: Peer): void {
  for (const part of encoder.encode()) peer.receive(throughJson(part))
}

/** All that was recorded, by name and labels, in no order. */
function contents(metrics: Metrics): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const metric of metrics.snapshot().metrics) {
    for (const { startTime, labels, ...rest } of metric.series) {
      expect(startTime).toBeGreaterThan(0)
      const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))
      if (!metric.name.startsWith('kit.')) found[`${metric.name} ${JSON.stringify(sorted)}`] = rest
    }
  }
  return found
}

type Step =
  | {
      readonly op: 'inc' | 'verb' | 'sample'
      readonly worker: number
      readonly label: string
      readonly value: number
    }
  | {
      readonly op: 'observe' | 'native'
      readonly worker: number
      readonly label: string
      readonly value: number
    }
  | { readonly op: 'up' | 'down'; readonly worker: number; readonly label: string; readonly value: number }
  | {
      readonly op: 'report' | 'resync'
      readonly worker: number
      readonly label: string
      readonly value: number
    }

const step: fc.Arbitrary<Step> = fc.record({
  op: fc.constantFrom(
    'inc',
    'verb',
    'sample',
    'observe',
    'native',
    'up',
    'down',
    'report',
    'report',
    'resync',
  ),
  worker: fc.nat(3),
  label: fc.constantFrom('a', 'b', '', '__proto__', 'constructor', 'ü'),
  // Sums of these are exact, in whatever order.
  value: fc.oneof(
    fc.nat(1000),
    fc.integer({ min: 0, max: 40 }).map((n) => 2 ** (n - 20)),
    fc.constantFrom(0, 2 ** -10, 3 * 2 ** 12, 2 ** 20),
  ),
})

function record(metrics: Metrics, { op, label, value }: Step): void {
  if (op === 'inc') metrics.counter('c', { labels: ['l'] }).inc({ l: label }, value)
  if (op === 'verb') metrics.incrCounter('v', value, label < 'b' ? { l: label } : { m: label, l: 1 })
  if (op === 'sample') metrics.addSample('s', value, { [label === 'a' ? 'x' : 'y']: label })
  if (op === 'observe') metrics.histogram('h', { labels: ['l'], unit: 's' }).observe({ l: label }, value)
  if (op === 'native') {
    const spec = { native: true, buckets: [-1, 0, 1], labels: ['l'] } as const
    metrics.histogram('n', spec).observe({ l: label }, label === 'b' ? 0 - value : value)
  }
  if (op === 'up') metrics.gauge('g', { labels: ['l'] }).inc({ l: label }, value)
  if (op === 'down') metrics.gauge('g', { labels: ['l'] }).dec({ l: label }, value)
}

describe('reports', () => {
  it('add up to what one process would have counted, wherever they are cut', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), fc.nat(100), (steps, partSize) => {
        const parent = parentOf()
        const truth = createMetrics()
        const workers = [0, 1, 2].map(() => ({ ...child({}, partSize), peer: parent.peer() }))
        for (const one of steps) {
          record(truth, one)
          const worker = workers[one.worker]
          if (worker === undefined) record(parent.metrics, one)
          else if (one.op === 'report') deliver(worker, worker.peer)
          else if (one.op === 'resync') worker.encoder.resync()
          else record(worker.metrics, one)
        }
        for (const worker of workers) deliver(worker, worker.peer)
        expect(contents(parent.metrics)).toEqual(contents(truth))
        expect(parent.dropped).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('lose nothing where messages are lost, once all was said anew', () => {
    const losing = fc.array(fc.tuple(step, fc.nat(3)), { maxLength: 60 })
    fc.assert(
      fc.property(losing, (steps) => {
        const parent = parentOf()
        const truth = createMetrics()
        const worker = child({}, 1)
        const peer = parent.peer()
        for (const [one, lost] of steps) {
          record(truth, one)
          record(worker.metrics, one)
          const parts = worker.encoder.encode()
          for (const [i, part] of parts.entries()) if (i % 3 !== lost) peer.receive(throughJson(part))
        }
        worker.encoder.resync()
        deliver(worker, peer)
        expect(contents(parent.metrics)).toEqual(contents(truth))
      }),
      { numRuns: 100 },
    )
  })

  it('never make a counter go down, whatever they hold', () => {
    const worker = child()
    const recordAll = (): void => {
      for (const op of ['inc', 'observe', 'native', 'up', 'verb'] as const) {
        record(worker.metrics, { op, worker: 0, label: 'a', value: 5 })
      }
    }
    recordAll()
    const first = worker.encoder.encode()
    recordAll()
    const second = worker.encoder.encode()
    const whole = JSON.stringify([...first, ...second].map(throughJson))
    const junk = fc.oneof(
      fc.constantFrom(
        -1,
        1e308,
        '',
        '__proto__',
        null,
        [],
        {},
        Number.NaN,
        Infinity,
        -Infinity,
        1.5,
        2 ** 53,
      ),
      fc.nat(30),
      fc.anything(),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), junk), { minLength: 1, maxLength: 4 }), (changes) => {
        const parent = parentOf({ maxSeries: 10 })
        const peer = parent.peer(20)
        const messages = JSON.parse(whole) as object[]
        for (const [at, value] of changes) mutate(messages, at, value)
        let before = counts(parent.metrics)
        for (const message of [...messages, ...changes.map(([, value]) => value)]) {
          peer.receive(message)
          const after = counts(parent.metrics)
          expect([...before].every(([key, count]) => (after.get(key) ?? -1) >= count)).toBe(true)
          before = after
        }
        expect(Object.keys(Object.prototype)).toEqual([])
        expect(JSON.stringify(parent.metrics.snapshot())).not.toContain('null')
        peer.end()
      }),
      { numRuns: 500 },
    )
  })
})

/** Replaces one of the values that a structure is made of. */
function mutate(root: unknown, at: number, value: unknown): void {
  const places: [object, string][] = []
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    for (const key of Object.keys(node)) {
      places.push([node, key])
      walk((node as Record<string, unknown>)[key])
    }
  }
  walk(root)
  const place = places[at % places.length]
  if (place === undefined) return
  const [node, key] = place
  Object.defineProperty(node, key, { value, enumerable: true, writable: true, configurable: true })
}

function counts(metrics: Metrics): Map<string, number> {
  const all = new Map<string, number>()
  for (const metric of metrics.snapshot().metrics) {
    if (metric.kind === 'gauge') continue
    for (const series of metric.series) {
      const count = 'count' in series ? series.count : series.value
      all.set(`${metric.name} ${JSON.stringify(series.labels)}`, count)
    }
  }
  return all
}

describe('a series', () => {
  it('that expired and comes back with its count is not counted twice', async () => {
    const parent = parentOf()
    const metrics = createMetrics()
    const source = sourceOf(metrics)
    let isListed = true
    const encoder = new Encoder({
      collect: () => source.collect(),
      instruments: () => (isListed ? source.instruments() : []),
      get ended() {
        return source.ended
      },
      get generation() {
        return source.generation + (isListed ? 0 : 1)
      },
      tap: (make) => source.tap(make),
      drop: () => {},
    })
    const peer = parent.peer()
    const send = (): void => encoder.encode().forEach((part) => peer.receive(throughJson(part)))
    const counter = metrics.counter('c')
    const histogram = metrics.histogram('n', { native: true })
    const gauge = metrics.gauge('g')
    counter.inc(5)
    histogram.observe(1)
    gauge.set(3)
    send()
    counter.inc(2)
    isListed = false
    send()
    expect([parent.metrics.value('c'), parent.metrics.value('g')]).toEqual([7, 0])
    counter.inc()
    histogram.observe(4)
    isListed = true
    send()
    expect([parent.metrics.value('c'), parent.metrics.value('g')]).toEqual([8, 3])
    expect(parent.metrics.distribution('n')).toEqual({ count: 2, sum: 5 })
    const { series } = parent.metrics.snapshot().metrics.find(({ name }) => name === 'n') as HistogramSnapshot
    expect(series[0]?.exponential).toMatchObject({ min: 1, max: 4 })
    expect(series[0]?.exponential?.positive.counts.reduce((sum, count) => sum + count)).toBe(2)
  })

  it('of an observed counter may begin anew in the worker, and goes on here', () => {
    const parent = parentOf()
    const worker = child()
    const peer = parent.peer()
    let total = 10
    worker.metrics.observable('t', { kind: 'counter' }, () => total)
    deliver(worker, peer)
    total = 4
    deliver(worker, peer)
    total = 6
    deliver(worker, peer)
    expect(parent.metrics.value('t')).toBe(16)
    peer.end()
    expect(parent.metrics.value('t')).toBe(16)
  })

  it('that is observed here as well is shown with both values, in whichever order they came', () => {
    for (const isFirst of [true, false]) {
      const parent = parentOf()
      const worker = child()
      const peer = parent.peer()
      const declare = (metrics: Metrics, value: number): void => {
        metrics.observable('g', { labels: ['l'] }, () => [
          [{ l: 'both' }, value],
          [{ l: String(value) }, value],
        ])
        metrics.observable('c', { kind: 'counter' }, () => value)
      }
      if (isFirst) declare(parent.metrics, 1)
      parent.metrics.snapshot()
      declare(worker.metrics, 10)
      deliver(worker, peer)
      if (!isFirst) declare(parent.metrics, 1)
      for (let i = 0; i < 3; i++) parent.metrics.snapshot()
      const values = ['both', '1', '10'].map((l) => parent.metrics.value('g', { l }))
      expect([...values, parent.metrics.value('c')]).toEqual([11, 1, 10, 11])
      peer.end()
      parent.metrics.snapshot()
      expect(['both', '1', '10'].map((l) => parent.metrics.value('g', { l }))).toEqual([1, 1, undefined])
      expect(parent.metrics.value('c')).toBe(11)
    }
  })
})

describe('what a worker may do here', () => {
  it('ends at the budgets', () => {
    const parent = parentOf({ maxSeries: 3 }, 2)
    const worker = child({ filter: { block: ['kit.metrics.dropped'] } })
    const peer = parent.peer(5)
    for (const l of ['a', 'b', 'c', 'd']) worker.metrics.counter('one', { labels: ['l'] }).inc({ l })
    for (const l of ['a', 'b', 'c', 'd']) worker.metrics.counter('two', { labels: ['l'] }).inc({ l })
    worker.metrics.counter('three').inc()
    deliver(worker, peer)
    expect(parent.metrics.value('one', { l: 'kit.overflow' })).toBe(1)
    expect(parent.metrics.value('two', { l: 'a' })).toBe(1)
    expect(parent.metrics.value('two', { l: 'b' })).toBeUndefined()
    expect(parent.metrics.value('three')).toBeUndefined()
    expect(new Set(parent.dropped)).toEqual(new Set(['overflow']))
  })

  it('does not reach beyond a conflict', () => {
    const parent = parentOf()
    parent.metrics.gauge('one').set(5)
    parent.metrics.histogram('h', { buckets: [1, 2] }).observe(1)
    const worker = child()
    worker.metrics.counter('one').inc()
    worker.metrics.histogram('h', { buckets: [1, 3] }).observe(1)
    worker.metrics.counter('two').inc(2)
    const peer = parent.peer()
    deliver(worker, peer)
    expect(parent.dropped).toEqual(['conflict', 'conflict'])
    expect([parent.metrics.value('one'), parent.metrics.value('two')]).toEqual([5, 2])
    expect(parent.metrics.distribution('h')).toEqual({ count: 1, sum: 1 })
  })

  it('meets in one metric if both have the same prefix, or only this side has', () => {
    for (const prefix of ['shop', undefined]) {
      const parent = parentOf({ prefix: 'shop' })
      const worker = child({ prefix })
      parent.metrics.counter('orders').inc()
      worker.metrics.counter('orders').inc(2)
      worker.metrics.incrCounter('verbs', 3)
      const peer = parent.peer()
      deliver(worker, peer)
      expect([parent.metrics.value('shop.orders'), parent.metrics.value('shop.verbs')]).toEqual([3, 3])
    }
  })

  it('may have labels of its own where an instrument is open', () => {
    const parent = parentOf()
    const worker = child()
    parent.metrics.counter('calls', { labels: ['function'], open: true }).inc({ function: 'a' })
    worker.metrics.counter('calls', { labels: ['function'], open: true }).inc({ function: 'a' }, 2)
    const peer = parent.peer()
    deliver(worker, peer)
    const wider = worker.metrics.counter('calls', { labels: ['function', 'region'], open: true })
    wider.inc({ function: 'a', region: 'eu' }, 4)
    parent.metrics.counter('calls', { labels: ['function', 'tenant'], open: true })
    deliver(worker, peer)
    expect(contents(parent.metrics)).toMatchObject({
      'calls [["function","a"]]': { value: 3 },
      'calls [["function","a"],["region","eu"]]': { value: 4 },
    })
  })

  it('includes telling what it dropped', () => {
    const parent = parentOf()
    const worker = child()
    worker.metrics.counter('c').inc(-1)
    worker.metrics.counter('c').inc(-1)
    deliver(worker, parent.peer())
    expect(parent.dropped).toContain('bad_value 2')
  })

  it('does not include names that nobody may take, whatever the way', () => {
    for (const name of ['kit.metrics.series', 'kit.metrics.new', '1 2', '__proto__']) {
      for (const origin of ['declared', 'open', 'observed', 'verb'] as const) {
        for (const kind of ['counter', 'gauge'] as const) {
          const parent = parentOf()
          const shape = { unit: '', help: '', labels: [], bounds: [], native: false, origin }
          const instruments = [{ id: 1, kind, name, ...shape }]
          const series = [[2, 1, []]] as const
          parent
            .peer()
            .receive(throughJson({ instruments, series, numbers: [2, 1, 5], exemplars: [], gone: [] }))
          expect(parent.dropped).toContain('malformed')
          expect(
            parent.metrics
              .snapshot()
              .metrics.every((found) => found.name !== name || name.endsWith('series')),
          ).toBe(true)
        }
      }
    }
  })

  it('does not include what is not its own', () => {
    const { metrics, dropped, peer } = parentOf()
    peer().receive({ [envelope]: {} })
    expect(dropped).toEqual(['malformed'])
    expect(metrics.snapshot().metrics.filter(({ name }) => !name.startsWith('kit.'))).toEqual([])
  })
})
