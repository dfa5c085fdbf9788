/* Proof of work: whether what an operation returned, a context or something with an AbortSignal, has ended. */

/** For results of every kind that the groups return. */
export function ended(result: unknown): boolean {
  return stateOf(result) === true
}

/** Whether it is a context or has a signal, and has not ended. */
export function alive(result: unknown): boolean {
  return stateOf(result) === false
}

function stateOf(result: unknown): boolean | undefined {
  if (result instanceof AbortController) return result.signal.aborted
  if (result instanceof AbortSignal) return result.aborted
  return typeof result === 'object' && result !== null && 'err' in result
    ? result.err !== undefined
    : undefined
}
