/* A call that comes too late: its parent has ended, so its job is not to be waited for. */
import type { Case, Group } from '../harness/suite.ts'
import { byMicrotask, limitMs } from './jobs.ts'
import { raceSignal } from './race-signal.ts'

/** The job is asked for when its time is already up. */
export const expiredLimit: Group = {
  name: 'limit-expired',
  title: 'ask for a job of one microtask when its parent has already ended',
  note:
    'Each call rejects and is caught. Effect and p-timeout are given an aborted signal. Cockatiel is missing because it ' +
    'answers with the result of the job, which it starts all the same.',
  awaits: 1,
  holds: (result) => result === 'rejected',
  cases: [
    caught('kit: withTimeout + race', async () => {
      const { background, race } = await import('@kit/context')
      const parent = background.withCancel()
      parent.cancel()
      return async (index) => {
        const ctx = parent.withTimeout(limitMs)
        try {
          return await race(ctx, byMicrotask(index))
        } finally {
          ctx.cancel()
        }
      }
    }),
    caught('kit: withTimeout + throwIfDone', async () => {
      const { background, race } = await import('@kit/context')
      const parent = background.withCancel()
      parent.cancel()
      return async (index) => {
        const ctx = parent.withTimeout(limitMs)
        try {
          ctx.throwIfDone()
          return await race(ctx, byMicrotask(index))
        } finally {
          ctx.cancel()
        }
      }
    }),
    caught('AbortSignal.any + AbortSignal.timeout, raced', async () => {
      const parent = AbortSignal.abort(new Error('canceled'))
      return (index) =>
        raceSignal(AbortSignal.any([parent, AbortSignal.timeout(limitMs)]), byMicrotask(index))
    }),
    {
      ...caught('p-timeout', async () => {
        const { default: pTimeout } = await import('p-timeout')
        const signal = AbortSignal.abort(new Error('canceled'))
        return (index) => pTimeout(byMicrotask(index), { milliseconds: limitMs, signal })
      }),
      minimumNode: 22,
    },
    caught('Effect: runPromise', async () => {
      const Effect = await import('effect/Effect')
      const signal = AbortSignal.abort(new Error('canceled'))
      const program = Effect.timeout(
        Effect.promise(() => byMicrotask(0)),
        limitMs,
      )
      return () => Effect.runPromise(program, { signal })
    }),
  ],
}

/** A case that has to reject. */
function caught(name: string, make: () => Promise<(index: number) => Promise<unknown>>): Case {
  return {
    name,
    async prepare() {
      const call = await make()
      return async (index: number) => {
        try {
          return await call(index)
        } catch {
          return 'rejected'
        }
      }
    },
  }
}
