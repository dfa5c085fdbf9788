/**
 * Notices that a wait can never end: the equivalent of Go's `all goroutines are asleep - deadlock!`.
 *
 * Go's scheduler knows every goroutine, and gives up when all of them are blocked on each other. Node has no list of
 * the promises that somebody waits for, and without help a program whose promises can never settle just ends, silently
 * and as if all were well. But it has the event loop. A promise is settled by code, and all code is run by the loop: by a
 * timer, a socket, a file, a child process. When none of these is left the process emits `beforeExit`; whoever still
 * waits then waits in vain. The process is not killed, as Go's is: the one who waits is told, and may clean up.
 *
 * What it cannot see:
 *  - One that is stuck beside others who are busy. Whatever keeps the process alive, a server or an interval, hides
 *    every deadlock, as one running goroutine does in Go.
 *  - What does not keep the process alive and would have settled the promise all the same: a timer after `unref()`, the
 *    deadline of a context, a signal from outside. Where one of these is waited for, the process has to be held up.
 *  - An end by `process.exit()` or by an uncaught exception, which emits no `beforeExit`.
 */

import type { Context } from '@kit/context'

/** Somebody waits for what nobody is left to do. */
export class DeadlockError extends Error {
  override readonly name = 'DeadlockError'
}

/** Rejects with a DeadlockError when the event loop has run empty; watches until the context ends. */
export function deadlock(ctx: Context): Promise<never> {
  return new Promise((_, reject) => {
    const report = (): void => reject(new DeadlockError('all workers are asleep - deadlock!'))
    process.once('beforeExit', report)
    ctx.afterFunc(() => process.off('beforeExit', report))
  })
}
