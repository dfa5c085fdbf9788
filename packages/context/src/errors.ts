/*
 * The errors of this package. `CanceledError` and `DeadlineExceededError` are what a context ends with; their names
 * are those of the platform's abort errors, so existing `error.name === 'AbortError'` checks keep working.
 * `ContextError` reports a mistake of the caller and is thrown at once. `isCanceled` and `isDeadlineExceeded` tell
 * the two endings apart however deep an error was wrapped on its way.
 */
import { atStackDepth } from './stack-depth.ts'

/** What a `ContextError` complains about. */
export type ContextErrorCode =
  /** A function was expected. */
  | 'KIT_INVALID_CALLBACK'
  /** The value is no context of this package. */
  | 'KIT_INVALID_CONTEXT'
  /** The deadline is neither a number nor a valid Date. */
  | 'KIT_INVALID_DEADLINE'
  /** The key was not made by `createKey`, or its name is empty. */
  | 'KIT_INVALID_KEY'
  /** An option has a value it cannot have. */
  | 'KIT_INVALID_OPTION'
  /** The value is no child process. */
  | 'KIT_INVALID_PROCESS'
  /** The value is no AbortSignal, or no operating-system signal that can be caught. */
  | 'KIT_INVALID_SIGNAL'
  /** The value is nothing that can be destroyed. */
  | 'KIT_INVALID_STREAM'
  /** The duration is no number of milliseconds. */
  | 'KIT_INVALID_TIMEOUT'
  /** The value is no worker thread. */
  | 'KIT_INVALID_WORKER'
  /** `cancel` was called on a context that has no cancellation of its own. */
  | 'KIT_NOT_CANCELABLE'

/** A mistake in calling this package, thrown at the call that made it. Its message says what to do. */
export class ContextError extends Error {
  declare readonly name: 'ContextError'
  readonly code: ContextErrorCode

  constructor(code: ContextErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

/**
 * How a context ends when someone cancels it: Go's `context.Canceled`. `cause` is the reason given, where one was.
 * The kit builds it without a stack trace: it says that work was given up, not where a fault is.
 */
export class CanceledError extends Error {
  declare readonly name: 'AbortError'
  readonly code = 'KIT_CANCELED' as const

  constructor(message = 'context canceled', options?: ErrorOptions) {
    super(message, options)
  }
}

/**
 * How a context ends when its deadline passes: Go's `context.DeadlineExceeded`. The message names the deadline and
 * says how late it was noticed. `cause` is the one given with the deadline, where one was.
 * The kit builds it without a stack trace.
 */
export class DeadlineExceededError extends Error {
  declare readonly name: 'TimeoutError'
  readonly code = 'KIT_DEADLINE_EXCEEDED' as const
  /** True, as `Timeout()` of Go's net.Error. */
  readonly timeout = true as const

  constructor(message = 'context deadline exceeded', options?: ErrorOptions) {
    super(message, options)
  }
}

// Names live on the prototypes, as those of the built-in errors do: a field would show up in every log line.
for (const [type, name] of [
  [ContextError, 'ContextError'],
  [CanceledError, 'AbortError'],
  [DeadlineExceededError, 'TimeoutError'],
] as const) {
  Object.defineProperty(type.prototype, 'name', { value: name, writable: true, configurable: true })
}

/**
 * Whether the error says that work was cancelled. Walks `cause`; the first error that a context ended with decides,
 * so an error for which this is true is never `isDeadlineExceeded` as well. An `AbortError` of the platform counts
 * by what it wraps, and as cancelled when it wraps nothing known. Never throws, whatever the value.
 */
export function isCanceled(error: unknown): boolean {
  return classify(error) === 'KIT_CANCELED'
}

/**
 * Whether the error says that a deadline passed. Walks `cause`; the first error that a context ended with decides.
 * The `TimeoutError` of `AbortSignal.timeout` counts too, also inside an `AbortError`. Never throws.
 */
export function isDeadlineExceeded(error: unknown): boolean {
  return classify(error) === 'KIT_DEADLINE_EXCEEDED'
}

/** Builds the error of a cancelled context; internal. */
export function canceledError(cause: unknown): CanceledError {
  const text = textOf(cause)
  const message = text === '' ? 'context canceled' : `context canceled: ${text}`
  return atStackDepth(0, () => new CanceledError(message, optionsOf(cause)))
}

/** Builds the error of a passed deadline; internal. `whose` names the deadline, `lateMs` is when it was noticed. */
export function deadlineExceededError(whose: string, lateMs: number, cause: unknown): DeadlineExceededError {
  const late = Math.round(lateMs)
  const message = `context deadline exceeded: ${whose}${late > 1 && late < Infinity ? `, noticed ${late}ms late` : ''}`
  return atStackDepth(0, () => new DeadlineExceededError(message, optionsOf(cause)))
}

/** The error of a context that ended in another thread; internal. */
export function errorFromElsewhere(
  isDeadline: boolean,
  message: string,
  cause: unknown,
): CanceledError | DeadlineExceededError {
  const options = optionsOf(cause)
  return atStackDepth(0, () =>
    isDeadline ? new DeadlineExceededError(message, options) : new CanceledError(message, options),
  )
}

/** The error that a platform signal carries, in the terms of this package; internal. Undefined: any other reason. */
export function errorOfReason(reason: unknown): CanceledError | DeadlineExceededError | undefined {
  try {
    if (isPlatformTimeout(reason)) return deadlineExceededError('withSignal', 0, reason)
    return isOurs(reason) ? reason : undefined
  } catch {
    return undefined
  }
}

/** A chain of causes longer than this is nothing an application builds; it also bounds cycles. */
const longestChain = 64

type EndingCode = CanceledError['code'] | DeadlineExceededError['code']

/**
 * Whether the error is what became of work that was cancelled with `err`; internal. An `AbortError` of the platform that
 * wraps nothing known does not say whose it is, and counts.
 */
export function isCanceledBy(err: CanceledError | DeadlineExceededError, error: unknown): boolean {
  const { code, ours } = endingIn(error)
  return code === 'KIT_CANCELED' && (ours === undefined || ours === err)
}

function classify(error: unknown): EndingCode | undefined {
  return endingIn(error).code
}

/** The first ending in the chain of causes, and the error of ours that says so, if it is one. */
function endingIn(error: unknown): { code?: EndingCode; ours?: CanceledError | DeadlineExceededError } {
  let code: 'KIT_CANCELED' | undefined
  let link = error
  try {
    for (let depth = 0; depth < longestChain && typeof link === 'object' && link !== null; depth++) {
      if (isOurs(link)) return { code: link.code, ours: link }
      if (isPlatformTimeout(link)) return { code: 'KIT_DEADLINE_EXCEEDED' }
      if (Reflect.get(link, 'name') === 'AbortError') code = 'KIT_CANCELED'
      link = Reflect.get(link, 'cause')
    }
  } catch {
    // A throwing getter or a revoked proxy: what was found so far is all that can be known.
  }
  return code === undefined ? {} : { code }
}

/** By code and not by class, so that the errors of another copy of this package count as well. */
function isOurs(error: unknown): error is CanceledError | DeadlineExceededError {
  if (typeof error !== 'object' || error === null) return false
  const code: unknown = Reflect.get(error, 'code')
  return code === 'KIT_CANCELED' || code === 'KIT_DEADLINE_EXCEEDED'
}

/** The DOMException of AbortSignal.timeout: 23 is TIMEOUT_ERR. Other libraries' TimeoutErrors are not deadlines. */
function isPlatformTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    Reflect.get(error, 'name') === 'TimeoutError' &&
    Reflect.get(error, 'code') === 23
  )
}

/** What a cause adds to the message. An object says nothing in one line, and a hostile one may throw. */
function textOf(cause: unknown): string {
  try {
    if (typeof cause === 'string') return cause.slice(0, 200)
    if (cause instanceof Error) return cause.message.slice(0, 200)
    return typeof cause === 'number' || typeof cause === 'symbol' ? String(cause) : ''
  } catch {
    return ''
  }
}

function optionsOf(cause: unknown): ErrorOptions | undefined {
  return cause === undefined ? undefined : { cause }
}
