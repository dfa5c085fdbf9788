/* A parent with children, each of which somebody watches: build it and cancel it from the top. */
import type { Group } from '../harness/suite.ts'
import { ended } from './ended.ts'
import { unlimited } from './listeners.ts'

/** With one child to a thousand. */
export const trees: Group[] = [1, 10, 100, 1000].map((children) => ({
  name: `tree-${children}`,
  title: `build and cancel a parent of ${children.toLocaleString('en-US')} watched ${children === 1 ? 'child' : 'children'}`,
  note:
    'An operation is the whole tree. EventTarget has listeners on the parent alone and no children that could end by ' +
    'themselves. With kit a child that nobody watches is not even linked.',
  holds: ended,
  cases: [
    {
      name: 'kit: withCancel + afterFunc each',
      async prepare() {
        const { background } = await import('@kit/context')
        return () => {
          const parent = background.withCancel()
          for (let i = 0; i < children; i++) parent.withCancel().afterFunc(() => {})
          parent.cancel()
          return parent
        }
      },
    },
    {
      name: 'kit: withCancel each, nobody watches',
      async prepare() {
        const { background } = await import('@kit/context')
        return () => {
          const parent = background.withCancel()
          let last = parent
          for (let i = 0; i < children; i++) last = parent.withCancel()
          parent.cancel()
          return last
        }
      },
    },
    {
      name: 'AbortController each, linked by hand, with a listener',
      prepare() {
        const reason = new Error('canceled')
        return () => {
          const parent = unlimited(new AbortController())
          for (let i = 0; i < children; i++) {
            const child = new AbortController()
            parent.signal.addEventListener('abort', () => child.abort(parent.signal.reason), { once: true })
            child.signal.addEventListener('abort', () => {}, { once: true })
          }
          parent.abort(reason)
          return parent
        }
      },
    },
    {
      name: 'AbortSignal.any each, with a listener',
      prepare() {
        const reason = new Error('canceled')
        return () => {
          const parent = new AbortController()
          for (let i = 0; i < children; i++) {
            AbortSignal.any([parent.signal]).addEventListener('abort', () => {}, { once: true })
          }
          parent.abort(reason)
          return parent
        }
      },
    },
    {
      name: 'EventTarget: listeners on the parent',
      prepare() {
        const reason = new Error('canceled')
        return () => {
          const parent = unlimited(new AbortController())
          for (let i = 0; i < children; i++) parent.signal.addEventListener('abort', () => {}, { once: true })
          parent.abort(reason)
          return parent
        }
      },
    },
  ],
}))
