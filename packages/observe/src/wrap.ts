/**
 * Making the wrapper of one function. Where only metrics are asked for it keeps a number on the stack and nothing else;
 * otherwise an {@link Observer} keeps an object a call. A function that cannot be constructed gets a wrapper that cannot.
 */

import { clock } from '@kit/context'
import { disguise, facetsOf, methodOf } from './disguise.ts'
import { ObserveError } from './errors.ts'
import { Lines } from './lines.ts'
import { Meter } from './meter.ts'
import { Call, Observer } from './observer.ts'
import type { AnyFunction, Resolved } from './options.ts'
import { settle } from './settle.ts'
import type { Method } from './watcher.ts'

/** The wrapper of `fn`; `fn` itself if it is one that does as much already. Throws `KIT_NAME_REQUIRED`, `KIT_NOT_A_FUNCTION`. */
export function wrap<F extends AnyFunction>(of: string, name: string, fn: F, options: Resolved): F {
  if (typeof fn !== 'function') {
    throw new ObserveError('KIT_NOT_A_FUNCTION', `${of} needs a function to wrap.`)
  }
  const before = facetsOf(fn) ?? { metrics: false, log: false }
  const metrics = before.metrics ? undefined : options.metrics
  const log = before.log ? undefined : options.log
  if (before.metrics && (options.metrics !== undefined || log === undefined)) return fn
  if (before.log && metrics === undefined && !options.span) return fn
  if (typeof name !== 'string' || name === '') {
    throw new ObserveError(
      'KIT_NAME_REQUIRED',
      `${of} needs a name for this function: ${of}("orders.find", fn).`,
    )
  }
  const { labels, isFailure, timeEvery } = options
  const meter =
    metrics === undefined ? undefined : new Meter(name, metrics, timeEvery, isFailure, labels !== undefined)
  const lines = log === undefined ? undefined : new Lines(log, name, options.level, options.slowMs)
  const facets = { metrics: before.metrics || meter !== undefined, log: before.log || lines !== undefined }
  if (meter !== undefined && lines === undefined && isPlain(options)) {
    return disguise(isConstructor(fn) ? meteredConstructor(fn, meter) : metered(fn, meter), fn, facets)
  }
  const observer = new Observer({ ...options, name, meter, lines })
  return disguise(isConstructor(fn) ? observedConstructor(fn, observer) : observed(fn, observer), fn, facets)
}

/** Whether the meter alone can do what is asked for. */
function isPlain({ span, labels, timeoutMs, callback, untilConsumed }: Resolved): boolean {
  return !span && labels === undefined && timeoutMs === undefined && callback === undefined && !untilConsumed
}

function isConstructor(fn: AnyFunction): boolean {
  return Object.hasOwn(fn, 'prototype') && Reflect.getPrototypeOf(fn) !== generatorFunction
}

const generatorFunction: unknown = Reflect.getPrototypeOf(function* () {})

// The clock is read in the wrapper itself: a number that a function returns is an object on the heap.
//
// In all of them, what was thrown or returned must not change, even if the stack is so full that counting fails: then the end
// of the call is noted by an addition, which needs no stack, and counted with the next one.

function metered(fn: AnyFunction, meter: Meter): AnyFunction {
  const call = fn as unknown as Method
  return methodOf({
    wrapper(this: unknown, ...args: unknown[]): unknown {
      const isTimed = meter.open()
      let startMs = NaN
      let result: unknown
      try {
        if (isTimed) startMs = clock.now()
        result = Reflect.apply(call, this, args)
      } catch (error) {
        try {
          meter.fail(startMs, error)
        } catch {
          meter.owedErrors += 1
        }
        throw error
      }
      try {
        return meterResult(meter, startMs, result)
      } catch {
        meter.owedOks += 1
        return result
      }
    },
  })
}

function meteredConstructor(fn: AnyFunction, meter: Meter): AnyFunction {
  const call = fn as unknown as Method
  return function wrapper(this: unknown, ...args: unknown[]): unknown {
    const isTimed = meter.open()
    let startMs = NaN
    let result: unknown
    try {
      if (isTimed) startMs = clock.now()
      result =
        new.target === undefined
          ? Reflect.apply(call, this, args)
          : Reflect.construct(call, args, new.target === wrapper ? call : new.target)
    } catch (error) {
      try {
        meter.fail(startMs, error)
      } catch {
        meter.owedErrors += 1
      }
      throw error
    }
    try {
      return meterResult(meter, startMs, result)
    } catch {
      meter.owedOks += 1
      return result
    }
  }
}

function meterResult(meter: Meter, startMs: number, result: unknown): unknown {
  if (typeof result === 'object' && result !== null) return settle(result, startMs, meter)
  return meter.succeed(startMs, result)
}

function observed(fn: AnyFunction, observer: Observer): AnyFunction {
  const method = fn as unknown as Method
  return methodOf({
    wrapper(this: unknown, ...args: unknown[]): unknown {
      return observeCall(observer, args, (...given) => Reflect.apply(method, this, given))
    },
  })
}

function observedConstructor(fn: AnyFunction, observer: Observer): AnyFunction {
  const method = fn as unknown as Method
  return function wrapper(this: unknown, ...args: unknown[]): unknown {
    const target = new.target === wrapper ? method : new.target
    return observeCall(observer, args, (...given) =>
      target === undefined ? Reflect.apply(method, this, given) : Reflect.construct(method, given, target),
    )
  }
}

function observeCall(observer: Observer, args: unknown[], invoke: Method): unknown {
  const call = new Call(args)
  let result: unknown
  try {
    observer.begin(call)
    result = observer.run(call, invoke)
  } catch (error) {
    try {
      observer.fail(call, error)
    } catch {
      if (call.counted && !call.ended && observer.meter !== undefined) observer.meter.owedErrors += 1
      call.ended = true
    }
    throw error
  }
  try {
    return call.calledBack ? result : settle(result, call, observer)
  } catch {
    if (!call.ended && observer.meter !== undefined) observer.meter.owedOks += 1
    call.ended = true
    return result
  }
}
