/** Wrapped functions: what goes in and what comes out is the function's own, whatever that is, and each call is counted. */

import { background } from '@kit/context'
import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import { instrument, observe, withLog, withMetrics } from '@kit/observe'
import { never } from './subject.ts'
import type { Call, Subject } from './subject.ts'
import type { Hostile } from './values.ts'

type Inner = (...args: readonly unknown[]) => unknown

/** The subject. */
export function observeCalls(): Subject {
  const metrics = createMetrics({ maxSeries: 500 })
  const log = createLogger({ level: 'trace', destination: { write: () => true } })
  const missing: string[] = []
  let about = ''
  let made = 0
  let accounted = 0
  let badLabels = 0
  /** What the functions do next, and what they were called with. */
  let inner: Inner = () => undefined
  let seen: readonly unknown[] = []
  const fn = (...args: readonly unknown[]): unknown => {
    seen = args
    return inner(...args)
  }
  class Service {
    act(...args: readonly unknown[]): unknown {
      return fn(...args)
    }
  }
  let labels: () => unknown = () => ({})
  let isFailure: () => boolean = () => false
  const wrappers: Readonly<Record<string, Inner>> = {
    withMetrics: withMetrics('plain', fn, { metrics }),
    'withMetrics of isFailure': withMetrics('judged', fn, { metrics, isFailure: () => isFailure() }),
    'withMetrics of a constructor': withMetrics('constructor', asConstructor(fn), { metrics }),
    withLog: withLog('logged', fn, { log }),
    observe: observe('observed', fn, { metrics, log, slowMs: 1 }),
    'observe of labels': observe('labelled', fn, {
      metrics,
      log,
      labels: () => labels() as never,
      isFailure: () => isFailure(),
    }),
    'observe until consumed': observe('consumed', fn, { metrics, log, untilConsumed: true }),
    'observe of a timeout': observe('timed', fn, { metrics, log, timeoutMs: 60_000 }),
    'observe of a callback': observe('called back', fn, { metrics, log, callback: -1 }),
    instrument: (...args) => service.act(...args),
  }
  const service = instrument(new Service(), { metrics, log, prefix: 'service' })

  /** Each wrapper in turn, with a function that ends in one way; what comes out must be what went in. */
  const all = (
    ending: (wrapper: Inner, name: string, value: unknown, args: readonly unknown[]) => unknown,
  ): Call => {
    const names = Object.keys(wrappers)
    let turn = 0
    return never(({ values: [first, second, third] }) => {
      const name = names[turn++ % names.length]!
      if (name !== 'withLog') made += 1
      isFailure = () => {
        throw second.value
      }
      labels = () => second.value
      about = first.what
      // What is called back ends a call; whatever else is the last argument does not.
      const last = typeof third.value === 'function' ? [third.value] : third.value
      return ending(wrappers[name]!, name, first.value, [second.value, last])
    })
  }
  const expect = (what: string, name: string, is: unknown, was: unknown): void => {
    if (!Object.is(is, was)) missing.push(`${what} of ${name}: ${about}`)
  }
  const passedOn = (name: string, args: readonly unknown[]): void => {
    if (!args.every((arg, i) => Object.is(arg, seen[i]))) missing.push(`arguments of ${name}`)
  }

  return {
    calls: {
      'a function that returns it': all((wrapper, name, value, args) => {
        inner = () => value
        // Lazy work is not over when it is returned, and may never be.
        const isLazy =
          isThenable(value) || Object.prototype.toString.call(quiet(value)) === '[object Generator]'
        if (isLazy && name !== 'withLog') made -= 1
        expect('the result', name, wrapper(...args), value)
        passedOn(name, args)
      }),
      'a function that throws it': all((wrapper, name, value, args) => {
        inner = () => {
          throw value
        }
        const { thrown } = caught(() => wrapper(...args))
        expect('the error', name, thrown, value)
        passedOn(name, args)
      }),
      'a function that resolves to it': all(async (wrapper, name, value, args) => {
        const boxed = [value]
        inner = () => Promise.resolve(boxed)
        expect('the result', name, await wrapper(...args), boxed)
      }),
      'a function that rejects with it': all(async (wrapper, name, value, args) => {
        inner = () => Promise.reject(value)
        const { thrown } = await rejected(wrapper(...args))
        expect('the rejection', name, thrown, value)
      }),
      'a function of a context': all(async (wrapper, name, value, args) => {
        inner = () => Promise.reject(value)
        using ctx = background.withTimeout(60_000)
        const { thrown } = await rejected(wrapper(ctx, ...args))
        expect('the rejection', name, thrown, value)
      }),
      'a function of a callback': all((wrapper, name, value, args) => {
        let told: readonly unknown[] = []
        inner = (...given) => (given.at(-1) as Inner)(value, args[0])
        wrapper(args[0], (...given: readonly unknown[]) => {
          told = given
        })
        expect('the error for the callback', name, told[0], value)
      }),
      'a function whose promise carries it': all(async (wrapper, name, value, args) => {
        inner = () => Object.assign(Promise.resolve(1), { carried: value })
        expect('the result', name, await wrapper(...args), 1)
      }),
      'a generator of it': all((wrapper, name, value) => {
        inner = function* () {
          yield value
          throw value
        }
        const generator = wrapper() as Generator
        expect('what is yielded', name, generator.next().value, value)
        expect('the error', name, caught(() => generator.next()).thrown, value)
      }),
      'labels that are it': never(({ values: [first] }) => {
        made += 1
        badLabels += Number(!mayBeLabels(first))
        inner = () => 'result'
        labels = () => first.value
        isFailure = () => false
        wrappers['observe of labels']!()
      }),
      'labels that throw it': never(({ values: [first] }) => {
        made += 1
        badLabels += 1
        inner = () => 'result'
        isFailure = () => false
        labels = () => {
          throw first.value
        }
        wrappers['observe of labels']!()
      }),
    },
    audit() {
      const calls = sumOf(metrics, 'function.calls')
      if (calls !== accounted + made) missing.push(`of ${made} calls ${calls - accounted} are counted`)
      accounted = calls
      made = 0
      const dropped = sumOf(metrics, 'kit.observe.dropped')
      if (dropped < badLabels)
        missing.push(`of ${badLabels} labels that cannot be taken ${dropped} are counted`)
      const active = sumOf(metrics, 'function.active')
      if (active !== 0) missing.push(`${active} calls that have ended are taken for active`)
      return missing.splice(0)
    },
    close: () => metrics.shutdown(10),
  }
}

function asConstructor(fn: Inner): Inner {
  return function called(...args: readonly unknown[]): unknown {
    return fn(...args)
  }
}

function caught(fn: () => unknown): { thrown?: unknown } {
  try {
    fn()
    return {}
  } catch (thrown) {
    return { thrown }
  }
}

async function rejected(result: unknown): Promise<{ thrown?: unknown }> {
  try {
    await result
    return {}
  } catch (thrown) {
    return { thrown }
  }
}

/** What a hostile value answers to nobody. */
function quiet(value: unknown): unknown {
  try {
    Object.prototype.toString.call(value)
    return value
  } catch {
    return undefined
  }
}

function isThenable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  try {
    return typeof (value as { then?: unknown }).then === 'function'
  } catch {
    return false
  }
}

/** Only what is no object, or cannot be read, is sure to be dropped. */
function mayBeLabels({ value }: Hostile): boolean {
  return typeof value === 'object' && value !== null
}

function sumOf(metrics: Metrics, name: string): number {
  const found = metrics.snapshot().metrics.find((one) => one.name === name)
  return (found?.series ?? []).reduce((sum, point) => sum + ('value' in point ? point.value : point.count), 0)
}
