/* The ways to put a job under a limit that cancels it when exceeded, as far as the library can do that. */
import type { Case } from '../harness/suite.ts'
import type { Job } from './jobs.ts'
import { limitMs } from './jobs.ts'
import { effectCases } from './limit-effect.ts'
import { raceSignal } from './race-signal.ts'

/** Every way to put the job under the limit; `width` jobs are under way together. */
export function casesOf(job: Job, width: number): Case[] {
  return [
    {
      name: 'kit: withTimeout + race',
      async prepare() {
        const { background, race } = await import('@kit/context')
        const parent = background.withCancel()
        return async (index: number) => {
          const ctx = parent.withTimeout(limitMs)
          try {
            return await race(ctx, job(index))
          } finally {
            ctx.cancel()
          }
        }
      },
    },
    {
      name: 'kit: withTimeout + race, signal read',
      async prepare() {
        const { background, race } = await import('@kit/context')
        const parent = background.withCancel()
        const observed = (signal: AbortSignal, index: number): Promise<number> => {
          if (signal.aborted) throw new Error('aborted')
          return job(index)
        }
        return async (index: number) => {
          const ctx = parent.withTimeout(limitMs)
          try {
            return await race(ctx, observed(ctx.signal, index))
          } finally {
            ctx.cancel()
          }
        }
      },
    },
    {
      name: 'AbortController + setTimeout, raced by hand',
      prepare() {
        return (index) => raceByHand(job(index))
      },
    },
    {
      name: 'AbortSignal.timeout, raced',
      prepare() {
        return (index) => raceSignal(AbortSignal.timeout(limitMs), job(index))
      },
    },
    {
      name: 'AbortSignal.any + AbortSignal.timeout, raced',
      prepare() {
        const parent = new AbortController().signal
        return (index) => raceSignal(AbortSignal.any([parent, AbortSignal.timeout(limitMs)]), job(index))
      },
    },
    {
      name: 'p-timeout',
      minimumNode: 22,
      async prepare() {
        const { default: pTimeout } = await import('p-timeout')
        return (index) => pTimeout(job(index), { milliseconds: limitMs })
      },
    },
    {
      name: 'p-timeout, prebuilt error',
      minimumNode: 22,
      async prepare() {
        const { default: pTimeout } = await import('p-timeout')
        const message = new Error('timed out')
        return (index) => pTimeout(job(index), { milliseconds: limitMs, message })
      },
    },
    {
      name: 'Cockatiel, cooperative',
      minimumNode: 22,
      async prepare() {
        const { timeout, TimeoutStrategy } = await import('cockatiel')
        const policy = timeout(limitMs, TimeoutStrategy.Cooperative)
        return (index) => policy.execute(() => job(index))
      },
    },
    {
      name: 'Cockatiel, aggressive',
      minimumNode: 22,
      async prepare() {
        const { timeout, TimeoutStrategy } = await import('cockatiel')
        const policy = timeout(limitMs, TimeoutStrategy.Aggressive)
        return (index) => policy.execute(() => job(index))
      },
    },
    ...effectCases(job, width),
    {
      name: 'the job without a limit (floor)',
      prepare() {
        return job
      },
    },
  ]
}

/** A controller and a timer of one's own, both released at the end: the idiom done right. */
async function raceByHand(work: Promise<number>): Promise<number> {
  const controller = new AbortController()
  const { signal } = controller
  const timer = setTimeout(() => controller.abort(), limitMs)
  try {
    return await raceSignal(signal, work)
  } finally {
    clearTimeout(timer)
  }
}
