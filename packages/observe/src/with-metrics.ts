/**
 * `withMetrics(fn)`: the same function, measured. What the caller passes in and gets out does not change:
 * arguments, `this`, result, thrown object, name, arity, own properties and prototype are the function's own.
 */

import { resolveOptions } from './options.ts'
import type { AnyFunction, ObserveOptions, Preset } from './options.ts'
import { wrap } from './wrap.ts'

const preset: Preset = { of: 'withMetrics', metrics: true, log: false, span: false, level: 'debug' }

/**
 * Measures every call of `fn`: `function.calls` (counter), `function.duration` (histogram, seconds) and
 * `function.active` (gauge) with the labels `function` (its name) and `outcome`
 * (`ok | error | canceled | deadline`; see {@link outcomeOf}), and `function.errors` by `error.type`.
 *
 * A native promise is measured until it settles, a generator from its first step to its last, another thenable
 * from its first `then` until it settles (one that nobody consumes is not counted), everything else until it
 * returns. A function that is measured already is returned as it is.
 *
 * Cost: two clock reads and additions to three cells a call; a promise adds one `then`. The clock is not read while the
 * filter blocks `function.duration`, after shutdown, or with `timeEvery: 0`.
 *
 * @throws ObserveError `KIT_NAME_REQUIRED` for an anonymous function without a name, `KIT_NOT_A_FUNCTION`,
 *   `KIT_OBSERVE_OPTION_UNKNOWN`, `KIT_OBSERVE_OPTION_INVALID`. Calls of the result throw what `fn` throws, and nothing else.
 */
export function withMetrics<F extends AnyFunction>(fn: F, options?: ObserveOptions<NoInfer<F>>): F
export function withMetrics<F extends AnyFunction>(
  name: string,
  fn: F,
  options?: ObserveOptions<NoInfer<F>>,
): F
export function withMetrics(...args: Wrapping): AnyFunction {
  return wrapWith(preset, args)
}

/** The arguments of a function that wraps: the name may be left out where the function has one. */
export type Wrapping = [first: string | AnyFunction, second?: unknown, third?: unknown]

/** Wraps by the arguments of `withMetrics` and its like; internal. */
export function wrapWith(how: Preset, [first, second, third]: Wrapping): AnyFunction {
  const isNamed = typeof first === 'string'
  const fn = (isNamed ? second : first) as AnyFunction
  return wrap(how.of, isNamed ? first : fn?.name, fn, resolveOptions(how, isNamed ? third : second))
}
