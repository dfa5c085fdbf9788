/* A cancellable child of a parent that lives on: what every call that can be given up begins and ends with. */
import type { Group } from '../harness/suite.ts'
import { ended } from './ended.ts'

/** Derive and cancel. */
export const derive: Group = {
  name: 'derive',
  title: 'derive a cancellable child of a long-lived parent and cancel it',
  note:
    'Every `abort` is given a prebuilt reason: without one the platform captures a stack, which takes microseconds. ' +
    'A controller alone is no child: it does not end with its parent. It is the floor of what the platform can do.',
  holds: ended,
  targets: [{ against: 'AbortSignal.any', atLeast: 30 }],
  cases: [
    {
      name: 'kit: withCancel + cancel',
      async prepare() {
        const { background } = await import('@kit/context')
        const parent = background.withCancel()
        return () => {
          const child = parent.withCancel()
          child.cancel()
          return child
        }
      },
    },
    {
      name: 'AbortSignal.any',
      prepare() {
        const parent = new AbortController()
        const reason = new Error('canceled')
        return () => {
          const own = new AbortController()
          const signal = AbortSignal.any([parent.signal, own.signal])
          own.abort(reason)
          return signal
        }
      },
    },
    {
      name: 'AbortController, linked by hand',
      prepare() {
        const parent = new AbortController()
        const reason = new Error('canceled')
        return () => {
          const child = new AbortController()
          const onParent = (): void => child.abort(parent.signal.reason)
          parent.signal.addEventListener('abort', onParent, { once: true })
          child.abort(reason)
          parent.signal.removeEventListener('abort', onParent)
          return child
        }
      },
    },
    {
      name: 'AbortController alone (floor)',
      prepare() {
        const reason = new Error('canceled')
        return () => {
          const own = new AbortController()
          own.abort(reason)
          return own.signal
        }
      },
    },
  ],
}
