/**
 * How a piece of work ended. Four words, the same for a function and for a request, so that a cancelled call
 * is never counted as a failure and a missed deadline is never mistaken for a caller who left.
 */

import { isCanceled, isDeadlineExceeded } from '@kit/context'

/** `canceled`: its context was cancelled. `deadline`: its context's deadline passed. `error`: anything else it threw. */
export type Outcome = 'ok' | 'error' | 'canceled' | 'deadline'

/** Every outcome, in the order in which they are documented. */
export const outcomes: readonly Outcome[] = ['ok', 'error', 'canceled', 'deadline']

/** The outcome that `error` stands for, looking through `cause`. Never throws, whatever was thrown. */
export function outcomeOf(error: unknown): Outcome {
  if (isDeadlineExceeded(error)) return 'deadline'
  if (isCanceled(error)) return 'canceled'
  return 'error'
}
