/* Sleeping that a long-lived ending would cut short: as many sleepers at once as a busy service has. */
import type { Group } from '../harness/suite.ts'
import { unlimited } from './listeners.ts'

const sleepers = 2000

/** Many together, because a timer of no length still takes a millisecond. */
export const sleeping: Group = {
  name: 'sleep',
  title: `sleep for 0 ms on one long-lived ending, ${sleepers.toLocaleString('en-US')} together`,
  note:
    'The time includes what is left of the millisecond that Node makes of 0, which hides some of the difference. ' +
    'The signal walks the listeners of all other sleepers.',
  awaits: sleepers,
  cases: [
    {
      name: 'kit: sleep',
      async prepare() {
        const { background, sleep } = await import('@kit/context')
        const ctx = background.withCancel()
        return () => sleep(ctx, 0)
      },
    },
    {
      name: 'timers/promises: setTimeout with a signal',
      async prepare() {
        const { setTimeout } = await import('node:timers/promises')
        const { signal } = unlimited(new AbortController())
        return () => setTimeout(0, undefined, { signal })
      },
    },
    {
      name: 'timers/promises: setTimeout, cannot be ended (floor)',
      async prepare() {
        const { setTimeout } = await import('node:timers/promises')
        return () => setTimeout(0)
      },
    },
  ],
}
