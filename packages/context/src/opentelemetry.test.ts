import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter, once } from 'node:events'
import type * as Http from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Context as OtelContext } from '@opentelemetry/api'
import { context, createContextKey, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Context } from './index.ts'
import { background, bind, createKey, current, isDeadlineExceeded, run } from './index.ts'
import { manualClock } from './manual-clock.ts'
import { ContextManager, kitContext, otelContext } from './opentelemetry.ts'
import { state } from './state.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const manager = new ContextManager().enable()
const user = createKey('user', 'nobody')
const colour = createContextKey('colour')

describe('the contract of a context manager', () => {
  it('is ROOT_CONTEXT outside of everything', () => {
    expect(manager.active()).toBe(ROOT_CONTEXT)
  })

  it('has exactly the entered context active, and the one before it afterwards, also after a throw', () => {
    const outer = ROOT_CONTEXT.setValue(colour, 'red')
    const inner = ROOT_CONTEXT.setValue(colour, 'blue')
    const result = manager.with(outer, () => {
      expect(manager.active()).toBe(outer)
      expect(() =>
        manager.with(inner, () => {
          expect(manager.active()).toBe(inner)
          throw new Error('out')
        }),
      ).toThrow('out')
      expect(manager.active()).toBe(outer)
      manager.with(ROOT_CONTEXT, () => expect(manager.active()).toBe(ROOT_CONTEXT))
      return 'result'
    })
    expect([result, manager.active()]).toEqual(['result', ROOT_CONTEXT])
  })

  it('passes this, arguments and result', () => {
    const self = { factor: 2 }
    const multiply = function (this: typeof self, a: number, b: number): number {
      return this.factor * a * b
    }
    expect(manager.with(ROOT_CONTEXT, multiply, self, 3, 4)).toBe(24)
    expect(manager.bind(ROOT_CONTEXT, multiply).call(self, 1, 5)).toBe(10)
  })

  it('follows awaits and timers, and does not leak to the caller', async () => {
    const red = ROOT_CONTEXT.setValue(colour, 'red')
    const seen = manager.with(red, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return manager.active()
    })
    expect(manager.active()).toBe(ROOT_CONTEXT)
    expect(await seen).toBe(red)
    expect(manager.active()).toBe(ROOT_CONTEXT)
  })

  it('binds functions, emitters and nothing else', () => {
    const red = ROOT_CONTEXT.setValue(colour, 'red')
    expect(manager.bind(red, () => manager.active())()).toBe(red)
    for (const other of [undefined, null, 5, 'text', {}]) expect(manager.bind(red, other)).toBe(other)
    expect(manager.bind(red, new EventEmitter())).toBeInstanceOf(EventEmitter)
  })

  it.each(['on', 'addListener', 'prependListener', 'once', 'prependOnceListener'] as const)(
    'runs listeners that %s adds to a bound emitter in the context, and removes them',
    (add) => {
      const emitter = manager.bind(ROOT_CONTEXT.setValue(colour, 'red'), new EventEmitter())
      expect(manager.bind(ROOT_CONTEXT.setValue(colour, 'blue'), emitter)).toBe(emitter)
      const seen: unknown[] = []
      const listener = (...args: unknown[]): unknown =>
        seen.push([manager.active().getValue(colour), ...args])
      for (const remove of ['off', 'removeListener'] as const) {
        emitter[add]('e', listener)
        expect([emitter.listenerCount('e'), emitter.listeners('e').length]).toEqual([1, 1])
        emitter[remove]('e', () => {})
        emitter[remove]('e', listener)
        expect(emitter.listenerCount('e')).toBe(0)
      }
      emitter.emit('e', 'removed')
      emitter[add]('e', listener)
      emitter.emit('e', 1, 2)
      expect(seen).toEqual([['red', 1, 2]])
      emitter.removeAllListeners('e')
      emitter.emit('e', 'removed')
      expect(seen.length).toBe(1)
    },
  )

  it('binds a listener that is added while another one is, and leaves a frozen emitter as it is', () => {
    const seen: unknown[] = []
    const emitter = manager.bind(ROOT_CONTEXT.setValue(colour, 'red'), new EventEmitter())
    const late = (): unknown => seen.push(manager.active().getValue(colour))
    emitter.once('newListener', () => emitter.on('e', late))
    emitter.on('other', () => {})
    emitter.emit('e')
    expect(seen).toEqual(['red'])
    const frozen = Object.freeze(new EventEmitter())
    expect(manager.bind(ROOT_CONTEXT, frozen)).toBe(frozen)
  })

  it('leaves the order of listeners, and refuses what the emitter refuses', async () => {
    const emitter = manager.bind(ROOT_CONTEXT, new EventEmitter())
    const seen: string[] = []
    emitter.on('e', () => seen.push('second')).prependListener('e', () => seen.push('first'))
    const happened = once(emitter, 'e')
    emitter.emit('e', 'value')
    expect([await happened, seen]).toEqual([['value'], ['first', 'second']])
    expect(() => emitter.on('e', 5 as never)).toThrow(TypeError)
    expect(() => emitter.off('e', undefined as never)).toThrow(TypeError)
  })

  it('disabled enters nothing and shows nothing, and the storage of the kit stays in force', () => {
    const other = new ContextManager()
    const red = ROOT_CONTEXT.setValue(colour, 'red')
    const ctx = background.withValue(user, 'ann')
    run(ctx, () => {
      expect(other.active()).toBe(ROOT_CONTEXT)
      expect(other.with(red, () => current())).toBe(ctx)
      const fn = (): void => {}
      expect(other.bind(red, fn)).toBe(fn)
      expect(other.enable().active()).toBe(ctx)
      expect(other.disable().active()).toBe(ROOT_CONTEXT)
      expect(current()).toBe(ctx)
    })
  })
})

describe('one context for both', () => {
  it('is the same object, whoever entered it', () => {
    const ctx = background.withValue(user, 'ann').withTimeout(50)
    run(ctx, () => expect(manager.active()).toBe(ctx))
    manager.with(otelContext(ctx), () => expect(current()).toBe(ctx))
  })

  it('passes what OpenTelemetry sets on to everything derived, and never back', () => {
    const ctx = background.withValue(user, 'ann').withTimeout(50)
    const red = otelContext(ctx).setValue(colour, 'red')
    manager.with(red, () => {
      const child = current().withCancel().withValue(user, 'bob')
      expect([otelContext(child).getValue(colour), child.deadline, child.value(user)]).toEqual([
        'red',
        ctx.deadline,
        'bob',
      ])
      run(child, () => expect(manager.active()).toBe(child))
    })
    expect([otelContext(ctx).getValue(colour), red.deleteValue(colour).getValue(colour)]).toEqual([
      undefined,
      undefined,
    ])
    expect(String(kitContext(red))).toMatch(/withTimeout\(50ms\)\.withValue\(colour\)$/)
  })

  it('keeps deadline, cancellation and values of the kit where a context made from ROOT_CONTEXT is entered', () => {
    const time = manualClock()
    const ctx = background.withValue(user, 'ann').withTimeout(50)
    const before = otelContext(ctx).setValue(colour, 'blue')
    const foreign = ROOT_CONTEXT.setValue(colour, 'red')
    manager.with(before, () =>
      manager.with(foreign, () => {
        expect([current().value(user), current().remaining]).toEqual(['ann', 50])
        const child = current().withValue(user, 'bob')
        expect(otelContext(child).getValue(colour)).toBe('red')
        run(child, () => expect(manager.active()).toBe(child))
        manager.with(ROOT_CONTEXT, () => expect(otelContext(current()).getValue(colour)).toBeUndefined())
        // What is set later wins over the foreign one, and neither changes it.
        const green = otelContext(child).setValue(colour, 'green')
        expect([green.getValue(colour), foreign.getValue(colour)]).toEqual(['green', 'red'])
        time.advance(50)
        expect(isDeadlineExceeded(current().err)).toBe(true)
      }),
    )
    time[Symbol.dispose]()
  })

  it.each<[string, (value: WeakKey) => OtelContext]>([
    ['ROOT_CONTEXT', () => ROOT_CONTEXT],
    ['contexts made from it', (value) => ROOT_CONTEXT.setValue(colour, value)],
    ['contexts made from the active one', (value) => manager.active().setValue(colour, value)],
    ['contexts of the kit', (value) => otelContext(current()).setValue(colour, value)],
  ])('keeps only the last of %s, entered inside each other for ever', async (_name, make) => {
    const values: WeakRef<WeakKey>[] = []
    const inside = (depth: number): Context => {
      const value = {}
      values.push(new WeakRef(value))
      return manager.with(make(value), () => (depth > 1 ? inside(depth - 1) : current()))
    }
    const [few, many] = run(background.withValue(user, 'ann').withCancel(), () => [inside(2), inside(500)])
    expect([String(many), many.value(user)]).toEqual([String(few), 'ann'])
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      collect()
    }
    // The last of each, and what a stack slot or a cache of the engine may still point at.
    expect(values.filter((value) => value.deref() !== undefined).length).toBeLessThanOrEqual(4)
    expect(String(many)).toBe(String(few))
  })

  it('kitContext takes what was made from the kit as it is', () => {
    const ctx = background.withCancel()
    expect(kitContext(otelContext(ctx))).toBe(ctx)
    expect(kitContext(otelContext(ctx).setValue(colour, 'red')).signal).toBe(ctx.signal)
    expect(() => otelContext(null as never)).toThrow(expect.objectContaining({ code: 'KIT_INVALID_CONTEXT' }))
  })

  it('a function bound to a context of the kit has that whole context, wherever it is called', () => {
    const ctx = background.withValue(user, 'ann')
    const bound = manager.bind(otelContext(ctx), () => current())
    expect(run(background.withCancel(), bound)).toBe(ctx)
  })
})

describe('with the tracing SDK', () => {
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  provider.register({ contextManager: new ContextManager() })
  const instrumentation = new HttpInstrumentation()
  instrumentation.setTracerProvider(provider)
  // The instrumentation reaches who requires the module after it.
  const http = createRequire(import.meta.url)('node:http') as typeof Http
  const tracer = trace.getTracer('test')

  beforeEach(() => exporter.reset())
  afterEach(() => vi.restoreAllMocks())
  afterAll(async () => {
    instrumentation.disable()
    trace.disable()
    context.disable()
    propagation.disable()
    await provider.shutdown()
  })

  const parentOf = (name: string): string | undefined => {
    const spans = exporter.getFinishedSpans()
    const parent = spans.find((span) => span.name === name)?.parentSpanContext?.spanId
    return spans.find((span) => span.spanContext().spanId === parent)?.name
  }

  it('nests spans through contexts, ambient and passed by hand', async () => {
    await tracer.startActiveSpan('request', async (request) => {
      const ctx = current().withTimeout(1000).withValue(user, 'ann')
      await run(ctx, async () => {
        await Promise.resolve()
        await tracer.startActiveSpan('query', async (query) => {
          expect([current().value(user), current().deadline]).toEqual(['ann', ctx.deadline])
          expect(trace.getSpan(otelContext(current()))).toBe(query)
          query.end()
        })
      })
      tracer.startSpan('by hand', {}, otelContext(ctx)).end()
      request.end()
    })
    expect([parentOf('query'), parentOf('by hand'), parentOf('request')]).toEqual([
      'request',
      'request',
      undefined,
    ])
  })

  it('enters a span with one run of the one storage', () => {
    const runs = vi.spyOn(AsyncLocalStorage.prototype, 'run')
    run(background.withCancel(), () => {
      expect(runs).toHaveBeenCalledTimes(1)
      tracer.startActiveSpan('one', (span) => {
        expect(current()).toBe(context.active())
        expect(runs).toHaveBeenCalledTimes(2)
        span.end()
      })
    })
    expect(new Set(runs.mock.contexts)).toEqual(new Set([state.storage]))
  })

  it('carries baggage along, and over the wire', () => {
    const baggage = propagation.createBaggage({ tenant: { value: 'acme' } })
    const ctx = kitContext(propagation.setBaggage(otelContext(background), baggage)).withTimeout(50)
    const carrier: Record<string, string> = {}
    run(ctx.withCancel(), () => propagation.inject(context.active(), carrier))
    expect(carrier['baggage']).toBe('tenant=acme')
    const received = kitContext(propagation.extract(otelContext(background.withValue(user, 'ann')), carrier))
    expect(received.value(user)).toBe('ann')
    expect(propagation.getBaggage(otelContext(received))?.getEntry('tenant')?.value).toBe('acme')
  })

  it('works with the automatic instrumentation of http: spans and baggage cross the call, contexts stay', async () => {
    const seen: unknown[] = []
    const server = http.createServer((request, response) => {
      const ctx = current().withValue(user, 'server').withTimeout(60_000)
      run(ctx, () => {
        const tenant = propagation.getBaggage(context.active())?.getEntry('tenant')?.value
        // The instrumentation bound the request to what it was entered with, and the parser calls in its own context.
        request.resume().on('end', () => seen.push(current().value(user)))
        const finish = bind(() => {
          tracer.startActiveSpan('work', (span) => {
            seen.push(current().value(user), tenant, current().deadline === ctx.deadline)
            span.end()
          })
          response.end('done')
        })
        request.on('end', finish)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const baggage = propagation.createBaggage({ tenant: { value: 'acme' } })
    const ctx = kitContext(propagation.setBaggage(otelContext(background.withValue(user, 'client')), baggage))
    const ending = await run(ctx, () =>
      tracer.startActiveSpan('job', async (span) => {
        const answer = await new Promise<string>((resolve, reject) => {
          const request = http.request({ port, method: 'POST', path: '/orders' }, (response) => {
            response.resume().on('end', () => resolve(current().value(user)))
          })
          request.on('error', reject).end('body')
        })
        span.end()
        return answer
      }),
    )
    server.close()
    await once(server, 'close')
    expect([ending, ...seen]).toEqual(['client', 'nobody', 'server', 'acme', true])
    const kinds = exporter.getFinishedSpans().map(({ name, kind }) => [name, kind])
    expect(kinds).toEqual(
      expect.arrayContaining([
        ['POST', 1],
        ['POST', 2],
        ['work', 0],
        ['job', 0],
      ]),
    )
    const spans = new Map(exporter.getFinishedSpans().map((span) => [`${span.name} ${span.kind}`, span]))
    const chain = ['work 0', 'POST 1', 'POST 2', 'job 0'].map((name) => spans.get(name))
    expect(new Set(chain.map((span) => span?.spanContext().traceId)).size).toBe(1)
    for (const [i, span] of chain.entries()) {
      expect(span?.parentSpanContext?.spanId).toBe(chain[i + 1]?.spanContext().spanId)
    }
  })
})
