import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { manualClock } from '@kit/context/testing'
import { PeriodicExportingMetricReader, type PushMetricExporter } from '@opentelemetry/sdk-metrics'
import { describe, expect, it, vi } from 'vitest'
import { createMetrics, type Metrics, type MetricSource } from '../../index.ts'
import { opentelemetry, redelivering, type OtelResourceMetrics } from './index.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

type Done = (result: { code: number; error?: Error }) => void

/** What was accepted of one name, in the order in which it came. */
function told(batches: readonly OtelResourceMetrics[], name: string): unknown[] {
  const metrics = batches.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
  const found = metrics.filter(({ descriptor }) => descriptor.name === name)
  return found.flatMap(({ dataPoints }) => dataPoints.map(({ value }) => value))
}

function attached(): { metrics: Metrics; sink: ReturnType<typeof opentelemetry>; source: MetricSource } {
  const metrics = createMetrics({ filter: { block: ['kit'] } })
  const sink = opentelemetry()
  metrics.attach(sink)
  let source: MetricSource | undefined
  metrics.attach({ name: 'source', start: (given) => void (source = given) })
  return { metrics, sink, source: source! }
}

describe('a redelivering exporter', () => {
  it('tells again just the part of a split batch that failed', async () => {
    const { metrics, sink } = attached()
    const accepted: OtelResourceMetrics[] = []
    let refused = 'b'
    const exporter = {
      selectAggregationTemporality: () => 0,
      forceFlush: async () => {},
      shutdown: async () => {},
      export(batch: OtelResourceMetrics, done: Done): void {
        const fails = told([batch], refused).length > 0
        if (!fails) accepted.push(batch)
        done({ code: fails ? 1 : 0 })
      },
    }
    const reader = new PeriodicExportingMetricReader({
      exporter: redelivering(exporter) as PushMetricExporter,
      exportIntervalMillis: 3_600_000,
      maxExportBatchSize: 1,
    })
    sink.connect(reader)
    const [a, b] = [metrics.counter('a'), metrics.counter('b')]
    a.inc(1)
    b.inc(2)
    await metrics.flush()
    refused = ''
    a.inc(4)
    b.inc(8)
    await metrics.flush()
    expect([told(accepted, 'a'), told(accepted, 'b')]).toEqual([[1, 4], [10]])
    await metrics.shutdown()
  })

  it.each<[what: string, codes: number[], throws: boolean, expected: number[]]>([
    ['fails twice', [1, 1], false, [7]],
    ['fails and throws', [1], true, [7]],
    ['throws', [], true, [7]],
    ['fails when it had succeeded', [0, 1], true, [4]],
  ])('heeds the first word of an export that %s', async (_name, codes, throws, expected) => {
    const { metrics, sink } = attached()
    const producer = sink.producer({ temporality: 'delta' })
    const exporter = redelivering({
      export(_batch: OtelResourceMetrics, done: Done): void {
        for (const code of codes) done({ code })
        if (throws) throw new Error('broken')
      },
    })
    const jobs = metrics.counter('jobs')
    jobs.inc(3)
    const { resourceMetrics } = await producer.collect()
    let thrown = 0
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        exporter.export(resourceMetrics, () => {})
      } catch {
        thrown++
      }
    }
    expect(thrown).toBe(throws ? 2 : 0)
    jobs.inc(4)
    expect(told([(await producer.collect()).resourceMetrics], 'jobs')).toEqual(expected)
    expect(told([(await producer.collect()).resourceMetrics], 'jobs')).toEqual([])
  })

  it('is the exporter in all other respects', () => {
    class Exporter {
      readonly name = 'theirs'
      #secret = 1
      export(_batch: OtelResourceMetrics, done: Done): void {
        done({ code: 0 })
      }
      secret(): number {
        return this.#secret++
      }
    }
    const exporter = redelivering(new Exporter())
    const done = vi.fn<Done>()
    exporter.export({ scopeMetrics: [] } as never, done)
    expect(done).toHaveBeenCalledExactlyOnceWith({ code: 0 })
    expect([exporter.name, exporter.secret(), exporter.secret()]).toEqual(['theirs', 1, 2])
    expect(exporter).toBeInstanceOf(Exporter)
  })

  it('keeps a series that expired until what failed was told again, and none for longer', async () => {
    using time = manualClock()
    const { metrics, sink, source } = attached()
    const producer = sink.producer({ temporality: 'delta' })
    let finish: Done = () => {}
    const exporter = redelivering({
      export(_batch: OtelResourceMetrics, done: Done): void {
        finish = done
      },
    })
    const series = (): readonly object[] =>
      source.instruments().flatMap<object>((instrument) => instrument.series())
    metrics.counter('jobs', { labels: ['id'], ttlMs: 100 }).inc({ id: 1 }, 3)
    const cell = new WeakRef(series().at(0)!)
    const send = async (): Promise<void> =>
      exporter.export((await producer.collect()).resourceMetrics, () => {})
    await send()
    time.advance(1000)
    expect(series()).toEqual([])
    await producer.collect()
    finish({ code: 1 })
    finish = () => {}
    await new Promise(setImmediate)
    collectGarbage()
    expect(told([(await producer.collect()).resourceMetrics], 'jobs')).toEqual([3])
    await producer.collect()
    await new Promise(setImmediate)
    collectGarbage()
    expect(cell.deref()).toBeUndefined()
  })
})
