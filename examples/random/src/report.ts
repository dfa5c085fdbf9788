/** What the program says: what is about to happen, what it came to, and with which exit code. */

import { constants } from 'node:os'
import { isCanceled, isDeadlineExceeded } from '@kit/context'
import type { Args } from './args.ts'
import { DeadlockError } from './deadlock.ts'
import type { Found, Outcome, Plan, Tally } from './search.ts'

/** The verdict on a search. */
export interface Report {
  readonly exitCode: number
  /** The line that counts. */
  readonly headline: string
  readonly details: readonly string[]
}

/** What is about to happen. `wallMs` is now, in ms since the epoch. */
export function announcement({ variant, limitMs, plan }: Args, wallMs: number): string[] {
  const lines = [
    `${number(plan.workers, 'worker')} ${plan.workers === 1 ? 'searches' : 'search'} for ${number(plan.find)} ` +
      `among 0 … ${number(plan.range - 1)}: ${number(plan.draws, 'draw')} each, seed ${plan.seed}`,
  ]
  if (variant === 'deadline') lines.push(`until ${timeOfDay(wallMs + limitMs)}, ${seconds(limitMs)} from now`)
  if (variant === 'timeout') lines.push(`for ${seconds(limitMs)} at most`)
  return lines
}

/** What it came to. `deadlineMs` is the deadline that was set, on the clock of `performance.now()`. */
export function reportOf(
  outcome: Outcome,
  plan: Plan,
  tally: Readonly<Tally>,
  deadlineMs: number | undefined,
): Report {
  const { found, error, startedMs, toldMs } = outcome
  if (found !== undefined) return foundReport(found, plan, tally, toldMs - startedMs)

  const asleep = `${number(tally.asleep)} of ${number(plan.workers, 'worker')}`
  const drawn = `after ${number(tally.draws, 'draw')} in all`
  const ended = `ended by now: ${number(tally.ended)} of ${number(tally.started)}`
  const stopped = `${number(tally.stopped)} of ${number(tally.started)}; ${ended}`
  if (error instanceof DeadlockError) {
    return {
      exitCode: 2, // as Go's
      headline: `fatal error: ${error.message}`,
      details: [
        'main waits for an answer that nobody is left to give: the event loop is empty',
        `${asleep} asleep, their draws used up, ${drawn}`,
        `main then cancelled them: ${stopped}`,
      ],
    }
  }
  const message = error instanceof Error ? error.message : String(error)
  const late =
    tally.started === plan.workers ? '' : `, ${number(plan.workers - tally.started)} not started yet`
  const state = `${asleep} asleep, ${number(tally.started - tally.asleep)} still searching${late}, ${drawn}`
  const rest = `the end reached them: ${stopped}`
  if (isDeadlineExceeded(error)) {
    const lateMs = deadlineMs === undefined ? 0 : toldMs - deadlineMs
    return {
      exitCode: 1,
      headline: message,
      details: [`main was told ${lateMs.toFixed(1)} ms after that instant`, state, rest],
    }
  }
  return { exitCode: isCanceled(error) ? signalCode(error) : 1, headline: message, details: [state, rest] }
}

function foundReport(
  { worker, draws }: Found,
  plan: Plan,
  tally: Readonly<Tally>,
  elapsedMs: number,
): Report {
  const others = plan.workers - 1
  const details = [`${number(tally.draws, 'draw')} by all of them in ${seconds(elapsedMs)}`]
  if (others > 0) {
    details.push(
      `the others were cancelled: ${number(tally.stopped)} of ${number(others)}; ` +
        `ended by now: ${number(tally.ended - 1)} of ${number(others)}`,
    )
  }
  return {
    exitCode: 0,
    headline: `worker ${number(worker)} found ${number(plan.find)} with its ${ordinal(draws)} draw`,
    details,
  }
}

/** 128 and the number of the signal, as a shell says it; the signal is the cause of the cancellation. */
function signalCode(error: unknown): number {
  const { cause } = error as { cause?: unknown }
  return 128 + (constants.signals[cause as NodeJS.Signals] ?? 0)
}

/** `1 worker`, `10,000 workers`. */
export function number(value: number, noun?: string): string {
  const text = value.toLocaleString('en')
  return noun === undefined ? text : `${text} ${noun}${value === 1 ? '' : 's'}`
}

/** `0.25 s`, `120 s`. */
export function seconds(ms: number): string {
  return `${number(Math.round(ms / 10) / 100)} s`
}

function ordinal(value: number): string {
  const tens = value % 100
  const suffix = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][value % 10] ?? 'th')
  return `${number(value)}${suffix}`
}

function timeOfDay(wallMs: number): string {
  const date = new Date(wallMs)
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  )
  return `${time.join(':')}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
