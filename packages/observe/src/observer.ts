/**
 * All that can be done about the calls of one function: metrics, log lines, a span, a deadline of its own, labels, an end
 * told by a callback or by the end of a stream. It costs an object a call; where only metrics are asked for, `Meter` does
 * without.
 */

import type { CancelContext, Context } from '@kit/context'
import { clock, current, isContext, race } from '@kit/context'
import type { Span } from '@opentelemetry/api'
import { holdsBody, untilConsumed } from './consumed.ts'
import type { Lines } from './lines.ts'
import { secondsSince } from './meter.ts'
import type { Meter } from './meter.ts'
import { errorTypeOf, failedResult, fails, outcomeOf } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { carryOver, isNativePromise } from './settle.ts'
import { closeSpan, endSpan, enter, openSpan } from './tracing.ts'
import type { Method, Watcher } from './watcher.ts'

/** What an observer does, decided when the function is wrapped. */
export interface Plan {
  readonly name: string
  readonly meter: Meter | undefined
  readonly lines: Lines | undefined
  readonly span: boolean
  readonly labels: ((args: never, result: never) => unknown) | undefined
  readonly isFailure: ((result: never) => boolean) | undefined
  readonly timeoutMs: number | undefined
  readonly callback: number | undefined
  readonly untilConsumed: boolean
}

/**
 * `race`, on a stack that may be full: then the promise itself is given out, or one that has failed. What is given out is
 * all that anybody handles, so nothing else here may be left with a rejection, which would end the process.
 */
function raceWith(ctx: Context, promise: Promise<unknown>): Promise<unknown> {
  try {
    promise.then(ignore, ignore)
  } catch {
    return promise
  }
  const raced = race(ctx, promise)
  try {
    carryOver(promise, raced)
  } catch {
    // Whatever is missing on it.
  }
  return raced
}

function ignore(): void {}

/** One call under way. */
export class Call {
  /** What the function was called with. */
  readonly given: unknown[]
  /** What it is called with: the derived context and the callback that is listened to are in their places. */
  args: unknown[]
  /** When it began; NaN if it is not timed. */
  startMs: number = NaN
  /** The context that was derived for it, or that it was given; undefined: the ambient one. */
  ctx: Context | undefined = undefined
  /** Whether that was derived, so that it must be entered. */
  derived: boolean = false
  deadline: CancelContext | undefined = undefined
  span: Span | undefined = undefined
  /** Whether its end comes by callback. */
  calledBack: boolean = false
  /** Whether it counts among the active ones. */
  counted: boolean = false
  ended: boolean = false

  constructor(args: unknown[]) {
    this.given = args
    this.args = args
  }
}

/** Watches the calls of one function in every way that its plan asks for. */
export class Observer implements Watcher<Call> {
  readonly meter: Meter | undefined
  readonly #plan: Plan

  constructor(plan: Plan) {
    this.meter = plan.meter
    this.#plan = plan
  }

  /** Opens a call. What needs much of the stack comes before what is counted. */
  begin(call: Call): void {
    const { span, timeoutMs, callback, lines } = this.#plan
    const args = call.given
    if (isContext(args[0])) call.ctx = args[0]
    if (span) this.#openSpan(call)
    if (timeoutMs !== undefined) {
      call.deadline = (call.ctx ?? current()).withTimeout(timeoutMs, `the timeout of ${this.#plan.name}`)
      call.ctx = call.deadline
      call.derived = true
    }
    if (call.derived && isContext(args[0])) call.args = args.with(0, call.ctx)
    if (callback !== undefined) this.#listen(call, callback < 0 ? args.length + callback : callback)
    lines?.started(call.ctx, call.span)
    this.#start(call)
  }

  /** Calls the function for a call that is open. */
  run(call: Call, invoke: Method): unknown {
    const result = this.step(call, invoke, undefined, call.args)
    if (call.deadline === undefined || !isNativePromise(result)) return result
    return raceWith(call.deadline, result)
  }

  step(call: Call, method: Method, self: unknown, args: unknown[]): unknown {
    if (!call.derived || call.ctx === undefined) return Reflect.apply(method, self, args)
    return enter(call.ctx, () => Reflect.apply(method, self, args))
  }

  succeed(call: Call, result: unknown): unknown {
    if (this.#plan.untilConsumed) {
      const consumed = untilConsumed(result, {
        ended: () => this.#judge(call, result),
        failed: (error) => this.fail(call, error),
      })
      if (consumed !== undefined) return consumed
    }
    this.#judge(call, result)
    return result
  }

  fail(call: Call, error: unknown): void {
    this.#end(call, outcomeOf(error), errorTypeOf(error), error, undefined)
  }

  pause(call: Call): void {
    this.#plan.meter?.pause()
    call.counted = false
    call.startMs = NaN
  }

  resume(call: Call): Call {
    this.#start(call)
    return call
  }

  discard(call: Call): void {
    call.ended = true
    if (call.span !== undefined) endSpan(call.span)
    call.deadline?.cancel()
  }

  #start(call: Call): void {
    const { meter, lines } = this.#plan
    if (meter !== undefined) {
      call.startMs = meter.begin()
      call.counted = true
    }
    if (lines?.wantsTime === true && Number.isNaN(call.startMs)) call.startMs = clock.now()
  }

  #openSpan(call: Call): void {
    const opened = openSpan(this.#plan.name, call.ctx)
    if (opened === undefined) return
    call.span = opened.span
    call.ctx = opened.ctx
    call.derived = true
  }

  #listen(call: Call, index: number): void {
    const callback = call.args[index]
    if (typeof callback !== 'function') return
    const told = (error: unknown, result: unknown): void => {
      if (error === null || error === undefined) this.#judge(call, result)
      else this.fail(call, error)
    }
    const listening = function (this: unknown, ...args: unknown[]): unknown {
      told(args[0], args[1])
      return Reflect.apply(callback as Method, this, args)
    }
    call.args = call.args.with(index, listening)
    call.calledBack = true
  }

  #judge(call: Call, result: unknown): void {
    if (fails(this.#plan.isFailure, result)) this.#end(call, 'error', failedResult, undefined, result)
    else this.#end(call, 'ok', '', undefined, result)
  }

  #end(call: Call, outcome: Outcome, errorType: string, error: unknown, result: unknown): void {
    if (call.ended) return
    const { meter, lines } = this.#plan
    const { ctx, span } = call
    const seconds = secondsSince(call.startMs)
    const extra = this.#labelsOf(call, result)
    if (call.counted) meter?.end(seconds, outcome, errorType, extra)
    call.ended = true
    lines?.ended({ ctx, span, outcome, errorType, error, seconds, extra })
    if (span !== undefined) closeSpan(span, outcome, errorType, error, extra)
    // Who reads a body later reads it under the deadline still; one that was missed has nothing left to cancel.
    if (call.deadline !== undefined && !holdsBody(result)) call.deadline.cancel()
  }

  #labelsOf(call: Call, result: unknown): object | undefined {
    const { labels, meter } = this.#plan
    if (labels === undefined) return undefined
    let given: unknown
    try {
      given = labels(call.given as never, result as never)
    } catch {
      meter?.dropLabels('labels_threw')
      return undefined
    }
    if (given === undefined) return undefined
    try {
      // Read here and once: a getter that throws later would stand in for what the function has returned.
      if (typeof given === 'object' && given !== null) return { ...given }
    } catch {
      // Counted like what is no object.
    }
    meter?.dropLabels('bad_labels')
    return undefined
  }
}
