/**
 * `withLog(fn)`: the same function, whose calls are told to the log: a line when one starts and a line when it ends.
 */

import type { AnyFunction, ObserveOptions, Preset } from './options.ts'
import { wrapWith } from './with-metrics.ts'
import type { Wrapping } from './with-metrics.ts'

const preset: Preset = { of: 'withLog', metrics: false, log: true, span: false, level: 'info' }

/**
 * Logs every call of `fn`: `call started` at `debug`, then `call finished` or `call canceled` at `info`, `call missed its
 * deadline` at `warn` or `call failed` at `error`, with `function`, `outcome`, `durationMs`, and for failures `errorType` and
 * `err`. Arguments and results are not logged. Lines carry the fields of the context that the function was given as its first
 * argument, else of the ambient one. When a call ends is as for {@link withMetrics}.
 *
 * Cost of a call whose lines nobody wants: an object and some comparisons; the clock is not read.
 *
 * @throws ObserveError as {@link withMetrics}.
 */
export function withLog<F extends AnyFunction>(fn: F, options?: ObserveOptions<NoInfer<F>>): F
export function withLog<F extends AnyFunction>(name: string, fn: F, options?: ObserveOptions<NoInfer<F>>): F
export function withLog(...args: Wrapping): AnyFunction {
  return wrapWith(preset, args)
}
