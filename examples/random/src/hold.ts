/**
 * Holds the process up until a context ends. A deadline alone does not: the timers of contexts are unref'd, so that a
 * program which has nothing else to do is not kept from ending by a deadline an hour away. Here the deadline is what
 * the program waits for, and a sleep says so. Without it the event loop would run empty as soon as the last worker has
 * used up its draws, and the deadline would never be seen.
 */

import type { Context } from '@kit/context'
import { sleep } from '@kit/context'

/** Rejects with `ctx.err` when the context ends, and keeps the process alive until then. */
export function untilEnd(ctx: Context): Promise<never> {
  return sleep(ctx, Infinity) as Promise<never> // a sleep that long never resolves
}
