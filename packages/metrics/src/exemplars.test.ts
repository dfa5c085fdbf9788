import { current, background, createKey, run } from '@kit/context'
import { ContextManager, kitContext, otelContext } from '@kit/context/opentelemetry'
import { manualClock, type ManualClock } from '@kit/context/testing'
import { context, trace, TraceFlags, type ContextManager as OtelContextManager } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMetrics, type HistogramSpec, type MetricSource, type MetricsOptions } from './index.ts'

let time: ManualClock

beforeEach(() => {
  time = manualClock(1000)
})

afterEach(() => {
  time[Symbol.dispose]()
  context.disable()
})

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const span = (traceFlags: TraceFlags) => trace.wrapSpanContext({ traceId, spanId, traceFlags })

/** A histogram with the bounds 1 and 2, and what is the exemplar of each of its buckets. */
function histogram(
  options?: MetricsOptions,
  spec?: HistogramSpec,
): { observe: (value: number) => void; exemplars: () => unknown[] } {
  const metrics = createMetrics(options)
  let source: MetricSource | undefined
  metrics.attach({ name: 'look', start: (given) => void (source = given) })
  const instrument = metrics.histogram('h', { buckets: [1, 2], ...spec })
  return {
    observe: (value) => instrument.observe(value),
    exemplars: () => {
      const found = source?.instruments().find(({ name }) => name === 'h')
      const [series] = found?.kind === 'histogram' ? found.series() : []
      return [0, 1, 2].map((index) => series?.exemplar(index))
    },
  }
}

describe('exemplars', () => {
  it('are not kept unless asked for', () => {
    const { observe, exemplars } = histogram()
    const ctx = trace.setSpan(otelContext(background), span(TraceFlags.SAMPLED))
    run(kitContext(ctx), () => observe(1))
    expect(exemplars()).toEqual([undefined, undefined, undefined])
  })

  it.each<[string, MetricsOptions | undefined, HistogramSpec | undefined]>([
    ['all histograms', { exemplars: true }, undefined],
    ['one', undefined, { exemplars: true }],
  ])('of %s are the latest observations within a sampled span, by bucket', (_name, options, spec) => {
    const { observe, exemplars } = histogram(options, spec)
    const sampled = kitContext(trace.setSpan(otelContext(background), span(TraceFlags.SAMPLED)))
    observe(0.5)
    run(kitContext(trace.setSpan(otelContext(background), span(TraceFlags.NONE))), () => observe(1.5))
    expect(exemplars()).toEqual([undefined, undefined, undefined])
    run(sampled.withCancel(), () => observe(0.25))
    time.advance(5)
    run(sampled, () => [1, 9].map(observe))
    observe(0.75)
    const exemplar = { time: time.wallTime(), traceId, spanId }
    expect(exemplars()).toEqual([{ ...exemplar, value: 1 }, undefined, { ...exemplar, value: 9 }])
  })

  it.each<[string, OtelContextManager, TraceFlags]>([
    ['the kit’s context manager', new ContextManager(), TraceFlags.SAMPLED],
    [
      'another context manager',
      {
        active: () => trace.setSpan(otelContext(background), span(TraceFlags.SAMPLED)),
        with: () => undefined as never,
        bind: <T>(_: unknown, target: T) => target,
        enable() {
          return this
        },
        disable() {
          return this
        },
      },
      TraceFlags.NONE,
    ],
  ])('come from the span that %s has', (_name, manager, flags) => {
    context.setGlobalContextManager(manager.enable())
    const { observe, exemplars } = histogram({ exemplars: true })
    run(kitContext(trace.setSpan(otelContext(current()), span(flags))), () => observe(1))
    expect(exemplars()[0]).toMatchObject({ traceId, spanId })
  })

  it('come from a function of the user, whatever it returns or throws', () => {
    const key = createKey<unknown>('trace')
    const { observe, exemplars } = histogram({
      exemplars: (ctx) => {
        const found = ctx.value(key)
        if (found instanceof Error) throw found
        return found as never
      },
    })
    const hostile = [
      undefined,
      null,
      5,
      {},
      new Error('x'),
      { traceId: 'a"b\n', spanId },
      { traceId, spanId: 7 },
    ]
    for (const value of hostile) run(background.withValue(key, value), () => observe(1))
    expect(exemplars()).toEqual([undefined, undefined, undefined])
    run(background.withValue(key, { traceId, spanId }), () => observe(1))
    expect(exemplars()[0]).toMatchObject({ traceId, spanId, value: 1 })
  })

  it('are refused by a histogram that asks for none', () => {
    const { observe, exemplars } = histogram({ exemplars: () => ({ traceId, spanId }) }, { exemplars: false })
    observe(1)
    expect(exemplars()).toEqual([undefined, undefined, undefined])
  })
})
