/**
 * When a call ends, by what it returned: a native promise when it settles, lazy work when it is done, everything else at
 * once.
 */

import { types } from 'node:util'
import { observeLazily } from './lazy.ts'
import type { Watcher } from './watcher.ts'

/** Sees to it that the call ends when its result is settled. Returns what the caller is to be given. */
export function settle<T>(result: unknown, call: T, watcher: Watcher<T>): unknown {
  if (typeof result === 'object' && result !== null) {
    if (isNativePromise(result)) return follow(result, call, watcher)
    if (observeLazily(result, call, watcher)) return result
  }
  return watcher.succeed(call, result)
}

/** A subclass may be lazy or carry methods of its own, so only the plain promise may be replaced by its `then`. */
export function isNativePromise(value: unknown): value is Promise<unknown> {
  return types.isPromise(value) && Object.getPrototypeOf(value) === Promise.prototype
}

/** Gives a promise what another carries besides its value: the child process of a promisified `exec`. */
export function carryOver(from: Promise<unknown>, to: Promise<unknown>): void {
  // Named ones only: under symbols, Node keeps on a promise to which calls it belongs.
  for (const key in from) {
    if (Object.hasOwn(from, key)) Reflect.set(to, key, Reflect.get(from, key))
  }
}

/** The promise that is returned is that of `then`, so a rejection that nobody handles stays one. */
function follow<T>(promise: Promise<unknown>, call: T, watcher: Watcher<T>): Promise<unknown> {
  const followed = promise.then(
    (value) => watcher.succeed(call, value),
    (error: unknown) => {
      watcher.fail(call, error)
      throw error
    },
  )
  try {
    carryOver(promise, followed)
  } catch {
    // The stack is full, or a property cannot be read. Whatever is missing, the promise that is watched is the one that is
    // given out: nobody would handle its rejection otherwise, and that ends the process.
  }
  return followed
}
