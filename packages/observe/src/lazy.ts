/**
 * Results that stand for work still to come: generators, and thenables that are not native promises (query
 * builders start when somebody awaits them). They are handed to the caller as they are, with their own methods
 * shadowed, and the work is timed from its first step to its end. Nothing here starts that work by itself:
 * calling `then` to have a look would run the query a second time.
 */

import { types } from 'node:util'
import type { Meter } from './meter.ts'
import { outcomeOf } from './outcome.ts'
import type { Outcome } from './outcome.ts'

type Verdict = (value: unknown) => Outcome
type Method = (this: unknown, ...args: unknown[]) => unknown

/** Shadows the methods of a lazy result. Answers false when `result` is an ordinary value: its call has ended. */
export function observeLazily(result: object, meter: Meter, verdict: Verdict): boolean {
  try {
    const tag = Object.prototype.toString.call(result)
    if (tag === '[object Generator]' || tag === '[object AsyncGenerator]') {
      return observeGenerator(result as Generator, meter, verdict)
    }
    const then = (result as { then?: unknown }).then
    return typeof then === 'function' && observeThenable(result, then as Method, meter, verdict)
  } catch {
    return false // a proxy or getter that refuses to be looked at is a value like any other
  }
}

function observeThenable(result: object, then: Method, meter: Meter, verdict: Verdict): boolean {
  let begun = false
  return shadow(result, 'then', function (onFulfilled, onRejected) {
    if (begun) return Reflect.apply(then, this, [onFulfilled, onRejected])
    begun = true
    const startMs = meter.start()
    return Reflect.apply(then, this, [
      (value: unknown) => {
        meter.end(startMs, verdict(value))
        return typeof onFulfilled === 'function' ? (onFulfilled as Method)(value) : value
      },
      (error: unknown) => {
        meter.end(startMs, outcomeOf(error))
        if (typeof onRejected === 'function') return (onRejected as Method)(error)
        throw error
      },
    ])
  })
}

function observeGenerator(generator: Generator | AsyncGenerator, meter: Meter, verdict: Verdict): boolean {
  let startMs: number | undefined
  let ended = false

  const step = (outcome: Outcome | undefined): void => {
    if (outcome === undefined || ended || startMs === undefined) return
    ended = true
    meter.end(startMs, outcome)
  }
  const onResult = (result: IteratorResult<unknown>): IteratorResult<unknown> => {
    step(result.done === true ? verdict(result.value) : undefined)
    return result
  }
  const onError = (error: unknown): never => {
    step(outcomeOf(error))
    throw error
  }
  const observed = (method: Method, begins: boolean): Method =>
    function (...args) {
      if (begins && !ended) startMs ??= meter.start()
      let result: unknown
      try {
        result = Reflect.apply(method, this, args)
      } catch (error) {
        return onError(error)
      }
      return types.isPromise(result)
        ? (result as Promise<IteratorResult<unknown>>).then(onResult, onError)
        : onResult(result as IteratorResult<unknown>)
    }

  const { next, return: finish, throw: raise } = generator as unknown as Record<string, Method>
  return (
    shadow(generator, 'next', observed(next as Method, true)) &&
    shadow(generator, 'return', observed(finish as Method, false)) &&
    shadow(generator, 'throw', observed(raise as Method, false))
  )
}

function shadow(target: object, key: string, value: Method): boolean {
  return Reflect.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false })
}
