/*
 * What the methods of a context accept, and what they throw at the call that gets it wrong.
 */
import type { Context } from './context.ts'
import { ContextError } from './errors.ts'

/** Throws KIT_INVALID_CALLBACK unless it is a function; internal. */
export function assertCallback(fn: unknown): void {
  if (typeof fn === 'function') return
  throw new ContextError('KIT_INVALID_CALLBACK', 'afterFunc needs a function to run when the context ends')
}

/** Throws KIT_INVALID_TIMEOUT unless it is a number of milliseconds, Infinity included; internal. */
export function assertTimeout(ms: unknown): void {
  if (typeof ms === 'number' && !Number.isNaN(ms)) return
  throw new ContextError(
    'KIT_INVALID_TIMEOUT',
    'withTimeout needs a number of milliseconds; Infinity sets none',
  )
}

/** The number behind a Date or a number; internal. Throws KIT_INVALID_DEADLINE. */
export function timeOf(at: Date | number): number {
  const time = attempted(() => (at instanceof Date ? at.getTime() : at))
  if (typeof time === 'number' && !Number.isNaN(time)) return time
  throw new ContextError(
    'KIT_INVALID_DEADLINE',
    'withDeadline needs a valid Date, or a number of milliseconds on the clock of performance.now()',
  )
}

/** Throws KIT_INVALID_SIGNAL unless it looks like an AbortSignal; internal. */
export function assertSignal(signal: AbortSignal): void {
  const fits = attempted(
    () => typeof signal?.aborted === 'boolean' && typeof signal.removeEventListener === 'function',
  )
  if (fits !== true) throw new ContextError('KIT_INVALID_SIGNAL', 'withSignal needs an AbortSignal')
}

/** What is found in an argument; undefined if it throws when it is looked at, as a revoked proxy does. */
function attempted<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}

/** The error of `cancel` on a context that has no cancellation of its own; internal. */
export function notCancelable(ctx: Context): ContextError {
  return new ContextError(
    'KIT_NOT_CANCELABLE',
    `${ctx.toString()} has no cancel of its own: derive one with withCancel(), and cancel that`,
  )
}
