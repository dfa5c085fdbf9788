/**
 * One worker: draws numbers until it finds the right one, has used up its draws, or is cancelled. It knows nothing of
 * the others and nothing of why it should stop: the context tells it when.
 */

import type { Context } from '@kit/context'
import { race, sleep } from '@kit/context'
import type { Random } from './random.ts'
import { wholeNumber } from './random.ts'
import type { Plan, Tally } from './search.ts'

/**
 * Searches, and calls `answer` with the number of draws that it took. Rejects with `ctx.err` when the context ends
 * first: in the middle of the search, or while the worker sleeps because its draws are used up.
 */
export async function work(
  ctx: Context,
  plan: Plan,
  random: Random,
  tally: Tally,
  answer: (draws: number) => void,
): Promise<void> {
  for (let draw = 1; draw <= plan.draws; draw += 1) {
    // One turn of the event loop, in which every other worker has its turn too: this is what makes them concurrent.
    await sleep(ctx, 0)
    // Somebody may have found it between the end of the sleep and now: there is one answer, and no draw after it.
    ctx.throwIfDone()
    tally.draws += 1
    if (wholeNumber(random, plan.range) === plan.find) return answer(draw)
  }
  tally.asleep += 1
  await race(ctx, nothing())
}

/**
 * What a worker without draws waits for. Like a goroutine that is blocked on its channel it costs no time and holds
 * nothing up: a promise is memory, and keeps no process alive. A new one each time, since a promise that is shared
 * and never settles would remember everybody who ever waited for it.
 */
function nothing(): Promise<never> {
  return new Promise(() => {})
}
