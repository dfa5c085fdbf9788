/* Registering to be told of the end of something long-lived that many watch already, and taking it back. */
import type { Group } from '../harness/suite.ts'
import { watchedController } from './listeners.ts'

/** With nobody else, with a hundred and with ten thousand others. */
export const observing: Group[] = [0, 100, 10_000].map((others) => ({
  name: `observe-${others}`,
  title: `register a callback and take it back, with ${others.toLocaleString('en-US')} others registered`,
  cases: [
    {
      name: 'kit: afterFunc + stop',
      async prepare() {
        const { background } = await import('@kit/context')
        const ctx = background.withCancel()
        for (let i = 0; i < others; i++) ctx.afterFunc(() => {})
        return () => ctx.afterFunc(() => {})()
      },
    },
    {
      name: 'AbortSignal: addEventListener + removeEventListener',
      prepare() {
        const { signal } = watchedController(others)
        return () => {
          const listener = (): void => {}
          signal.addEventListener('abort', listener)
          signal.removeEventListener('abort', listener)
          return true
        }
      },
    },
  ],
  holds: (result) => result === true,
}))
