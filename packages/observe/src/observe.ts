/**
 * `observe(name, fn)`: all of it. The same function, counted and timed, with lines in the log and a span where OpenTelemetry
 * is set up; all three say of a call that it ended in the same way, for the same kind of error.
 */

import type { AnyFunction, ObserveOptions, Preset } from './options.ts'
import { wrapWith } from './with-metrics.ts'
import type { Wrapping } from './with-metrics.ts'

/** What is on for `observe`, and for what wraps many functions at once. */
export const observePreset: Preset = {
  of: 'observe',
  metrics: true,
  log: true,
  span: true,
  level: 'debug',
}

/**
 * Measures every call of `fn` as {@link withMetrics} does, logs it as {@link withLog} does but with starts and good ends at
 * `debug`, and makes it a span, named by `name`, while a tracer provider of OpenTelemetry is registered. A function that
 * takes a context as its first argument is given one whose active span is that of the call.
 *
 * Cost: that of `withMetrics`, and some 120 ns. A span costs what the tracer's costs.
 *
 * @throws ObserveError as {@link withMetrics}.
 */
export function observe<F extends AnyFunction>(fn: F, options?: ObserveOptions<NoInfer<F>>): F
export function observe<F extends AnyFunction>(name: string, fn: F, options?: ObserveOptions<NoInfer<F>>): F
export function observe(...args: Wrapping): AnyFunction {
  return wrapWith(observePreset, args)
}
