/**
 * Results that stand for work still to come: generators, and thenables that are not native promises (query
 * builders start when somebody awaits them). They are handed to the caller as they are, with their own methods
 * shadowed, and the work is timed from its first step to its end. Nothing here starts that work by itself:
 * calling `then` to have a look would run the query a second time.
 */

import { types } from 'node:util'
import type { Method, Watcher } from './watcher.ts'

/** Who watches a result already: one that is returned again and again (a cached query, a builder) is watched once. */
const watched: WeakMap<object, unknown[]> = new WeakMap()

/** Shadows the methods of a lazy result. Answers false when `result` is an ordinary value: its call has ended. */
export function observeLazily<T>(result: object, call: T, watcher: Watcher<T>): boolean {
  const watchers = watched.get(result) ?? []
  if (watchers.includes(watcher)) {
    watcher.pause(call)
    watcher.discard(call)
    return true
  }
  try {
    const tag = Object.prototype.toString.call(result)
    if (tag === '[object Generator]' || tag === '[object AsyncGenerator]') {
      observeGenerator(result as Generator, call, watcher)
    } else {
      const then = (result as { then?: unknown }).then
      if (typeof then !== 'function' || !observeThenable(result, then as Method, call, watcher)) return false
    }
    watched.set(result, [...watchers, watcher])
  } catch {
    return false // a proxy or getter that refuses to be looked at is a value like any other
  }
  watcher.pause(call)
  return true
}

/** Measured from its first `then` until it settles; later ones get what the thenable gives them. */
function observeThenable<T>(result: object, then: Method, first: T, watcher: Watcher<T>): boolean {
  let begun = false
  return shadow(result, 'then', function (onFulfilled, onRejected) {
    if (begun) return Reflect.apply(then, this, [onFulfilled, onRejected])
    begun = true
    const call = watcher.resume(first)
    let ended = false
    const fail = (error: unknown): void => {
      if (!ended) watcher.fail(call, error)
      ended = true
    }
    try {
      return watcher.step(call, then, this, [
        (value: unknown) => {
          const given = ended ? value : watcher.succeed(call, value)
          ended = true
          return typeof onFulfilled === 'function' ? (onFulfilled as Method)(given) : given
        },
        (error: unknown) => {
          fail(error)
          if (typeof onRejected === 'function') return (onRejected as Method)(error)
          throw error
        },
      ])
    } catch (error) {
      fail(error)
      throw error
    }
  })
}

/** Measured from its first step until it is done, is returned from, or throws. */
function observeGenerator<T>(generator: Generator | AsyncGenerator, first: T, watcher: Watcher<T>): void {
  let call = first
  let state: 'new' | 'begun' | 'ended' = 'new'

  const onResult = (result: IteratorResult<unknown>): IteratorResult<unknown> => {
    if (result.done !== true || state !== 'begun') return result
    state = 'ended'
    watcher.succeed(call, result.value)
    return result
  }
  const onError = (error: unknown): never => {
    if (state === 'begun') watcher.fail(call, error)
    state = 'ended'
    throw error
  }
  const observed = (method: Method, begins: boolean): Method =>
    function (...args) {
      if (begins && state === 'new') {
        state = 'begun'
        call = watcher.resume(first)
      } else if (state === 'new') {
        state = 'ended' // returned from before its first step: there was no work
        watcher.discard(first)
      }
      let result: unknown
      try {
        result = watcher.step(call, method, this, args)
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
