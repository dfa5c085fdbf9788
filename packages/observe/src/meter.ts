/**
 * What is counted about one named function: how often it was called, how it ended, how long it took and how many calls
 * are under way. Cells are bound when the function is wrapped or at an outcome's first occurrence, so that a call
 * touches numbers only; of a call under way it remembers when it began, and nothing else.
 */

import { clock } from '@kit/context'
import type {
  BoundCounter,
  BoundGauge,
  BoundHistogram,
  Counter,
  Gauge,
  Histogram,
  Metrics,
} from '@kit/metrics'
import { ExtraLabels } from './extra-labels.ts'
import { errorTypeOf, failedResult, fails, outcomeOf } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import type { Method, Watcher } from './watcher.ts'

/** Kinds of errors that one function may have in `function.errors`; further ones are `_OTHER`. */
const maxErrorTypes = 32

const callLabels = ['function', 'outcome'] as const
type CallLabel = (typeof callLabels)[number]

/** The instruments of all wrapped functions. */
interface Instruments {
  readonly calls: Counter<CallLabel>
  readonly duration: Histogram<CallLabel>
  readonly active: Gauge<'function'>
  readonly errors: Counter<'function' | 'error.type'>
}

/** Declares what is recorded. Throws a `MetricsError` where one of the names is taken by something else. */
export function declareInstruments(metrics: Metrics): Instruments {
  return {
    calls: metrics.counter('function.calls', {
      help: 'Calls of a wrapped function that have ended, by outcome.',
      labels: callLabels,
      open: true,
    }),
    duration: metrics.histogram('function.duration', {
      help: 'Time from the call of a wrapped function until it settled.',
      labels: callLabels,
      unit: 's',
      open: true,
    }),
    active: metrics.gauge('function.active', {
      help: 'Calls of a wrapped function that are under way.',
      labels: ['function'],
    }),
    errors: metrics.counter('function.errors', {
      help: 'Calls of a wrapped function that failed or missed their deadline, by the kind of error.',
      labels: ['function', 'error.type'],
    }),
  }
}

/** The recording side of one wrapped function. What stands for a call is when it began in ms, NaN if it is not timed. */
export class Meter implements Watcher<number> {
  /** Calls that ended while the stack was full, by a mere addition: the next call that ends settles them. */
  owedOks: number = 0
  owedErrors: number = 0
  readonly #name: string
  readonly #isFailure: ((result: never) => boolean) | undefined
  readonly #timeEvery: number
  #untilTimed: number = 1
  readonly #calls: Counter<CallLabel>
  readonly #duration: Histogram<CallLabel>
  readonly #active: BoundGauge
  readonly #errors: Counter<'function' | 'error.type'>
  readonly #errorCells: Map<string, BoundCounter>
  readonly #extra: ExtraLabels | undefined
  #ok: Cells | undefined
  readonly #failed: { [O in Outcome]?: Cells }

  constructor(
    name: string,
    metrics: Metrics,
    timeEvery: number,
    isFailure: ((result: never) => boolean) | undefined,
    hasLabels: boolean,
  ) {
    const { calls, duration, active, errors } = declareInstruments(metrics)
    this.#name = name
    this.#isFailure = isFailure
    this.#timeEvery = timeEvery
    this.#calls = calls
    this.#duration = duration
    this.#active = active.labels({ function: name })
    this.#errors = errors
    this.#errorCells = new Map()
    this.#extra = hasLabels ? new ExtraLabels(metrics, callLabels) : undefined
    this.#ok = undefined
    this.#failed = {}
  }

  /** Opens a call, and says whether it is to be timed. Should the stack be full, nothing has been recorded. */
  open(): boolean {
    const isTimed = this.#isTimed()
    this.#active.inc()
    return isTimed
  }

  /** Opens a call and returns what stands for it. */
  begin(): number {
    const startMs = this.#isTimed() ? clock.now() : NaN
    this.#active.inc()
    return startMs
  }

  /**
   * Closes a call. `seconds` is NaN if it was not timed. What needs the most stack comes first: if it overflows here,
   * nothing but a duration was recorded, and the call can be owed.
   */
  end(seconds: number, outcome: Outcome, errorType: string, extra: unknown): void {
    if (this.owedErrors + this.owedOks > 0) this.#settleDebts()
    const given = extra === undefined ? undefined : this.#extra?.accept(extra)
    if (given !== undefined) {
      this.#endWith(seconds, errorType, { ...given, function: this.#name, outcome })
      return
    }
    const cells = this.#cellsOf(outcome)
    if (errorType !== '') this.#errorsOf(errorType).inc()
    if (seconds >= 0) cells.duration.observe(seconds)
    this.#active.dec()
    cells.calls.inc()
  }

  succeed(startMs: number, result: unknown): unknown {
    if (this.#isFailure !== undefined && fails(this.#isFailure, result)) {
      this.end(secondsSince(startMs), 'error', failedResult, undefined)
    } else this.#endWell(startMs)
    return result
  }

  fail(startMs: number, error: unknown): void {
    this.end(secondsSince(startMs), outcomeOf(error), errorTypeOf(error), undefined)
  }

  pause(): void {
    this.#active.dec()
  }

  resume(): number {
    return this.begin()
  }

  discard(): void {
    // A number is nothing to take leave of.
  }

  step(_startMs: number, method: Method, self: unknown, args: unknown[]): unknown {
    return Reflect.apply(method, self, args)
  }

  /** Labels of the user's own could not be had. */
  dropLabels(reason: 'labels_threw' | 'bad_labels'): void {
    this.#extra?.drop(reason)
  }

  /** One call in `timeEvery`, the first one included; none while nobody would be told. */
  #isTimed(): boolean {
    if (this.#timeEvery !== 1) {
      if (this.#timeEvery === 0) return false
      this.#untilTimed -= 1
      if (this.#untilTimed !== 0) return false
      this.#untilTimed = this.#timeEvery
    }
    return this.#duration.enabled
  }

  /** What nearly every call comes to, short enough to be compiled into the wrapper. */
  #endWell(startMs: number): void {
    if (this.owedErrors + this.owedOks > 0) this.#settleDebts()
    const { calls, duration } = (this.#ok ??= this.#cellsOf('ok'))
    if (!Number.isNaN(startMs)) duration.observe(Math.max(0, clock.now() - startMs) / 1000)
    this.#active.dec()
    calls.inc()
  }

  #endWith(seconds: number, errorType: string, labels: Record<CallLabel, string>): void {
    const { calls, duration } = this.#bind(labels)
    if (errorType !== '') this.#errorsOf(errorType).inc()
    if (seconds >= 0) duration.observe(seconds)
    this.#active.dec()
    calls.inc()
  }

  /** Also here, what needs the most stack comes first, and the debts are there until they are paid. */
  #settleDebts(): void {
    const { owedOks, owedErrors } = this
    const ok = owedOks > 0 ? this.#cellsOf('ok') : undefined
    const error = owedErrors > 0 ? this.#cellsOf('error') : undefined
    if (owedErrors > 0) this.#errorsOf('RangeError').inc(owedErrors)
    this.#active.dec(owedOks + owedErrors)
    ok?.calls.inc(owedOks)
    error?.calls.inc(owedErrors)
    this.owedOks -= owedOks
    this.owedErrors -= owedErrors
  }

  #errorsOf(errorType: string): BoundCounter {
    const known = this.#errorCells.get(errorType)
    if (known !== undefined) return known
    if (this.#errorCells.size >= maxErrorTypes && errorType !== '_OTHER') return this.#errorsOf('_OTHER')
    const cell = bound(this.#errors.labels({ function: this.#name, 'error.type': errorType }))
    this.#errorCells.set(errorType, cell)
    return cell
  }

  #cellsOf(outcome: Outcome): Cells {
    return (this.#failed[outcome] ??= this.#bind({ function: this.#name, outcome }))
  }

  #bind(labels: Record<CallLabel, string>): Cells {
    return { calls: bound(this.#calls.labels(labels)), duration: bound(this.#duration.labels(labels)) }
  }
}

/**
 * A handle that records. On a full stack even finding a series fails, and what is given instead drops all it gets; it must
 * not be kept, so this throws and the call is owed.
 */
function bound<C extends object>(cell: C): C {
  if ('labelValues' in cell) return cell
  throw new RangeError('no series was found')
}

interface Cells {
  readonly calls: BoundCounter
  readonly duration: BoundHistogram
}

/** NaN for a call that is not timed, whose start is NaN. */
export function secondsSince(startMs: number): number {
  return Number.isNaN(startMs) ? NaN : Math.max(0, clock.now() - startMs) / 1000
}
