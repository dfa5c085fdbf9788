/*
 * The ways to measure a function that are compared. Each is set up in the process of its case, and wraps functions as its
 * documentation says.
 */

import { createRequire } from 'node:module'
import type * as Autometrics from '@autometrics/autometrics'

/** A function that is measured: of each kind there are four, called in turn, as a service calls more than one. */
export type Subject = (value: number) => unknown

/** Sets a library up and returns what wraps a function of that name. */
export type Way = () => Promise<(name: string, fn: Subject) => Subject>

/** Nothing: what a call costs anyway. */
export const bare: Way = () => Promise.resolve((_name, fn) => fn)

/** A function around the function, which is the least that a wrapper can be. */
export const closure: Way = () =>
  Promise.resolve(
    (_name, fn) =>
      function (this: unknown, ...args) {
        const result: unknown = Reflect.apply(fn, this, args)
        return result
      },
  )

/** The clock before and after, and nothing done with it but a sum. */
export const twoReadings: Way = async () => {
  const { performance } = await import('node:perf_hooks')
  const spent = { ms: 0.5 }
  return (_name, fn) =>
    function (this: unknown, ...args) {
      const startMs = performance.now()
      const result: unknown = Reflect.apply(fn, this, args)
      spent.ms += performance.now() - startMs
      return result
    }
}

/** The same for a promise, by the two reactions that it takes. */
export const twoReadingsOfPromise: Way = async () => {
  const { performance } = await import('node:perf_hooks')
  const spent = { ms: 0.5 }
  return (_name, fn) =>
    function (this: unknown, ...args) {
      const startMs = performance.now()
      const end = (): void => {
        spent.ms += performance.now() - startMs
      }
      return (Reflect.apply(fn, this, args) as Promise<unknown>).then(
        (value) => {
          end()
          return value
        },
        (error: unknown) => {
          end()
          throw error
        },
      )
    }
}

/** `withMetrics`, timing one call in so many. */
export function withMetrics(timeEvery: number): Way {
  return async () => {
    const [{ createMetrics }, kit] = await Promise.all([import('@kit/metrics'), import('@kit/observe')])
    const metrics = createMetrics()
    return (name, fn) => kit.withMetrics(name, fn, { metrics, timeEvery })
  }
}

/** `observe`, with a log of which no line is wanted, and no tracer. */
export const observe: Way = async () => {
  const [{ createMetrics }, { createLogger }, kit] = await Promise.all([
    import('@kit/metrics'),
    import('@kit/log'),
    import('@kit/observe'),
  ])
  const metrics = createMetrics()
  const log = createLogger({ level: 'info', destination: { write() {} } })
  return (name, fn) => kit.observe(name, fn, { metrics, log })
}

/** `observe` with a tracer of OpenTelemetry's SDK, on the kit's own context manager. */
export const observeWithSpans: Way = async () => {
  const { ContextManager } = await import('@kit/context/opentelemetry')
  await registerSdk(new ContextManager())
  return observe()
}

/** prom-client's counter and histogram, by hand. */
export const promClient: Way = async () => {
  const { default: client } = await import('prom-client')
  const shared = { help: '-', labelNames: ['function', 'outcome'], registers: [new client.Registry()] }
  const calls = new client.Counter({ ...shared, name: 'calls_total' })
  const duration = new client.Histogram({ ...shared, name: 'duration_seconds' })
  return (name, fn) =>
    function (this: unknown, ...args) {
      const stop = duration.startTimer({ function: name })
      const end = (outcome: string): void => {
        stop({ outcome })
        calls.inc({ function: name, outcome })
      }
      const result: unknown = Reflect.apply(fn, this, args)
      if (!(result instanceof Promise)) {
        end('ok')
        return result
      }
      return result.then(
        (value: unknown) => {
          end('ok')
          return value
        },
        (error: unknown) => {
          end('error')
          throw error
        },
      )
    }
}

/**
 * autometrics, with a reader of the SDK that it brings, which hardly ever reads; without one it records nothing. Required: as a
 * module it opens standard input, which is the harness's.
 */
export const autometrics: Way = () => {
  const require = createRequire(import.meta.url)
  const library = require('@autometrics/autometrics') as typeof Autometrics
  const sdk = createRequire(require.resolve('@autometrics/autometrics'))('@opentelemetry/sdk-metrics') as {
    readonly InMemoryMetricExporter: new (temporality: number) => object
    readonly PeriodicExportingMetricReader: new (options: object) => never
  }
  const exporter = new sdk.InMemoryMetricExporter(1)
  library.registerExporter({
    metricReader: new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e9 }),
  })
  return Promise.resolve((name, fn) =>
    library.autometrics({ functionName: name, moduleName: 'benchmark' }, fn),
  )
}

/** `startActiveSpan` of OpenTelemetry's API without a tracer provider: nothing is recorded. */
export const spansOfNobody: Way = async () => {
  const { SpanStatusCode, trace } = await import('@opentelemetry/api')
  const tracer = trace.getTracer('benchmark')
  return (name, fn) =>
    function (this: unknown, ...args) {
      return tracer.startActiveSpan(name, (span) => {
        const end = (failed: boolean): void => {
          if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
          span.end()
        }
        const result: unknown = Reflect.apply(fn, this, args)
        if (!(result instanceof Promise)) {
          end(false)
          return result
        }
        return result.then(
          (value: unknown) => {
            end(false)
            return value
          },
          (error: unknown) => {
            end(true)
            throw error
          },
        )
      })
    }
}

/** The same with the SDK: every span is sampled, batched, and let go by an exporter that sends nothing. */
export const spansOfSdk: Way = async () => {
  await registerSdk(undefined)
  return spansOfNobody()
}

async function registerSdk(contextManager: object | undefined): Promise<void> {
  const { BatchSpanProcessor, NodeTracerProvider } = await import('@opentelemetry/sdk-trace-node')
  const exporter = {
    export: (_spans: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
    shutdown: () => Promise.resolve(),
  }
  const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
  provider.register(contextManager === undefined ? {} : { contextManager: contextManager as never })
}
