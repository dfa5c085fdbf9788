/**
 * The search: many workers in one group, the first answer, and the end of all the others. It answers when the last
 * worker has ended, however the search went: nothing that it started goes on behind its back.
 */

import type { Context } from '@kit/context'
import { clock, group, race } from '@kit/context'
import { seededRandom } from './random.ts'
import { work } from './worker.ts'

/** What is searched for, and by whom. */
export interface Plan {
  readonly workers: number
  /** Numbers are drawn from 0 to `range` - 1. */
  readonly range: number
  /** How often a worker draws before it gives up. */
  readonly draws: number
  readonly find: number
  readonly seed: number
}

/** What the workers have done so far; may be read while they are at it. */
export interface Tally {
  /** Workers that began: a group starts nobody any more once its context has ended. */
  started: number
  /** Numbers drawn by all. */
  draws: number
  /** Workers whose draws were used up and who then waited for the end. */
  asleep: number
  /** Workers that the end of the context stopped, searching or asleep. */
  stopped: number
  /** Workers that have ended, in whichever way. */
  ended: number
}

/** Who found the number. */
export interface Found {
  /** From 1, in the order in which they started. */
  readonly worker: number
  /** How many draws this worker needed. */
  readonly draws: number
}

/** How a search went. */
export interface Outcome {
  readonly found: Found | undefined
  /** Why nobody found it: the error of the context, or that of `otherwise`. Undefined if somebody did. */
  readonly error: unknown
  readonly startedMs: number
  /** When the waiting was over; the workers ended after that. On the clock of `performance.now()`, like `startedMs`. */
  readonly toldMs: number
}

/** A tally of nothing. */
export function emptyTally(): Tally {
  return { started: 0, draws: 0, asleep: 0, stopped: 0, ended: 0 }
}

/**
 * Searches until somebody finds the number, the context ends, or `otherwise` rejects, whichever is first. Then
 * cancels everybody and waits for them. Rejects only if a worker fails for another reason than the end of its context.
 */
export async function search(
  ctx: Context,
  plan: Plan,
  tally: Tally,
  otherwise: Promise<never>,
): Promise<Outcome> {
  const startedMs = clock.now()
  using searching = ctx.withCancel()
  const workers = group(searching)
  const seeds = seededRandom(plan.seed)

  const answer = new Promise<Found>((resolve) => {
    for (let worker = 1; worker <= plan.workers; worker += 1) {
      const random = seededRandom(seeds() * 2 ** 32)
      const found = (draws: number): void => {
        // In this order: who waits for both is told of the answer, and not of the cancellation that it sets off.
        resolve({ worker, draws })
        searching.cancel(`worker ${worker} found it`)
      }
      workers.go(async (own) => {
        tally.started += 1
        try {
          await work(own, plan, random, tally, found)
        } catch (error) {
          if (error !== own.err) throw error
          tally.stopped += 1
        } finally {
          tally.ended += 1
        }
      })
    }
  })

  let found: Found | undefined
  let error: unknown
  try {
    // The context of the group, which ends also if a worker fails: nobody may be left to answer then.
    found = await Promise.race([race(workers.ctx, answer), otherwise])
  } catch (reason) {
    error = reason
  }
  const toldMs = clock.now()
  searching.cancel()
  // Whom the end kept from starting has failed in the eyes of the group, with the error of the end.
  await workers.wait().catch((failure: unknown) => {
    if (failure !== searching.err) throw failure
  })
  return { found, error, startedMs, toldMs }
}
