/* Waiting for a promise or for a signal as it is done by hand where no library is at hand, and done right. */

/** Settles with the promise or rejects when the signal aborts; leaves no listener. */
export function raceSignal<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort)
    const fulfil = (value: T): void => {
      signal.removeEventListener('abort', onAbort)
      resolve(value)
    }
    const fail = (error: Error): void => {
      signal.removeEventListener('abort', onAbort)
      reject(error)
    }
    promise.then(fulfil, fail)
  })
}
