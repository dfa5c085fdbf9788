/**
 * `withMetrics(fn)`: the same function, measured. What the caller passes in and gets out does not change:
 * arguments, `this`, result, thrown object, name, arity, own properties and prototype are the function's own.
 */

import { types } from 'node:util'
import type { Metrics } from '@kit/metrics'
import { metrics as defaultMetrics } from '@kit/metrics'
import { ObserveError } from './errors.ts'
import { observeLazily } from './lazy.ts'
import { Meter } from './meter.ts'
import { outcomeOf } from './outcome.ts'
import type { Outcome } from './outcome.ts'

/** Any function: `never[]` keeps overloads, generics and `this` of the wrapped one intact. */
export type AnyFunction = (...args: never[]) => unknown

/** Options of {@link withMetrics}. */
export interface ObserveOptions {
  /** Where to record. Default: the process-wide metrics. */
  metrics?: Metrics
  /** True when a returned (or resolved) value stands for a failure: its call counts as `error`. Default: never. */
  isFailure?: (result: unknown) => boolean
}

/**
 * Measures every call of `fn`: `function.calls` (counter), `function.duration` (histogram, seconds) and
 * `function.active` (gauge) with the labels `function` (its name) and `outcome`
 * (`ok | error | canceled | deadline`; see {@link outcomeOf}).
 *
 * A native promise is measured until it settles, a generator from its first step to its last, another thenable
 * from its first `then` until it settles (one that nobody consumes is not counted), everything else until it
 * returns. A wrapped function that is wrapped again is returned as it is.
 *
 * Cost: two clock reads and additions to three cells a call; a promise adds one `then`.
 *
 * @throws ObserveError `KIT_NAME_REQUIRED` for an anonymous function without a name, `KIT_NOT_A_FUNCTION`,
 *   `KIT_OBSERVE_OPTION_UNKNOWN`. Calls of the result throw what `fn` throws and nothing else.
 */
export function withMetrics<F extends AnyFunction>(fn: F, options?: ObserveOptions): F
export function withMetrics<F extends AnyFunction>(name: string, fn: F, options?: ObserveOptions): F
export function withMetrics<F extends AnyFunction>(
  first: string | F,
  second?: F | ObserveOptions,
  third?: ObserveOptions,
): F {
  const named = typeof first === 'string'
  const fn = named ? second : first
  const options = (named ? third : second) as ObserveOptions | undefined
  if (typeof fn !== 'function') {
    throw new ObserveError('KIT_NOT_A_FUNCTION', 'withMetrics needs a function to wrap.')
  }
  if (wrappedFunctions.has(fn)) return fn
  const name = named ? first : fn.name
  if (name === '') {
    throw new ObserveError(
      'KIT_NAME_REQUIRED',
      'withMetrics needs a name for this function: withMetrics("orders.find", fn).',
    )
  }
  const { metrics, isFailure } = resolveOptions(options)
  return wrap(fn, new Meter(name, metrics), isFailure)
}

const anchor: unique symbol = Symbol.for('@kit/observe@1') as never
const globals = globalThis as { [anchor]?: WeakSet<object> }
/** Everything that is a wrapper already, shared by every installed copy of this package. */
const wrappedFunctions: WeakSet<object> = (globals[anchor] ??= new WeakSet())

function resolveOptions(options: ObserveOptions = {}): Required<ObserveOptions> {
  for (const key of Object.keys(options)) {
    if (key !== 'metrics' && key !== 'isFailure') {
      throw new ObserveError('KIT_OBSERVE_OPTION_UNKNOWN', `withMetrics has no option "${key}".`)
    }
  }
  return { metrics: options.metrics ?? defaultMetrics, isFailure: options.isFailure ?? never }
}

function wrap<F extends AnyFunction>(fn: F, meter: Meter, isFailure: (result: unknown) => boolean): F {
  const verdict = (value: unknown): Outcome => (fails(isFailure, value) ? 'error' : 'ok')

  function wrapped(this: unknown, ...args: unknown[]): unknown {
    const startMs = meter.start()
    let result: unknown
    try {
      result =
        new.target === undefined
          ? Reflect.apply(fn, this, args)
          : Reflect.construct(fn, args, new.target === wrapped ? fn : new.target)
    } catch (error) {
      meter.end(startMs, outcomeOf(error))
      throw error
    }
    if (typeof result === 'object' && result !== null) {
      if (isNativePromise(result)) {
        const observed = result.then(
          (value) => {
            meter.end(startMs, verdict(value))
            return value
          },
          (error: unknown) => {
            meter.end(startMs, outcomeOf(error))
            throw error
          },
        )
        copyOwn(observed, result) // some promises carry more: the child process of a promisified exec
        return observed
      }
      if (observeLazily(result, meter, verdict)) {
        meter.abandon()
        return result
      }
    }
    meter.end(startMs, verdict(result))
    return result
  }

  disguise(wrapped, fn)
  wrappedFunctions.add(wrapped)
  return wrapped as unknown as F
}

/** A subclass may be lazy or carry methods of its own, so only the plain promise may be replaced by its `then`. */
function isNativePromise(value: object): value is Promise<unknown> {
  return types.isPromise(value) && Object.getPrototypeOf(value) === Promise.prototype
}

/** Gives the wrapper everything by which others recognise the function: name, arity, own properties, metadata. */
function disguise(wrapped: object, fn: AnyFunction): void {
  copyOwn(wrapped, fn)
  Reflect.setPrototypeOf(wrapped, Reflect.getPrototypeOf(fn))
  copyMetadata(wrapped, fn)
}

function copyOwn(to: object, from: object): void {
  for (const key of Reflect.ownKeys(from)) {
    if (key === 'arguments' || key === 'caller') continue // V8's relics on functions of sloppy mode
    const descriptor = Reflect.getOwnPropertyDescriptor(from, key)
    if (descriptor !== undefined) Reflect.defineProperty(to, key, descriptor)
  }
}

/** The reflect-metadata polyfill keeps its entries by function identity: guards and routes of a framework live there. */
function copyMetadata(wrapped: object, fn: AnyFunction): void {
  const reflect = Reflect as unknown as {
    getOwnMetadataKeys?: (target: object) => unknown[]
    getOwnMetadata?: (key: unknown, target: object) => unknown
    defineMetadata?: (key: unknown, value: unknown, target: object) => void
  }
  for (const key of reflect.getOwnMetadataKeys?.(fn) ?? []) {
    reflect.defineMetadata?.(key, reflect.getOwnMetadata?.(key, fn), wrapped)
  }
}

function fails(isFailure: (result: unknown) => boolean, value: unknown): boolean {
  try {
    return isFailure(value)
  } catch {
    return true // a predicate that cannot judge a result has not found it good
  }
}

function never(): boolean {
  return false
}
