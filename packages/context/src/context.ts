/*
 * The contract of a context: Go's `context.Context` in the terms of the platform. A context carries a deadline, a
 * cancellation and request-scoped values across calls. It is immutable and safe to share: deriving makes a new one,
 * and a child ends when its parent ends, never later. Pass a context as the first argument, never keep one in an
 * object that outlives the call, and cancel what you derived when the work is over.
 */
import type { CanceledError, DeadlineExceededError } from './errors.ts'
import type { Key } from './key.ts'

/**
 * A deadline, a cancellation and values that travel with a call. Callees take a `Context`, which they cannot cancel.
 *
 * A context costs one object. Timer, AbortSignal and the link from its parent exist only while somebody watches it
 * (`signal`, `afterFunc`, `sleep`, `race`); an unwatched context answers by looking up the tree and at the clock.
 */
export interface Context {
  /**
   * Undefined while the context is live, then what it ended with, always the same object; descendants that end
   * with it share the object. With a deadline it reads the clock (about 40 ns), so it is right at expiry even if the
   * event loop was blocked. The first ending wins, by time, whoever looked in between.
   */
  readonly err: CanceledError | DeadlineExceededError | undefined
  /** The reason given to `cancel` or with the deadline, else `err`. Undefined while the context is live. */
  readonly cause: unknown
  /** The effective deadline in ms on the `performance.now()` clock: the earliest up the tree. Undefined: none. */
  readonly deadline: number | undefined
  /** Milliseconds until the deadline, at least 0; Infinity without a deadline. Reads the clock. */
  readonly remaining: number
  /**
   * An AbortSignal that aborts when the context ends, with `reason === err`. Made on the first read, the same one
   * ever after; contexts that differ only in values share it. It aborts before `cancel()` returns, once
   * everything below is marked, or when the timer of the deadline fires; reading it here on an ended context always
   * gives an aborted signal. Pass `{ signal: ctx.signal }`, never the context itself, as the options of a platform API.
   */
  readonly signal: AbortSignal
  /** Throws `err` if the context has ended. */
  throwIfDone(): void
  /**
   * Runs `fn` once, soon after the context ended; never inside `cancel()` or `afterFunc()` itself. Callbacks of one
   * context run in the order of registration, after the whole subtree was marked; one that throws is reported as an
   * uncaught exception and stops no other. `current()` inside is what it was at registration; storages other than
   * the kit's see the canceller. Returns `stop`, which is true if it prevented the run. Both are O(1).
   * Throws KIT_INVALID_CALLBACK.
   */
  afterFunc(fn: (err: CanceledError | DeadlineExceededError) => void): () => boolean
  /** The nearest value of the key up the tree, else the key's default. Throws KIT_INVALID_KEY. */
  value<T>(key: Key<T>): T
  /** A child with one more value; it ends when this context ends. Throws KIT_INVALID_KEY. */
  withValue<T>(key: Key<T>, value: T): Context
  /** A child that can be cancelled on its own. */
  withCancel(): CancelContext
  /**
   * A child that ends `ms` milliseconds from now, or with this context if that is earlier, in which case `cause` is
   * discarded. 0 and less are dead from the start; Infinity sets no deadline. Throws KIT_INVALID_TIMEOUT on NaN.
   */
  withTimeout(ms: number, cause?: unknown): CancelContext
  /**
   * Like `withTimeout`, with an absolute time: a number is on the `performance.now()` clock; a Date is converted to
   * that clock now, so a later jump of the wall clock changes nothing. Throws KIT_INVALID_DEADLINE.
   */
  withDeadline(at: Date | number, cause?: unknown): CancelContext
  /**
   * A child that also ends when the signal aborts, with its reason as cause. A reason that is an error of this
   * package becomes `err` itself, and that of `AbortSignal.timeout` a deadline. Keeps one listener on the signal
   * until the child ends, so do cancel it. Throws KIT_INVALID_SIGNAL.
   */
  withSignal(signal: AbortSignal): CancelContext
  /** A context with the same values that never ends and has no deadline: for work that outlives its request. */
  withoutCancel(): Context
  /** The derivation, for people: `background.withCancel.withTimeout(500ms)`. Shows names of keys, never values. */
  toString(): string
}

/**
 * A context with the right to end it, for whoever derived it. Cancel it when its work is over, on every path:
 * `using ctx = parent.withTimeout(500)`, or `try … finally { ctx.cancel() }`.
 */
export interface CancelContext extends Context, Disposable {
  /**
   * Ends the context and everything derived from it before it returns; callbacks and signals follow right after.
   * A later call, or one on a context that has ended, does nothing. Never throws.
   */
  cancel(cause?: unknown): void
}
