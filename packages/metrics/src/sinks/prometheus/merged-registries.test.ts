import { manualClock } from '@kit/context/testing'
import * as fc from 'fast-check'
import type * as PromClient from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { createMetrics, type Metrics } from '../../index.ts'
import { parseExposition, type ExpositionFamily } from '../../testing/index.ts'
import { prometheus, type MergeProblem, type PrometheusSink } from './index.ts'

const openMetrics = 'application/openmetrics-text'
const formats = ['text', 'openmetrics'] as const

type Client = typeof PromClient

/** Both libraries; undefined where one does not load on this version of Node. */
const clients = await Promise.all(
  ['prom-client', '@prometheus-io/client'].map(async (name) => {
    const client = await import(name).catch(() => undefined)
    return { name, client: client as Client | undefined }
  }),
)

function attached(): { metrics: Metrics; sink: PrometheusSink } {
  const metrics = createMetrics({ filter: { block: ['kit'] } })
  const sink = prometheus()
  metrics.attach(sink)
  return { metrics, sink }
}

async function read(sink: PrometheusSink, format: 'text' | 'openmetrics'): Promise<ExpositionFamily[]> {
  return parseExposition(await sink.text(format === 'text' ? undefined : openMetrics), format)
}

async function drops({ metrics, sink }: { metrics: Metrics; sink: PrometheusSink }): Promise<object> {
  metrics.updateFilter({ block: ['kit.metrics.series'] })
  const family = (await read(sink, 'text')).find(({ name }) => name === 'kit_metrics_dropped_total')!
  return Object.fromEntries(
    family.samples.flatMap(({ labels, value }) => (value > 0 ? [[labels['reason'], value]] : [])),
  )
}

/** A registry of nobody's make. */
function registryOf(...metrics: object[]): { getMetricsAsArray(): object[] } {
  return { getMetricsAsArray: () => metrics }
}

function metric(name: string, type: string, values: unknown[], help: unknown = 'H.'): object {
  return { name, type, get: () => ({ name, type, help, values }) }
}

describe.each(clients)('a registry of $name', ({ client }) => {
  it.skipIf(client === undefined)('stands on the page after ours, in both formats', async () => {
    const { Registry, Counter, Gauge, Histogram, Summary } = client!
    const { metrics, sink } = attached()
    const registry = new Registry()
    registry.setDefaultLabels({ app: 'shop', zone: 'a' })
    const registers = [registry]
    metrics.counter('ours').inc()
    const nasty = 'a"b\\c\nd\ud800🦊'
    new Counter({ name: 'c_total', help: nasty, labelNames: ['x'], registers }).inc({ x: nasty }, 1.5)
    new Counter({ name: 'bare', help: 'H.', registers }).inc(2)
    const gauge = new Gauge({ name: 'g', help: 'H.', labelNames: ['app', 'x'], registers })
    gauge.set({ app: 'own', x: 'constructor' }, -1e21)
    gauge.set({ x: '' }, NaN)
    const buckets = [1, 1e6]
    new Histogram({ name: 'h', help: 'H.', labelNames: ['toString'], buckets, registers }).observe(
      { toString: '__proto__' } as never,
      5,
    )
    const summary = new Summary({ name: 's', help: 'H.', percentiles: [0.5, 1], registers })
    summary.observe(3)
    sink.mergeWith(registry)
    const app = { app: 'shop', zone: 'a' }
    const clean = nasty.replace('\ud800', '\uFFFD')
    for (const format of formats) {
      const page = await read(sink, format)
      const total = format === 'text' ? '_total' : ''
      const le = format === 'text' ? ['1', '1000000'] : ['1.0', '1e+06']
      expect(page.map(({ name, type }) => `${name} ${type}`)).toEqual([
        `ours${total} counter`,
        `c${total} counter`,
        `bare counter`,
        'g gauge',
        'h histogram',
        's summary',
      ])
      const samples = page.slice(1).flatMap((family) => family.samples)
      expect(samples).toEqual([
        { name: 'c_total', labels: { ...app, x: clean }, value: 1.5 },
        { name: format === 'text' ? 'bare' : 'bare_total', labels: app, value: 2 },
        { name: 'g', labels: { app: 'own', x: 'constructor', zone: 'a' }, value: -1e21 },
        { name: 'g', labels: app, value: NaN },
        { name: 'h_bucket', labels: { ...app, toString: '__proto__', le: le[0] }, value: 0 },
        { name: 'h_bucket', labels: { ...app, toString: '__proto__', le: le[1] }, value: 1 },
        { name: 'h_bucket', labels: { ...app, toString: '__proto__', le: '+Inf' }, value: 1 },
        { name: 'h_sum', labels: { ...app, toString: '__proto__' }, value: 5 },
        { name: 'h_count', labels: { ...app, toString: '__proto__' }, value: 1 },
        { name: 's', labels: { ...app, quantile: format === 'text' ? '0.5' : '0.5' }, value: 3 },
        { name: 's', labels: { ...app, quantile: format === 'text' ? '1' : '1.0' }, value: 3 },
        { name: 's_sum', labels: app, value: 3 },
        { name: 's_count', labels: app, value: 1 },
      ])
      expect(page.at(1)!.help).toBe(clean)
    }
  })

  it.skipIf(client === undefined)('keeps its exemplars, and its own page', async () => {
    const { Registry, Counter, Histogram } = client!
    const { sink } = attached()
    const registry = new Registry() as unknown as PromClient.Registry<PromClient.OpenMetricsContentType>
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    const registers = [registry]
    const exemplarLabels = { trace_id: 'x'.repeat(120) }
    const counter = new Counter({ name: 'c_total', help: 'H.', registers, enableExemplars: true })
    counter.inc({ value: 2, exemplarLabels } as never)
    const histogram = new Histogram({
      name: 'h',
      help: 'H.',
      buckets: [1, 2],
      registers,
      enableExemplars: true,
    })
    histogram.observe({ value: 1.5, exemplarLabels } as never)
    sink.mergeWith(registry)
    const own = await registry.metrics()
    const page = await read(sink, 'openmetrics')
    const marked = page.flatMap(({ samples }) => samples).filter(({ exemplar }) => exemplar !== undefined)
    expect(
      marked.map(({ name, labels, exemplar }) => [name, labels['le'], exemplar!.labels, exemplar!.value]),
    ).toEqual([
      ['c_total', undefined, exemplarLabels, 2],
      ['h_bucket', '2.0', exemplarLabels, 1.5],
    ])
    // Its counters lost their `_total` to its own page, and have it on ours all the same.
    expect((await read(sink, 'text')).map(({ name }) => name)).toEqual(['c_total', 'h'])
    expect(await registry.metrics()).toBe(own)
  })

  it.skipIf(client === undefined)('shows the default metrics', async () => {
    const { sink } = attached()
    const register = new client!.Registry()
    client!.collectDefaultMetrics({ register })
    sink.mergeWith(register)
    for (const format of formats) {
      const names = (await read(sink, format)).map(({ name }) => name)
      expect(names).toContain('process_resident_memory_bytes')
      expect(names).toContain('nodejs_version_info')
    }
  })

  it.skipIf(client === undefined)('is left out where its names are ours, and comes off again', async () => {
    const { Registry, Counter, Gauge } = client!
    const { metrics, sink } = attached()
    const registry = new Registry()
    const registers = [registry]
    metrics.counter('jobs').inc()
    metrics.histogram('took', { buckets: [1] }).observe(1)
    new Counter({ name: 'jobs_total', help: 'H.', registers }).inc(100)
    new Gauge({ name: 'jobs_created', help: 'H.', registers }).set(100)
    new Gauge({ name: 'took_bucket', help: 'H.', registers }).set(100)
    new Gauge({ name: 'other', help: 'H.', registers }).set(1)
    const problems: MergeProblem[] = []
    const unmerge = sink.mergeWith(registry, { onProblem: (problem) => problems.push(problem) })
    const other = new Registry()
    new Gauge({ name: 'other', help: 'H.', registers: [other] }).set(2)
    sink.mergeWith(other)
    for (const format of formats) {
      const page = await read(sink, format)
      expect(page.at(-1)).toMatchObject({ name: 'other', samples: [{ value: 1 }] })
      expect(page.length).toBe(3)
    }
    expect(problems).toEqual([
      { metric: 'jobs_total', reason: 'conflict', error: undefined },
      { metric: 'jobs_created', reason: 'conflict', error: undefined },
      { metric: 'took_bucket', reason: 'conflict', error: undefined },
    ])
    expect(await drops({ metrics, sink })).toEqual({ conflict: 8 })
    unmerge()
    metrics.updateFilter({ block: ['kit'] })
    expect((await read(sink, 'text')).map(({ name, samples }) => [name, samples.at(0)!.value])).toEqual([
      ['jobs_total', 1],
      ['took', 1],
      ['other', 2],
    ])
  })

  it.skipIf(client === undefined)('shows the rest where one of its metrics throws or hangs', async () => {
    const { Registry, Gauge } = client!
    const { metrics, sink } = attached()
    const registry = new Registry()
    const registers = [registry]
    let asked = 0
    let release = (): void => {}
    const hang = new Promise<void>((resolve) => {
      release = resolve
    })
    const collectors: Record<string, () => void | Promise<void>> = {
      throws: () => {
        throw new Error('no')
      },
      rejects: () => Promise.reject(new Error('no')),
      hangs: () => {
        asked++
        return hang
      },
      works: () => undefined,
    }
    for (const [name, collect] of Object.entries(collectors)) {
      new Gauge({ name, help: 'H.', registers, collect }).set(1)
    }
    const problems: MergeProblem[] = []
    sink.mergeWith(registry, { timeoutMs: 20, onProblem: (problem) => problems.push(problem) })
    metrics.gauge('ours').set(1)
    for (let i = 0; i < 3; i++) {
      expect((await read(sink, 'text')).map(({ name }) => name)).toEqual(['ours', 'works'])
    }
    expect(asked).toBe(1)
    expect(problems.map((problem) => [problem.metric, problem.reason, problem.error])).toEqual([
      ['throws', 'observable_failed', new Error('no')],
      ['rejects', 'observable_failed', new Error('no')],
      ['hangs', 'observable_failed', undefined],
    ])
    expect(await drops({ metrics, sink })).toEqual({ observable_failed: 9 })
    release()
    metrics.updateFilter({ block: ['kit'] })
    await hang
    await read(sink, 'text')
    expect((await read(sink, 'text')).map(({ name }) => name)).toEqual(['ours', 'hangs', 'works'])
  })
})

describe('merging', () => {
  const clocks: Disposable[] = []
  afterEach(() => {
    for (const clock of clocks.splice(0)) clock[Symbol.dispose]()
  })

  it('waits for all together, as long as it was told, by the clock in force', async () => {
    const clock = manualClock()
    clocks.push(clock)
    const { sink } = attached()
    const never = { name: 'never', get: () => new Promise(() => {}) }
    sink.mergeWith(registryOf({ ...never }, { ...never }, metric('g', 'gauge', [{ value: 1 }])))
    const page = sink.text()
    const state = async (): Promise<string> =>
      Promise.race([page.then(() => 'there'), Promise.resolve('not yet')])
    // The page begins in the turn after the one in which it was asked for.
    for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate)
    clock.advance(749)
    await new Promise(setImmediate)
    expect(await state()).toBe('not yet')
    clock.advance(1)
    expect(parseExposition(await page).map(({ name }) => name)).toEqual(['g'])
  })

  it('leaves out what no page may hold, and counts it', async () => {
    const { metrics, sink } = attached()
    const le = (bound: unknown, value: number, more: object = {}): object => ({
      metricName: 'h_bucket',
      labels: { le: bound, ...more },
      value,
    })
    const rest = [
      { metricName: 'h_sum', value: 1 },
      { metricName: 'h_count', value: 2 },
    ]
    const good = [le(1, 1), le('+Inf', 2)]
    const histogram = (values: unknown[]): object => metric('h', 'histogram', values)
    const one = async (given: object): Promise<object> => {
      const problems: string[] = []
      const unmerge = sink.mergeWith(registryOf(given, metric('ok', 'gauge', [{ value: 1 }])), {
        onProblem: ({ reason }) => {
          problems.push(reason)
          throw new Error('ignored')
        },
      })
      const names: string[][] = []
      for (const format of formats) {
        names.push((await read(sink, format)).map(({ name }) => name))
      }
      unmerge()
      expect(names[0]).toEqual(names[1])
      return [problems, ...names.at(0)!]
    }
    metrics.updateFilter({ block: ['*'] })
    expect(await one(metric('a b', 'gauge', [{ value: 1 }]))).toEqual([['bad_name'], 'ok'])
    expect(await one(metric('g{x="1"}', 'gauge', [{ value: 1 }]))).toEqual([['bad_name'], 'ok'])
    expect(await one(metric('g', 'gauge', [{ value: '1\n# EOF' }]))).toEqual([['bad_value'], 'ok'])
    expect(await one(metric('g', 'gauge', [{ value: 1, metricName: 'ok' }]))).toEqual([['bad_name'], 'ok'])
    for (const labels of [{ 'a b': 1 }, { __name__: 'x' }, JSON.parse('{"__proto__":"x"}'), { a: {} }]) {
      expect(await one(metric('g', 'gauge', [{ value: 1, labels }]))).toEqual([['bad_labels'], 'ok'])
    }
    const twice = [
      { value: 1, labels: { a: 1, b: '' } },
      { value: 2, labels: { a: '1' } },
    ]
    expect(await one(metric('g', 'gauge', twice))).toEqual([['conflict'], 'g', 'ok'])
    expect(await one(metric('c', 'counter', [{ value: -1 }]))).toEqual([['bad_value'], 'ok'])
    expect(await one(metric('c', 'counter', [{ value: NaN }]))).toEqual([['bad_value'], 'ok'])
    expect(await one(metric('g', 'gauge', [null]))).toEqual([['observable_failed'], 'ok'])
    expect(await one({ name: 'g' })).toEqual([['observable_failed'], 'ok'])
    expect(await one(metric('g', 'gauge', []))).toEqual([[], 'ok'])
    expect(await one(metric('g', 'nonsense', [{ value: 1 }]))).toEqual([[], 'g', 'ok'])
    expect(await one(metric('g', 'gauge', [{ value: 1 }], ''))).toEqual([[], 'g', 'ok'])
    expect(await one(histogram([...good, ...rest]))).toEqual([[], 'h', 'ok'])
    expect(await one(histogram([...rest, ...good.toReversed()]))).toEqual([[], 'h', 'ok'])
    for (const broken of [
      [le(1, 3), le('+Inf', 2), ...rest],
      [le(1, 1), ...rest],
      [le('x', 1), le('+Inf', 3), ...rest],
      [...good, rest[0]],
      [...good, { metricName: 'h_sum', value: NaN }, rest[1]],
      [le(1, NaN), le('+Inf', 2), ...rest],
    ]) {
      expect((await one(histogram(broken))) as unknown[]).not.toContain('h')
    }
    const apart = [...good, le(1, 1, { a: 'x' }), ...rest]
    expect(await one(histogram(apart))).toEqual([['bad_value'], 'h', 'ok'])
    const quantile = (q: unknown): object[] => [
      { labels: { quantile: q }, value: 1 },
      { metricName: 's_sum', value: 1 },
      { metricName: 's_count', value: 1 },
    ]
    expect(await one(metric('s', 'summary', quantile(0.5)))).toEqual([[], 's', 'ok'])
    expect(await one(metric('s', 'summary', quantile(5)))).toEqual([['bad_value'], 'ok'])
    const exemplar = { labelSet: { a: 'x'.repeat(200) }, value: 1, timestamp: 1 }
    expect(await one(metric('c', 'counter', [{ value: 1, exemplar }]))).toEqual([[], 'c', 'ok'])
  })

  it.each([
    [1.5, ' 1.5'],
    [0, ' 0'],
    [-1, ''],
    [1e-7, ''],
    [5e268, ''],
    [NaN, ''],
    ['1', ''],
    [undefined, ''],
  ])('shows an exemplar with the time %s only where a page can', async (timestamp, shown) => {
    const { sink } = attached()
    const value = { value: 1, exemplar: { labelSet: { a: 'x' }, value: 1, timestamp } }
    sink.mergeWith(
      registryOf({ get: () => ({ name: 'c_total', help: 'c', type: 'counter', values: [value] }) }),
    )
    expect(await sink.text(openMetrics)).toContain(`c_total 1 # {a="x"} 1${shown}\n`)
  })

  it('makes a page that is right, whatever a registry answers', { timeout: 60_000 }, async () => {
    const word = fc.constantFrom(
      'a',
      'a_total',
      'b',
      'b_bucket',
      'b_sum',
      '__x',
      'x y',
      '',
      '\n',
      'le',
      'quantile',
    )
    const number = fc.oneof(fc.double(), fc.nat({ max: 3 }), fc.constantFrom(Infinity, NaN, -1), fc.string())
    const label = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }),
      fc.constantFrom('+Inf', '1', 1, '0.5', null),
    )
    const labels = fc.oneof(fc.dictionary(word, label), fc.anything())
    const exemplar = fc.record({ labelSet: labels, value: number, timestamp: number }, { requiredKeys: [] })
    const value = fc.record(
      {
        value: number,
        labels,
        metricName: fc.option(word, { nil: undefined }),
        sharedLabels: labels,
        exemplar,
      },
      { requiredKeys: ['value'] },
    )
    const type = fc.constantFrom('counter', 'gauge', 'histogram', 'summary', 'untyped', undefined)
    const foreign = fc.record({
      name: word,
      type,
      help: fc.anything(),
      values: fc.array(value, { maxLength: 6 }),
    })
    const answer = fc.oneof({ weight: 9, arbitrary: foreign }, fc.anything())
    const { metrics, sink } = attached()
    metrics.counter('a').inc()
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { maxLength: 6 }), async (answers) => {
        const unmerge = sink.mergeWith(registryOf(...answers.map((given) => ({ get: () => given }))))
        try {
          for (const format of formats) await read(sink, format)
        } finally {
          unmerge()
        }
      }),
      { numRuns: 300 * Number(process.env['KIT_FUZZ_RUNS'] ?? 1) },
    )
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  it('shows none of our own metrics a second time', async () => {
    const { metrics, sink } = attached()
    metrics.counter('jobs').inc()
    const client = clients.at(0)!.client!
    const registry = new client.Registry()
    sink.exposeIn(registry)
    const problems: MergeProblem[] = []
    sink.mergeWith(registry, { onProblem: (problem) => problems.push(problem) })
    expect((await read(sink, 'text')).map(({ name }) => name)).toEqual(['jobs_total'])
    expect(problems).toEqual([])
  })

  it('refuses what is no registry, and one that is merged', () => {
    const sink = prometheus()
    const invalid = expect.objectContaining({ code: 'KIT_METRIC_OPTION_INVALID' })
    for (const given of [undefined, null, {}, 'x']) {
      expect(() => sink.mergeWith(given as never)).toThrow(invalid)
    }
    const registry = registryOf()
    const unmerge = sink.mergeWith(registry)
    expect(() => sink.mergeWith(registry)).toThrow(invalid)
    unmerge()
    unmerge()
    sink.mergeWith(registry)
    expect(() => sink.mergeWith(registryOf(), { timeoutMs: 0 })).toThrow(invalid)
    expect(() => sink.mergeWith(registryOf(), { timeout: 1 } as never)).toThrow(
      expect.objectContaining({ code: 'KIT_METRIC_OPTION_UNKNOWN' }),
    )
  })

  it('survives a registry that throws', async () => {
    const { sink } = attached()
    sink.mergeWith({
      getMetricsAsArray() {
        throw new Error('no')
      },
    })
    expect(await sink.text()).toBe('')
  })
})
