import { AsyncLocalStorage } from 'node:async_hooks'
import { background, createKey, current, run } from '@kit/context'
import type { Context } from '@kit/context'
import { ContextManager, otelContext } from '@kit/context/opentelemetry'
import { manualClock } from '@kit/context/testing'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import type { Context as OtelContext, ContextManager as OtelContextManager } from '@opentelemetry/api'
import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { observe } from './observe.ts'
import { readingsOf } from './testing/readings.ts'
import { withMetrics } from './with-metrics.ts'

/** A manager that knows nothing of the kit, as that of OpenTelemetry's SDK. */
class ForeignManager implements OtelContextManager {
  readonly #storage = new AsyncLocalStorage<OtelContext>()
  active(): OtelContext {
    return this.#storage.getStore() ?? ROOT_CONTEXT
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    entered: OtelContext,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(entered, () => fn.call(thisArg as ThisParameterType<F>, ...args))
  }
  bind<T>(_context: OtelContext, target: T): T {
    return target
  }
  enable(): this {
    return this
  }
  disable(): this {
    return this
  }
}

const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
const lines = memoryDestination()
const log = createLogger({ destination: lines, level: 'debug' })
let metrics = createMetrics()

beforeEach(() => {
  metrics = createMetrics()
  exporter.reset()
  lines.clear()
})
afterEach(() => {
  trace.disable()
  context.disable()
})

function spans() {
  return exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    parent: span.parentSpanContext?.spanId,
    id: span.spanContext().spanId,
    attributes: span.attributes,
    status: span.status,
    events: span.events.length,
  }))
}

const managers: [string, () => OtelContextManager | undefined][] = [
  ["the kit's manager", () => new ContextManager().enable()],
  ['another manager', () => new ForeignManager()],
  ['no manager', () => undefined],
]

describe.each(managers)('with %s', (_name, makeManager) => {
  beforeEach(() => {
    const manager = makeManager()
    if (manager !== undefined) context.setGlobalContextManager(manager)
    trace.setGlobalTracerProvider(provider)
  })

  it('a call is a span, and calls within are its children', async () => {
    const inner = observe('inner', async () => 1, { metrics, log: false })
    const outer = observe('outer', async () => (await Promise.resolve(), await inner()), {
      metrics,
      log: false,
    })
    await outer()
    const [first, second] = spans()
    expect(first).toMatchObject({ name: 'inner', parent: second?.id })
    expect(second).toMatchObject({ name: 'outer', parent: undefined })
    expect(second?.attributes).toEqual({ 'code.function.name': 'outer', outcome: 'ok' })
  })

  it('the context that a function is given is the one of its span, and so is the ambient one', () => {
    const key = createKey('key', 'none')
    const ctx = background.withValue(key, 'given')
    const fn = observe(
      'f',
      (given: Context) => [given.value(key), given === current(), trace.getSpan(otelContext(given))],
      { metrics, log: false },
    )
    const [value, isAmbient, span] = fn(ctx)
    expect([value, isAmbient]).toEqual(['given', true])
    expect((span as ReturnType<typeof trace.getSpan>)?.spanContext().spanId).toBe(spans()[0]?.id)
    expect(current()).toBe(background)
  })

  it('the span is the active one of OpenTelemetry, where something keeps that, across awaits', async () => {
    const seen: (string | undefined)[] = []
    const look = (): unknown => seen.push(trace.getActiveSpan()?.spanContext().spanId)
    const fn = observe(
      'f',
      async () => {
        look()
        await Promise.resolve()
        look()
      },
      { metrics, log: false },
    )
    await fn()
    look()
    const id = makeManager() === undefined ? undefined : spans()[0]?.id
    expect(seen).toEqual([id, id, undefined])
  })

  it('a context that is passed by hand alone carries the parent', () => {
    const inner = observe('inner', (_ctx: Context) => 1, { metrics, log: false })
    const outer = observe('outer', (ctx: Context) => run(background, () => inner(ctx)), {
      metrics,
      log: false,
    })
    outer(background)
    const [first, second] = spans()
    expect(first?.parent).toBe(second?.id)
  })

  it('span, metric and line say the same', async () => {
    const canceled = background.withCancel()
    canceled.cancel('gone')
    const late = background.withTimeout(0)
    const fn = observe(
      'f',
      async (_ctx: Context, thrown: unknown) => {
        if (thrown !== undefined) throw thrown
      },
      { metrics, log, labels: () => ({ region: 'eu' }) },
    )
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    await fn(background, undefined)
    for (const thrown of [refused, canceled.err, late.err])
      await expect(fn(background, thrown)).rejects.toBe(thrown)
    const ended = lines.records.filter(({ msg }) => msg !== 'call started')
    const told = spans().map(({ attributes, id }) => [attributes['outcome'], attributes['error.type'], id])
    expect(told).toEqual(ended.map((line) => [line['outcome'], line['errorType'], line['spanId']]))
    expect(told.map(([outcome, type]) => [outcome, type])).toEqual([
      ['ok', undefined],
      ['error', 'ECONNREFUSED'],
      ['canceled', undefined],
      ['deadline', 'deadline_exceeded'],
    ])
    expect(readingsOf(metrics, 'f')).toMatchObject({
      calls: { ok: 1, error: 1, canceled: 1, deadline: 1 },
      errors: { ECONNREFUSED: 1, deadline_exceeded: 1 },
    })
    expect(spans().map(({ status, events }) => [status, events])).toEqual([
      [{ code: SpanStatusCode.UNSET }, 0],
      [{ code: SpanStatusCode.ERROR, message: 'connect' }, 0],
      [{ code: SpanStatusCode.UNSET }, 0],
      [{ code: SpanStatusCode.ERROR, message: late.err?.message }, 0],
    ])
    expect(spans()[0]?.attributes['region']).toBe('eu')
  })

  it('the steps of a generator belong to its span, and the span ends with it', async () => {
    const inner = observe('inner', () => 1, { metrics, log: false })
    const fn = observe(
      'f',
      async function* () {
        yield inner()
        yield inner()
      },
      { metrics, log: false },
    )
    const generator = fn()
    expect(spans()).toEqual([])
    for await (const _ of generator) await Promise.resolve()
    const [first, second, third] = spans()
    expect([first?.name, second?.name, third?.name]).toEqual(['inner', 'inner', 'f'])
    expect([first?.parent, second?.parent]).toEqual([third?.id, third?.id])
  })

  it('a deadline and a span share one context', () => {
    const clock = manualClock()
    const fn = observe('f', () => [current().deadline, trace.getSpan(otelContext(current())) !== undefined], {
      metrics,
      log: false,
      timeoutMs: 100,
    })
    expect(fn()).toEqual([100, true])
    clock[Symbol.dispose]()
  })
})

it('a span and baggage of OpenTelemetry alone are taken over', () => {
  context.setGlobalContextManager(new ForeignManager())
  trace.setGlobalTracerProvider(provider)
  const tracer = trace.getTracer('test')
  const fn = observe('f', () => propagation.getBaggage(context.active())?.getEntry('tenant')?.value, {
    metrics,
    log: false,
  })
  const parent = tracer.startSpan('parent')
  const baggage = propagation.createBaggage({ tenant: { value: 'acme' } })
  const active = propagation.setBaggage(trace.setSpan(ROOT_CONTEXT, parent), baggage)
  expect(context.with(active, fn)).toBe('acme')
  expect(spans()[0]?.parent).toBe(parent.spanContext().spanId)
})

it('a provider that is registered after the function was wrapped and called counts from then on, until it is gone', () => {
  const fn = observe('f', () => current(), { metrics, log: false })
  expect(fn()).toBe(background)
  trace.setGlobalTracerProvider(provider)
  fn()
  expect(spans()).toHaveLength(1)
  trace.disable()
  fn()
  expect(spans()).toHaveLength(1)
  trace.setGlobalTracerProvider(provider)
  fn()
  expect(spans()).toHaveLength(2)
})

it('there is no span where none is asked for', () => {
  trace.setGlobalTracerProvider(provider)
  observe('a', () => 1, { metrics, log: false, span: false })()
  withMetrics('b', () => 1, { metrics })()
  expect(spans()).toEqual([])
  withMetrics('c', () => 1, { metrics, span: true })()
  expect(spans()).toHaveLength(1)
})

it('a tracer that fails costs the span alone', () => {
  const broken = {
    getTracer: () => ({ startSpan: () => ({ spanContext: fail, isRecording: fail, end: fail }) }),
  }
  function fail(): never {
    throw new Error('broken')
  }
  trace.setGlobalTracerProvider(broken as never)
  expect(observe('f', () => 1, { metrics, log })()).toBe(1)
  trace.disable()
  trace.setGlobalTracerProvider({ getTracer: fail })
  expect(observe('f', () => 1, { metrics, log })()).toBe(1)
  expect(readingsOf(metrics, 'f').calls).toEqual({ ok: 2 })
})
