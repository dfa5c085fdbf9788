import { ContextManager } from '@kit/context/opentelemetry'
import { context, trace } from '@opentelemetry/api'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createMetrics, type Metrics, type MetricsOptions } from '../../index.ts'
import { parseExposition, type ExpositionExemplar } from '../../testing/index.ts'
import { prometheus, type PrometheusSink } from './index.ts'
import { exemplarText } from './text.ts'

const openMetrics = 'application/openmetrics-text'
const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'

function attached(options: MetricsOptions): { metrics: Metrics; sink: PrometheusSink } {
  const metrics = createMetrics(options)
  const sink = prometheus()
  metrics.attach(sink)
  return { metrics, sink }
}

/** By the bound of the bucket; 'none' where there is none. */
async function exemplars(sink: PrometheusSink, name: string): Promise<Map<string, ExpositionExemplar>> {
  const page = parseExposition(await sink.text(openMetrics), 'openmetrics')
  const family = page.find((candidate) => candidate.name === name)!
  return new Map(
    family.samples.flatMap(({ labels, exemplar }) =>
      exemplar === undefined ? [] : [[labels['le'] ?? 'none', exemplar]],
    ),
  )
}

describe('exemplars', () => {
  it('stand on the lines of their buckets, and nowhere else', async () => {
    const before = Date.now()
    const { metrics, sink } = attached({ exemplars: () => ({ traceId, spanId }) })
    const histogram = metrics.histogram('took', { unit: 's', buckets: [1, 2], labels: ['a'] })
    histogram.observe({ a: 'x # {y} 1' }, 1.5)
    histogram.observe({ a: 'x # {y} 1' }, 7)
    const page = await sink.text(openMetrics)
    const [first, second, third] = page.split('\n').filter((line) => line.startsWith('took_seconds_bucket'))
    expect(first).toBe('took_seconds_bucket{a="x # {y} 1",le="1.0"} 0')
    const start = `took_seconds_bucket{a="x # {y} 1",le="2.0"} 1 # {trace_id="${traceId}",span_id="${spanId}"} 1.5 `
    expect(second?.slice(0, start.length)).toBe(start)
    expect(third).toMatch(/le="\+Inf"\} 2 # \{trace_id="[0-9a-f]{32}",span_id="[0-9a-f]{16}"\} 7 [\d.]+$/)
    const found = await exemplars(sink, 'took_seconds')
    expect([...found.keys()]).toEqual(['2.0', '+Inf'])
    const { timestamp } = found.get('2.0')!
    expect(timestamp! * 1000).toBeGreaterThanOrEqual(before)
    expect(timestamp! * 1000).toBeLessThanOrEqual(Date.now())
    expect(await sink.text()).not.toContain(traceId)
    parseExposition(await sink.text())
  })

  it('follow the latest observation, though nothing else of the line changes', async () => {
    let span = spanId
    const { metrics, sink } = attached({ exemplars: () => ({ traceId, spanId: span }) })
    const histogram = metrics.histogram('h', { buckets: [1, 10] })
    histogram.observe(5)
    const shown = async (): Promise<unknown> => (await exemplars(sink, 'h')).get('10.0')!.labels['span_id']
    expect(await shown()).toBe(spanId)
    span = 'ffffffffffffffff'
    histogram.observe(6)
    expect(await shown()).toBe(span)
  })

  it('are missing where spans are not what they should be', async () => {
    const spans: unknown[] = [undefined, null, {}, { traceId: 'x"} 1', spanId }, { traceId, spanId: 7 }]
    const { metrics, sink } = attached({ exemplars: () => spans.pop() as never })
    const histogram = metrics.histogram('h', { buckets: [1] })
    while (spans.length > 0) histogram.observe(1)
    expect((await exemplars(sink, 'h')).size).toBe(0)
  })

  it('are each the latest of their bucket, whatever was observed', async () => {
    const hex = (length: number): fc.Arbitrary<string> =>
      fc.string({
        unit: fc.constantFrom(...'0123456789abcdef'.split('')),
        minLength: length,
        maxLength: length,
      })
    const observation = fc.record({
      value: fc.oneof(fc.double({ min: 0, max: 1e300, noNaN: true }), fc.constantFrom(0, -0, 0.5, 1, 1000)),
      span: fc.option(fc.record({ traceId: hex(32), spanId: hex(16) }), { nil: undefined }),
    })
    const bounds = [0.5, 1, 1000]
    await fc.assert(
      fc.asyncProperty(fc.array(observation, { maxLength: 20 }), async (observations) => {
        let span: { traceId: string; spanId: string } | undefined
        const { metrics, sink } = attached({ exemplars: () => span })
        const histogram = metrics.histogram('h', { buckets: bounds })
        const expected = new Map<string, unknown>()
        for (const { value, span: one } of observations) {
          span = one
          histogram.observe(value)
          if (one === undefined) continue
          const bound = bounds.find((candidate) => value <= candidate)
          const le = bound === undefined ? '+Inf' : bound === 0.5 ? '0.5' : `${bound}.0`
          expected.set(le, [one.traceId, one.spanId, value + 0])
        }
        const found = [...(await exemplars(sink, 'h'))].map(([le, { labels, value }]) => [
          le,
          [labels['trace_id'], labels['span_id'], value],
        ])
        expect(new Map(found as [string, unknown][])).toEqual(expected)
      }),
      { numRuns: 100 },
    )
  })
})

describe('exemplars of OpenTelemetry', () => {
  afterEach(() => {
    context.disable()
  })

  it('come from the sampled span that is active', async () => {
    context.setGlobalContextManager(new ContextManager().enable())
    const { metrics, sink } = attached({ exemplars: true })
    const histogram = metrics.histogram('h', { buckets: [1, 2, 3] })
    const within = (traceFlags: number, value: number): void => {
      const span = trace.wrapSpanContext({ traceId, spanId, traceFlags })
      context.with(trace.setSpan(context.active(), span), () => histogram.observe(value))
    }
    within(1, 0.5)
    within(0, 1.5)
    histogram.observe(2.5)
    const found = await exemplars(sink, 'h')
    expect([...found].map(([le, { labels, value }]) => [le, labels, value])).toEqual([
      ['1.0', { trace_id: traceId, span_id: spanId }, 0.5],
    ])
  })
})

describe('the text of an exemplar', () => {
  it('is left out when its labels have more than 128 characters together', () => {
    expect(exemplarText([['a', '🦊'.repeat(127)]], 1, undefined)).toBe(` # {a="${'🦊'.repeat(127)}"} 1`)
    expect(exemplarText([['a', 'x'.repeat(128)]], 1, undefined)).toBe('')
    expect(exemplarText([], Infinity, 1500)).toBe(' # {} +Inf 1.5')
  })
})
