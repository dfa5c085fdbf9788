/** In which order trials run, and how many at a time. */

export interface Schedule<T> {
  readonly items: readonly T[]
  /** How many run at a time. */
  readonly jobs: number
  /** Whether nothing may run beside this one. These come last, one after the other. */
  readonly isAlone: (item: T) => boolean
  readonly run: (item: T) => Promise<void>
}

/** Resolves when all have run; rejects with the first rejection of `run`. */
export async function inSchedule<T>({ items, jobs, isAlone, run }: Schedule<T>): Promise<void> {
  const together = items.filter((item) => !isAlone(item)).values()
  const worker = async (): Promise<void> => {
    for (const item of together) await run(item)
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  for (const item of items.filter(isAlone)) await run(item)
}
