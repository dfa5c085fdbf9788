/**
 * How a piece of work ended. Four words, the same for a function and for a request, so that a cancelled call
 * is never counted as a failure and a missed deadline is never mistaken for a caller who left; and, for failures,
 * a name of their kind that is fit for a label.
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

/** The `error.type` of a result that `isFailure` did not find good: nothing was thrown that has a name. */
export const failedResult = 'failed_result'

/** Whether a result stands for a failure. A predicate that cannot judge a result has not found it good. */
export function fails(isFailure: ((result: never) => boolean) | undefined, result: unknown): boolean {
  if (isFailure === undefined) return false
  try {
    return isFailure(result as never)
  } catch {
    return true
  }
}

/**
 * `error.type` of OpenTelemetry's conventions: `deadline_exceeded`; none ('') for a call that was cancelled, which is no
 * error; else the `code` of what was thrown, if it looks like one (`ECONNREFUSED`), or of its `cause`; else its name; else
 * `_OTHER`. Never the message, which has no bound. Never throws.
 */
export function errorTypeOf(error: unknown): string {
  const outcome = outcomeOf(error)
  if (outcome === 'deadline') return 'deadline_exceeded'
  if (outcome === 'canceled') return ''
  try {
    return codeOf(error) ?? codeOf(Reflect.get(Object(error), 'cause')) ?? nameOf(error) ?? '_OTHER'
  } catch {
    return '_OTHER'
  }
}

/** Codes of systems and libraries are words in capitals; others, such as those of HTTP or PostgreSQL, are not codes alone. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' && isWord(code, false) ? code : undefined
}

function nameOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const name: unknown = error.name
  return typeof name === 'string' && isWord(name, true) ? name : undefined
}

/**
 * Whether the text is a letter and then letters, digits and `_`, at most 64 in all. Without a regular expression: when the
 * stack is full, Node 20 aborts the process where one has to be compiled, and errors pass here just then.
 */
function isWord(text: string, smallLetters: boolean): boolean {
  if (text.length > 64 || text.length < 2) return false
  for (let i = 0; i < text.length; i += 1) {
    const char = text.charCodeAt(i)
    const isLetter = (char >= 65 && char <= 90) || (smallLetters && char >= 97 && char <= 122)
    const isOther = (char >= 48 && char <= 57) || char === 95
    if (!isLetter && !(isOther && i > 0)) return false
  }
  return true
}
