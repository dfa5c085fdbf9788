/* Waiting for a promise, or for the end of something long-lived that many watch already. */
import type { Group } from '../harness/suite.ts'
import { watchedController } from './listeners.ts'
import { raceSignal } from './race-signal.ts'

/** With nobody else, with a hundred and with ten thousand others. */
export const racing: Group[] = [0, 100, 10_000].map((others) => ({
  name: `race-${others}`,
  title: `race a resolved promise against a long-lived ending, with ${others.toLocaleString('en-US')} others waiting`,
  note:
    'Promise.race registers on the long-lived promise and never takes it back: it slows down and fills the memory for ' +
    'as long as the process runs; see the section on what is kept.',
  awaits: 1,
  holds: (result) => result === 1,
  cases: [
    {
      name: 'kit: race',
      async prepare() {
        const { background, race } = await import('@kit/context')
        const ctx = background.withCancel()
        for (let i = 0; i < others; i++) ctx.afterFunc(() => {})
        const promise = Promise.resolve(1)
        return () => race(ctx, promise)
      },
    },
    {
      name: 'AbortSignal, raced by hand',
      prepare() {
        const { signal } = watchedController(others)
        const promise = Promise.resolve(1)
        return () => raceSignal(signal, promise)
      },
    },
    {
      name: 'Promise.race with a long-lived promise',
      prepare() {
        const ending = new Promise<never>(() => {})
        for (let i = 0; i < others; i++) ending.catch(() => {})
        const promise = Promise.resolve(1)
        return () => Promise.race([ending, promise])
      },
    },
    {
      name: 'the promise alone (floor)',
      prepare() {
        const promise = Promise.resolve(1)
        return () => promise
      },
    },
  ],
}))
