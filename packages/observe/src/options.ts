/**
 * The options that all ways of wrapping share, and what they come to. The ways differ in what is on when nothing is said:
 * `withMetrics` counts, `withLog` logs, `observe` does both and makes spans.
 */

import type { LineLevel, Logger } from '@kit/log'
import { defaultLogger } from '@kit/log'
import type { Labels, Metrics } from '@kit/metrics'
import { metrics as defaultMetrics } from '@kit/metrics'
import { ObserveError } from './errors.ts'

/** Any function: `never[]` keeps overloads, generics and `this` of the wrapped one intact. */
export type AnyFunction = (...args: never[]) => unknown

/** Options of every way to wrap a function. */
export interface ObserveOptions<F extends AnyFunction = AnyFunction> {
  /** Where to count; false: nowhere. Default: the process-wide metrics, nowhere for `withLog`. */
  metrics?: Metrics | false | undefined
  /** Where to log; true: the process-wide logger. Default: that one, false for `withMetrics`. */
  log?: Logger | boolean | undefined
  /**
   * The level of the line for a call that ended well or was cancelled; `info` for `withLog`, `debug` else. A start is
   * logged at `debug`, a missed deadline at `warn`, an error at `error`.
   */
  level?: LineLevel | undefined
  /** Whether calls are spans of OpenTelemetry, where a tracer provider is registered. Default: true for `observe` only. */
  span?: boolean | undefined
  /**
   * Further labels of a call that ended, for `function.calls` and `function.duration`, its line and its span; `result` is
   * undefined if there is none. Few values each: every combination is a series. What throws, or is no label, is dropped
   * and counted in `kit.observe.dropped`; the call is counted without.
   */
  labels?: ((args: Parameters<F>, result: Awaited<ReturnType<F>> | undefined) => Labels) | undefined
  /** True when a returned, resolved or called-back value stands for a failure: its call counts as `error`. Default: never. */
  isFailure?: ((result: Awaited<ReturnType<F>>) => boolean) | undefined
  /** A call that ends well but takes this long, in ms, is logged at `warn`. Default: none is. */
  slowMs?: number | undefined
  /**
   * A deadline of its own for each call, in ms: the function gets a context that ends then, as its first argument, if that
   * is a context, and as the ambient one. A promise is not waited for any longer, and rejects with that context's error.
   * Default: none.
   */
  timeoutMs?: number | undefined
  /** Which argument is a callback `(error, result)` that ends the call, from 0; -1 is the last. Default: none is. */
  callback?: number | undefined
  /** Times one call in so many, the first included; 0: none. Counts stay exact. Default 1. */
  timeEvery?: number | undefined
  /** Whether a call that returns a stream or a `Response` lasts until that was read. Default: false. */
  untilConsumed?: boolean | undefined
}

/** What is on when nothing is said. */
export interface Preset {
  readonly of: string
  readonly metrics: boolean
  readonly log: boolean
  readonly span: boolean
  readonly level: LineLevel
}

/** Options with their defaults; see {@link ObserveOptions}. */
export interface Resolved {
  readonly metrics: Metrics | undefined
  readonly log: Logger | undefined
  readonly level: LineLevel
  readonly span: boolean
  readonly labels: ((args: never, result: never) => unknown) | undefined
  readonly isFailure: ((result: never) => boolean) | undefined
  readonly slowMs: number | undefined
  readonly timeoutMs: number | undefined
  readonly callback: number | undefined
  readonly timeEvery: number
  readonly untilConsumed: boolean
}

const levels: readonly unknown[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] satisfies LineLevel[]

const names = [
  'metrics',
  'log',
  'level',
  'span',
  'labels',
  'isFailure',
  'slowMs',
  'timeoutMs',
  'callback',
  'timeEvery',
  'untilConsumed',
] as const satisfies readonly (keyof ObserveOptions)[]

type Given = { readonly [K in (typeof names)[number]]?: unknown }

/** Checks options and fills in defaults. `more` are names that the caller reads itself. */
export function resolveOptions(preset: Preset, options: unknown, more: readonly string[] = []): Resolved {
  checkNames(preset.of, options, [...names, ...more])
  const given: Given = options ?? {}
  const check = checker(preset.of, given)
  check('level', (value) => levels.includes(value), 'a level from trace to fatal')
  check('labels', isFunction, 'a function (args, result) that returns labels')
  check('isFailure', isFunction, 'a function (result) that returns a boolean')
  check('slowMs', isPositive, 'a positive number of milliseconds')
  check('timeoutMs', isPositive, 'a positive number of milliseconds')
  check('callback', Number.isSafeInteger, 'the index of an argument; -1 is the last')
  check(
    'timeEvery',
    (value) => Number.isSafeInteger(value) && (value as number) >= 0,
    'an integer, 0 or more',
  )
  check('untilConsumed', isBoolean, 'true or false')
  check('span', isBoolean, 'true or false')
  check(
    'metrics',
    (value) => value === false || has(value, ['counter', 'gauge', 'histogram']),
    'metrics or false',
  )
  check(
    'log',
    (value) => isBoolean(value) || has(value, ['isLevelEnabled', 'withContext']),
    'a logger or a boolean',
  )
  const settings: ObserveOptions | undefined = options
  const { metrics = preset.metrics ? defaultMetrics : false, log = preset.log } = settings ?? {}
  if (settings?.slowMs !== undefined && log === false) {
    throw invalid(preset.of, 'slowMs is for a line in the log: give it a log')
  }
  return {
    metrics: metrics === false ? undefined : metrics,
    log: log === false ? undefined : log === true ? defaultLogger() : log,
    level: settings?.level ?? preset.level,
    span: settings?.span ?? preset.span,
    labels: settings?.labels,
    isFailure: settings?.isFailure,
    slowMs: settings?.slowMs,
    timeoutMs: settings?.timeoutMs,
    callback: settings?.callback,
    timeEvery: settings?.timeEvery ?? 1,
    untilConsumed: settings?.untilConsumed ?? false,
  }
}

/** The error of an option that has a value it cannot have. */
export function invalid(of: string, what: string): ObserveError {
  return new ObserveError('KIT_OBSERVE_OPTION_INVALID', `${of}: ${what}.`)
}

function checkNames(
  of: string,
  options: unknown,
  known: readonly string[],
): asserts options is object | undefined {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) throw invalid(of, 'the options are an object')
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue
    throw new ObserveError(
      'KIT_OBSERVE_OPTION_UNKNOWN',
      `${of} has no option "${key}". Its options are ${known.join(', ')}.`,
    )
  }
}

function checker(of: string, given: Given) {
  return (name: keyof Given, fits: (value: unknown) => boolean, what: string): void => {
    const value = given[name]
    if (value !== undefined && !fits(value)) throw invalid(of, `${name} is ${what}`)
  }
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && value > 0
}

function has(value: unknown, methods: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false
  return methods.every((name) => typeof Reflect.get(value, name) === 'function')
}
