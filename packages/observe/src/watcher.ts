/**
 * What watches the calls of one wrapped function. Two do: {@link Meter}, which counts and remembers of a call the time
 * alone, and {@link Observer}, which does everything. What a function returns is treated alike for both.
 */

/** Any function, as code sees it that only calls it. */
export type Method = (this: unknown, ...args: unknown[]) => unknown

/** Watches the calls of one function; `T` is what it remembers of a call under way. Nothing here throws. */
export interface Watcher<T> {
  /** The work ended with a result. Returns what the caller is to be given. */
  succeed(call: T, result: unknown): unknown
  /** The work ended with an error. */
  fail(call: T, error: unknown): void
  /** The call returned, but its work has not begun: nobody has asked for the first step of a generator yet. */
  pause(call: T): void
  /** The work begins after all. Returns what stands for the call from now on. */
  resume(call: T): T
  /** A call that is paused stands for no work: it will not begin, or what was returned is watched already. */
  discard(call: T): void
  /** Calls a function as part of the work, in the call's context. */
  step(call: T, method: Method, self: unknown, args: unknown[]): unknown
}
