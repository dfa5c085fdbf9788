import { ok } from 'node:assert/strict'
import { AggregationTemporality, InstrumentType, MetricReader } from '@opentelemetry/sdk-metrics'
import { manualClock } from '@kit/context/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createMetrics, type Metrics } from '../../index.ts'
import { sinkConformance, type SinkHarness } from '../../testing/index.ts'
import { hrTime } from './data.ts'
import {
  opentelemetry,
  type OpenTelemetryOptions,
  type OtelCollectionResult,
  type OtelExponentialHistogram,
  type OtelMetricData,
  type OtelMetricProducer,
  type ProducerOptions,
} from './index.ts'

/** A reader that adds up what it is told, as a back end does. */
class Backend extends MetricReader {
  readonly told = new Map<string, number | { count: number; sum: number }>()
  shutdowns = 0

  constructor(temporality: AggregationTemporality) {
    super({ aggregationTemporalitySelector: () => temporality })
  }

  async onForceFlush(): Promise<void> {
    const { resourceMetrics, errors } = await this.collect()
    ok(errors.length === 0, String(errors[0]))
    for (const metric of resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)) {
      for (const point of metric.dataPoints) {
        const key = keyOf(metric.descriptor.name, point.attributes)
        const adds = metric.aggregationTemporality === AggregationTemporality.DELTA
        this.told.set(key, added(adds ? this.told.get(key) : undefined, point.value))
      }
    }
  }

  async onShutdown(): Promise<void> {
    this.shutdowns++
    await this.onForceFlush()
  }
}

type Value = number | { count: number; sum?: number }

function added(before: Value | undefined, now: Value): number | { count: number; sum: number } {
  if (typeof now === 'number') return now + (typeof before === 'number' ? before : 0)
  const { count = 0, sum = 0 } = typeof before === 'object' ? before : {}
  return { count: count + now.count, sum: sum + (now.sum ?? 0) }
}

function keyOf(name: string, labels: object): string {
  const pairs = Object.entries(labels).map(([label, value]) => [label, String(value)])
  return JSON.stringify([name, ...pairs.toSorted(([a], [b]) => (a! < b! ? -1 : 1))])
}

function harness(temporality: AggregationTemporality): SinkHarness {
  const sink = opentelemetry()
  const backend = sink.connect(new Backend(temporality))
  return { sink, read: async ({ name, labels }) => backend.told.get(keyOf(name, labels)) }
}

describe.each([
  ['cumulative', AggregationTemporality.CUMULATIVE],
  ['delta', AggregationTemporality.DELTA],
])('conformance, %s', (_name, temporality) => {
  it.each(sinkConformance(() => harness(temporality)))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

function attached(options?: ProducerOptions): { metrics: Metrics; producer: OtelMetricProducer } {
  const metrics = createMetrics({ filter: { block: ['kit'] } })
  const sink = opentelemetry()
  metrics.attach(sink)
  return { metrics, producer: sink.producer(options) }
}

async function collected(producer: OtelMetricProducer): Promise<OtelMetricData[]> {
  const { resourceMetrics, errors } = await producer.collect()
  expect(errors).toEqual([])
  return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics)
}

async function values(producer: OtelMetricProducer, name: string): Promise<unknown[]> {
  const metrics = await collected(producer)
  const found = metrics.filter(({ descriptor }) => descriptor.name === name)
  return found.flatMap(({ dataPoints }) => dataPoints.map(({ value }) => value))
}

describe('a collection', () => {
  it('is what the SDK makes of its own instruments', async () => {
    using time = manualClock()
    const { metrics, producer } = attached({ temporality: 'delta' })
    const start = hrTime(time.wallTime())
    metrics.counter('jobs', { labels: ['queue', 'kind'], unit: '{job}', help: 'Jobs.' }).inc({
      queue: 'mail',
      kind: '',
    })
    metrics.gauge('level').set(-2)
    metrics.histogram('took', { unit: 's', buckets: [1] }).observe(2)
    time.advance(1500)
    const { resourceMetrics, errors } = await producer.collect({ timeoutMillis: 1 })
    const end = hrTime(time.wallTime())
    expect(errors).toEqual([])
    expect(resourceMetrics.resource.attributes).toMatchObject({
      'service.name': expect.stringMatching(/^unknown_service:./),
    })
    expect(resourceMetrics.scopeMetrics).toEqual([
      {
        scope: { name: '@kit/metrics', version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
        metrics: [
          {
            descriptor: { name: 'jobs', description: 'Jobs.', unit: '{job}', valueType: 1 },
            aggregationTemporality: 0,
            dataPointType: 3,
            isMonotonic: true,
            dataPoints: [{ startTime: start, endTime: end, attributes: { queue: 'mail' }, value: 1 }],
          },
          {
            descriptor: { name: 'level', description: '', unit: '', valueType: 1 },
            aggregationTemporality: 1,
            dataPointType: 2,
            dataPoints: [{ startTime: start, endTime: end, attributes: {}, value: -2 }],
          },
          {
            descriptor: { name: 'took', description: '', unit: 's', valueType: 1 },
            aggregationTemporality: 0,
            dataPointType: 0,
            dataPoints: [
              {
                startTime: start,
                endTime: end,
                attributes: {},
                value: { buckets: { boundaries: [1], counts: [0, 1] }, count: 1, sum: 2 },
              },
            ],
          },
        ],
      },
    ])
  })

  it('asks the observables, and takes totals that fall for new ones', async () => {
    using time = manualClock()
    const { metrics, producer } = attached()
    let total = 10
    metrics.observable('seen', { kind: 'counter' }, () => total)
    metrics.observable('level', {}, () => total)
    const point = async (): Promise<unknown> => (await collected(producer)).at(0)!.dataPoints[0]
    const before = hrTime(time.wallTime())
    expect(await point()).toMatchObject({ startTime: before, value: 10 })
    time.advance(1000)
    total = 12
    const middle = hrTime(time.wallTime())
    expect(await point()).toMatchObject({ startTime: before, endTime: middle, value: 12 })
    time.advance(1000)
    total = 3
    expect(await point()).toMatchObject({ startTime: middle, value: 3 })
    expect(await values(producer, 'level')).toEqual([3])
  })

  it('reports a reset of an observed total as a difference, too', async () => {
    const { metrics, producer } = attached({ temporality: 'delta' })
    let total = 10
    metrics.observable('seen', { kind: 'counter' }, () => total)
    expect(await values(producer, 'seen')).toEqual([10])
    expect(await values(producer, 'seen')).toEqual([])
    total = 4
    expect(await values(producer, 'seen')).toEqual([4])
    total = 5
    expect(await values(producer, 'seen')).toEqual([1])
  })

  it('never rejects: what went wrong is among the errors', async () => {
    const sink = opentelemetry()
    const producer = sink.producer()
    const detached = expect.objectContaining({ code: 'KIT_METRIC_SINK_DETACHED' })
    expect(await producer.collect()).toMatchObject({
      resourceMetrics: { scopeMetrics: [] },
      errors: [detached],
    })
    const broken = new Error('broken')
    const sound = { kind: 'gauge', name: 'g', unit: '', help: '', labelNames: [] } as const
    sink.start({
      collect() {},
      ended: false,
      generation: 0,
      tap: () => () => {},
      drop() {},
      instruments: () => [
        {
          ...sound,
          series() {
            throw broken
          },
        },
        { ...sound, series: () => [{ labelValues: [], startTime: 0, value: 7 }] },
      ],
    })
    const { resourceMetrics, errors } = await producer.collect()
    expect(errors).toEqual([broken])
    expect(
      resourceMetrics.scopeMetrics.at(0)!.metrics.map(({ dataPoints }) => dataPoints.at(0)!.value),
    ).toEqual([7])
  })

  it('shows no labels, series or instruments that a filter hides, but tells what they had left', async () => {
    const { metrics, producer } = attached({ temporality: 'delta' })
    const jobs = metrics.counter('jobs')
    jobs.inc()
    expect(await values(producer, 'jobs')).toEqual([1])
    jobs.inc(2)
    metrics.updateFilter({ block: ['kit', 'jobs'] })
    jobs.inc(100)
    expect(await values(producer, 'jobs')).toEqual([2])
    expect(await values(producer, 'jobs')).toEqual([])
    metrics.updateFilter({ block: ['kit'] })
    jobs.inc(3)
    expect(await values(producer, 'jobs')).toEqual([3])
  })

  it('says which extremes fell into an interval, and no others', async () => {
    const { metrics, producer } = attached({ temporality: 'delta' })
    const sizes = metrics.histogram('sizes', { native: true, buckets: [10] })
    const classic = metrics.histogram('classic', { buckets: [10] })
    const extremes: unknown[] = []
    for (const [one, other] of [
      [5, 7],
      [6, 6],
      [4, 6],
      [5, 9],
    ] as const) {
      for (const histogram of [sizes, classic]) {
        histogram.observe(one)
        histogram.observe(other)
      }
      const points = (await collected(producer)).map(({ dataPoints }) => dataPoints.at(0)!.value)
      const { min, max } = points.at(0) as OtelExponentialHistogram
      extremes.push([min, max])
      expect(points.at(1)).not.toHaveProperty('min')
    }
    expect(extremes).toEqual([
      [5, 7],
      [undefined, undefined],
      [4, undefined],
      [undefined, 9],
    ])
  })

  it('has exponential histograms with the declared buckets when asked, and sums only where they cannot fall', async () => {
    const metrics = createMetrics({ filter: { block: ['kit'] } })
    const sink = opentelemetry()
    metrics.attach(sink)
    const sizes = metrics.histogram('sizes', { native: true, buckets: [-1, 2] })
    sizes.observe(-3)
    sizes.observe(2)
    const [native, classic] = await Promise.all([
      values(sink.producer(), 'sizes'),
      values(sink.producer({ buckets: 'classic' }), 'sizes'),
    ])
    expect(classic).toEqual([
      { buckets: { boundaries: [-1, 2], counts: [1, 1, 0] }, count: 2, min: -3, max: 2 },
    ])
    expect(native).toEqual([
      {
        count: 2,
        min: -3,
        max: 2,
        scale: 20,
        zeroCount: 0,
        positive: { offset: 2 ** 20 - 1, bucketCounts: [1] },
        negative: { offset: Math.ceil(Math.log2(3) * 2 ** 20) - 1, bucketCounts: [1] },
      },
    ])
  })
})

describe('the end', () => {
  it('of the metrics leaves the final numbers to be collected', async () => {
    const { metrics, producer } = attached({ temporality: 'delta' })
    const jobs = metrics.counter('jobs')
    jobs.inc()
    const shutdown = metrics.shutdown()
    jobs.inc(100)
    await shutdown
    expect(await values(producer, 'jobs')).toEqual([1])
    expect(await values(producer, 'jobs')).toEqual([])
  })

  it('of the attachment leaves what was due then to one more collection', async () => {
    const metrics = createMetrics()
    const sink = opentelemetry()
    const detach = metrics.attach(sink)
    const producer = sink.producer({ temporality: 'delta' })
    const jobs = metrics.counter('jobs')
    jobs.inc()
    await values(producer, 'jobs')
    jobs.inc(2)
    await detach()
    jobs.inc(100)
    expect(await values(producer, 'jobs')).toEqual([2])
    expect((await producer.collect()).errors).toEqual([
      expect.objectContaining({ code: 'KIT_METRIC_SINK_DETACHED' }),
    ])
    expect(() => sink.connect(new Backend(AggregationTemporality.DELTA))).toThrow(
      expect.objectContaining({ code: 'KIT_METRIC_SINK_DETACHED' }),
    )
  })

  it('shuts connected readers down, and only flushes what else is to be flushed', async () => {
    const metrics = createMetrics()
    const sink = opentelemetry()
    const detach = metrics.attach(sink)
    const backend = sink.connect(new Backend(AggregationTemporality.DELTA))
    const forceFlush = vi.fn<(options?: { timeoutMillis?: number }) => Promise<void>>(async () => {})
    sink.flushWith({ forceFlush })
    await metrics.flush(50)
    expect(forceFlush).toHaveBeenLastCalledWith({ timeoutMillis: 50 })
    await metrics.flush(Infinity)
    expect(forceFlush).toHaveBeenLastCalledWith({})
    expect(backend.shutdowns).toBe(0)
    await detach()
    expect([backend.shutdowns, forceFlush.mock.calls.length]).toEqual([1, 3])
  })

  it('is reached by all readers, even if one fails', async () => {
    const metrics = createMetrics()
    const sink = opentelemetry()
    metrics.attach(sink)
    const failing = new Backend(AggregationTemporality.DELTA)
    failing.forceFlush = async () => Promise.reject(new Error('no'))
    sink.connect(failing)
    const backend = sink.connect(new Backend(AggregationTemporality.DELTA))
    metrics.counter('jobs').inc(3)
    await metrics.flush()
    await metrics.shutdown()
    expect(backend.told.get(keyOf('jobs', {}))).toBe(3)
    const errors = metrics.snapshot().metrics.find(({ name }) => name === 'kit.metrics.sink.errors')
    expect(errors!.series).toContainEqual(
      expect.objectContaining({ labels: { sink: 'opentelemetry', operation: 'flush' }, value: 2 }),
    )
  })

  it('waits for those that take their time, when another has failed', async () => {
    const metrics = createMetrics()
    const sink = opentelemetry()
    const detach = metrics.attach(sink)
    const failing = sink.connect(new Backend(AggregationTemporality.DELTA))
    failing.forceFlush = failing.shutdown = async () => Promise.reject(new Error('no'))
    const backend = sink.connect(new Backend(AggregationTemporality.DELTA))
    const shutdown = backend.shutdown.bind(backend)
    backend.forceFlush = async () => {}
    backend.shutdown = async () => {
      await new Promise(setImmediate)
      await shutdown()
    }
    metrics.counter('jobs').inc(3)
    await detach()
    expect(backend.told.get(keyOf('jobs', {}))).toBe(3)
  })
})

describe('setting up', () => {
  afterEach(() => void vi.unstubAllEnvs())

  async function read(options?: OpenTelemetryOptions): Promise<OtelCollectionResult> {
    const sink = opentelemetry(options)
    createMetrics().attach(sink)
    return sink.producer().collect()
  }

  it('takes the resource from the environment, and from code before that', async () => {
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'service.name=a, deployment.environment.name = b%2Cc%3D ,')
    const attributes = async (options?: OpenTelemetryOptions): Promise<unknown> =>
      (await read(options)).resourceMetrics.resource.attributes
    const environment = { 'deployment.environment.name': 'b,c=' }
    expect(await attributes()).toEqual({ ...environment, 'service.name': 'a' })
    vi.stubEnv('OTEL_SERVICE_NAME', 'b')
    expect(await attributes()).toEqual({ ...environment, 'service.name': 'b' })
    expect(await attributes({ resource: { 'service.name': 'c', 'host.cpus': 4 } })).toEqual({
      ...environment,
      'service.name': 'c',
      'host.cpus': 4,
    })
    const given = { attributes: { x: 1 }, getRawAttributes: () => [] }
    expect((await read({ resource: given })).resourceMetrics.resource).toBe(given)
  })

  it('takes attributes of any name from the environment', async () => {
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', '__proto__=a,constructor=b')
    const { attributes } = (await read()).resourceMetrics.resource
    expect(Object.entries(attributes).slice(1)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ])
  })

  it.each(['a', '=b', 'a=b=c', 'a=%', 'x=y,a'])('ignores a malformed environment: %s', async (text) => {
    vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', text)
    const { resourceMetrics, errors } = await read()
    expect(Object.keys(resourceMetrics.resource.attributes)).toEqual(['service.name'])
    expect(errors).toEqual([expect.objectContaining({ code: 'KIT_METRIC_OPTION_INVALID' })])
  })

  it('refuses what makes no sense', () => {
    const sink = opentelemetry()
    const invalid = expect.objectContaining({ code: 'KIT_METRIC_OPTION_INVALID' })
    const unknown = expect.objectContaining({ code: 'KIT_METRIC_OPTION_UNKNOWN' })
    for (const resource of [null, 'shop', ['a'], { a: null }, { a: NaN }, { a: [1] }]) {
      expect(() => opentelemetry({ resource: resource as never }), JSON.stringify(resource)).toThrow(invalid)
    }
    for (const temporality of [0, 'lowmemory', null, { selectAggregationTemporality: () => 2 }]) {
      expect(() => sink.producer({ temporality: temporality as never })).toThrow(invalid)
    }
    expect(() => sink.producer({ buckets: 'both' as never })).toThrow(invalid)
    expect(() => sink.producer({ temporalty: 'delta' } as never)).toThrow(unknown)
    expect(() => opentelemetry({ resources: {} } as never)).toThrow(unknown)
  })

  it('leaves nothing of a reader that is bound already', async () => {
    const [one, other] = [opentelemetry(), opentelemetry()]
    const backend = one.connect(new Backend(AggregationTemporality.DELTA))
    const metrics = createMetrics()
    metrics.attach(other)
    expect(() => other.connect(backend)).toThrow(/bound/)
    await metrics.shutdown()
    expect(backend.shutdowns).toBe(0)
  })

  it('asks a reader for the types of instruments that there are, and takes one that does not say as the SDK does', async () => {
    const asked: string[] = []
    opentelemetry().producer({
      temporality: {
        selectAggregationTemporality(type) {
          asked.push(type)
          return 1
        },
      },
    })
    expect(asked).toEqual([InstrumentType.COUNTER, InstrumentType.HISTOGRAM])
    const { metrics, producer } = attached({ temporality: {} })
    metrics.counter('jobs').inc()
    expect((await collected(producer)).at(0)!.aggregationTemporality).toBe(AggregationTemporality.CUMULATIVE)
  })
})

describe('times', () => {
  it.each<[number, [number, number]]>([
    [0, [0, 0]],
    [1_500, [1, 500_000_000]],
    [1_767_225_600_123.25, [1_767_225_600, 123_250_000]],
    [999.9999999, [1, 0]],
  ])('%d ms', (milliseconds, time) => {
    expect(hrTime(milliseconds)).toEqual(time)
  })
})
