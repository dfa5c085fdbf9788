/*
 * What stays on the heap after a million operations on something that lives on, once everything was collected that can
 * be. Whatever a request leaves behind for good is what a service dies of.
 */
import type { CancelContext } from '@kit/context'
import type { RetentionCase, RetentionGroup } from '../harness/suite.ts'

const million = 1_000_000
/** For operations that would keep gigabytes. */
const fewer = 200_000

/** Contexts below a root that is alive and watched. */
export const keptByKit: RetentionGroup = {
  name: 'kept-by-kit',
  title: 'bytes kept by operations with kit on a live root',
  note: 'Peak is the most that the heap held meanwhile. A forgotten context was neither cancelled nor is it referred to.',
  cases: [
    below('children, cancelled', (root) => root.withCancel().cancel(), 4),
    below(
      'children, signal read, cancelled',
      (root) => {
        const child = root.withCancel()
        const { signal } = child
        child.cancel()
        return signal
      },
      4,
    ),
    below('children, unwatched, forgotten', (root) => root.withCancel(), 4),
    below('children with a timeout, unwatched, forgotten', (root) => root.withTimeout(60_000), 4),
    {
      name: 'race',
      iterations: million,
      awaits: true,
      atMostBytes: 4,
      async prepare() {
        const { race } = await import('@kit/context')
        const root = await liveRoot()
        return (i) => race(root, Promise.resolve(i))
      },
    },
    {
      ...below('children, watched, forgotten (a mistake: cancel what you derive)', (root) => {
        root.withCancel().afterFunc(() => {})
      }),
      iterations: fewer,
    },
  ],
}

/** The same on signals and promises. */
export const keptByRivals: RetentionGroup = {
  name: 'kept-by-rivals',
  title: 'bytes kept by operations with signals and promises on a live root',
  note: 'Where a million would keep a gigabyte or more, the number of times is smaller.',
  cases: [
    {
      name: 'AbortController, linked and unlinked by hand',
      iterations: million,
      prepare() {
        const root = new AbortController()
        const reason = new Error('canceled')
        return () => {
          const child = new AbortController()
          const onParent = (): void => child.abort(root.signal.reason)
          root.signal.addEventListener('abort', onParent, { once: true })
          child.abort(reason)
          root.signal.removeEventListener('abort', onParent)
        }
      },
    },
    {
      name: 'AbortSignal.any, dropped',
      iterations: million,
      prepare() {
        const root = new AbortController()
        return () => AbortSignal.any([root.signal])
      },
    },
    {
      name: 'AbortSignal.any with a listener, dropped',
      iterations: fewer,
      prepare() {
        const root = new AbortController()
        return () => {
          AbortSignal.any([root.signal]).addEventListener('abort', () => {})
        }
      },
    },
    {
      name: 'AbortSignal.any of the root and AbortSignal.timeout(60 s), dropped',
      iterations: fewer,
      prepare() {
        const root = new AbortController()
        return () => AbortSignal.any([root.signal, AbortSignal.timeout(60_000)])
      },
    },
    {
      name: 'Promise.race with a long-lived promise',
      iterations: fewer,
      awaits: true,
      prepare() {
        const ending = new Promise<never>(() => {})
        // Held for as long as the process lives, as that of a service would be.
        Object.assign(globalThis, { ending })
        return (i) => Promise.race([ending, Promise.resolve(i)])
      },
    },
  ],
}

function below(
  name: string,
  operation: (root: CancelContext) => unknown,
  atMostBytes?: number,
): RetentionCase {
  return {
    name,
    iterations: million,
    ...(atMostBytes === undefined ? {} : { atMostBytes }),
    async prepare() {
      const root = await liveRoot()
      return () => operation(root)
    },
  }
}

/** A root that is linked to whatever is watched below it. */
async function liveRoot(): Promise<CancelContext> {
  const { background } = await import('@kit/context')
  const root = background.withCancel()
  root.afterFunc(() => {})
  return root
}
