/** The one way to call what a user gave: observing a request never fails it. */

/** What a function answers, or `otherwise` when it throws. */
export function attempt<T>(otherwise: T, fn: () => T): T {
  try {
    return fn()
  } catch {
    return otherwise
  }
}
