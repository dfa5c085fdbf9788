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

/** Who measures a result already: one that is returned again and again (a cached query, a builder) is measured once. */
const measured: WeakMap<object, Meter[]> = new WeakMap()

/** Shadows the methods of a lazy result. Answers false when `result` is an ordinary value: its call has ended. */
export function observeLazily(result: object, meter: Meter, verdict: Verdict): boolean {
  const meters = measured.get(result) ?? []
  if (meters.includes(meter)) return true
  try {
    const tag = Object.prototype.toString.call(result)
    if (tag === '[object Generator]' || tag === '[object AsyncGenerator]') {
      observeGenerator(result as Generator, meter, verdict)
    } else {
      const then = (result as { then?: unknown }).then
      if (typeof then !== 'function' || !observeThenable(result, then as Method, meter, verdict)) return false
    }
    measured.set(result, [...meters, meter])
    return true
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
    let ended = false
    const end = (outcome: Outcome): void => {
      if (!ended) meter.end(startMs, outcome)
      ended = true
    }
    try {
      return Reflect.apply(then, this, [
        (value: unknown) => {
          end(verdict(value))
          return typeof onFulfilled === 'function' ? (onFulfilled as Method)(value) : value
        },
        (error: unknown) => {
          end(outcomeOf(error))
          if (typeof onRejected === 'function') return (onRejected as Method)(error)
          throw error
        },
      ])
    } catch (error) {
      end(outcomeOf(error))
      throw error
    }
  })
}

function observeGenerator(generator: Generator | AsyncGenerator, meter: Meter, verdict: Verdict): void {
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

  const { next, return: finish, throw: raise } = generator as unknown as Record<string, Method | undefined>
  if (next !== undefined) shadow(generator, 'next', observed(next, true))
  if (finish !== undefined) shadow(generator, 'return', observed(finish, false))
  if (raise !== undefined) shadow(generator, 'throw', observed(raise, false))
}

function shadow(target: object, key: string, value: Method): boolean {
  return Reflect.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false })
}
