/* The jobs that are put under a limit: as cheap as can be, because what is compared is what the limit adds. */

/** Resolves with the number that it was given. */
export type Job = (index: number) => Promise<number>

/** How long a job may take; never reached. */
export const limitMs = 1000

const resolved = Promise.resolve()

/** Takes one microtask. */
export const byMicrotask: Job = async (index) => {
  await resolved
  return index
}

/** Takes one turn of the event loop. */
export const byTurn: Job = (index) =>
  new Promise((resolve) => {
    setImmediate(resolve, index)
  })
