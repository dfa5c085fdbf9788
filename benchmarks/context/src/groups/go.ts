/*
 * The benchmarks of Go's own package `context`, as far as they make sense on one thread: CommonParentCancel,
 * CheckCanceled, DeepValue and CancelTree.
 */
import type { Case, Group } from '../harness/suite.ts'
import { ended } from './ended.ts'
import { depths } from './values.ts'

/** BenchmarkCommonParentCancel: derive from a shared parent, read a value through it, do some work, cancel. */
export const commonParentCancel: Group = {
  name: 'go-common-parent',
  title: 'Go: CommonParentCancel',
  note: 'Derives from a shared parent, reads a value through it, divides a hundred times, cancels, divides again.',
  holds: ended,
  cases: [
    {
      name: 'kit',
      async prepare() {
        const { background, createKey } = await import('@kit/context')
        const key = createKey('key', 'none')
        const shared = background.withValue(key, 'value').withCancel()
        return () => {
          const ctx = shared.withCancel()
          if (ctx.value(key) !== 'value') throw new Error('no value')
          divide()
          ctx.cancel()
          divide()
          return ctx
        }
      },
    },
    {
      name: 'AbortSignal.any and a Map',
      prepare() {
        const values = new Map([['key', 'value']])
        const shared = new AbortController()
        const reason = new Error('canceled')
        return () => {
          const own = new AbortController()
          const signal = AbortSignal.any([shared.signal, own.signal])
          if (values.get('key') !== 'value') throw new Error('no value')
          divide()
          own.abort(reason)
          divide()
          return signal
        }
      },
    },
  ],
}

/** BenchmarkCheckCanceled: is it over? */
export const checkCanceled: Group = {
  name: 'go-check',
  title: 'Go: CheckCanceled, on one that is live unless the name says otherwise',
  note: 'With a deadline `err` reads the clock, so it is right before any timer fired. A signal only reads a flag.',
  holds: (result) => typeof result === 'boolean',
  cases: [
    check('kit: err', async () => {
      const { background } = await import('@kit/context')
      return () => background.withCancel()
    }),
    check('kit: err, with a deadline', async () => {
      const { background } = await import('@kit/context')
      return () => background.withTimeout(3_600_000)
    }),
    check('kit: err, five contexts down', async () => {
      const { background } = await import('@kit/context')
      return () => background.withCancel().withCancel().withCancel().withCancel().withCancel()
    }),
    check('kit: err, cancelled', async () => {
      const { background } = await import('@kit/context')
      return () => {
        const ctx = background.withCancel()
        ctx.cancel()
        return ctx
      }
    }),
    {
      name: 'AbortSignal: aborted',
      prepare() {
        const signals = Array.from({ length: several }, () => new AbortController().signal)
        return (i) => signals[i % several]?.aborted
      },
    },
    {
      name: 'AbortSignal: aborted, aborted',
      prepare() {
        const signals = Array.from({ length: several }, () => AbortSignal.abort(new Error('canceled')))
        return (i) => signals[i % several]?.aborted
      },
    },
  ],
}

/** BenchmarkDeepValueSameGoRoutine. */
export const deepValues: Group[] = [10, 30, 100].map((depth) => ({
  name: `go-deep-value-${depth}`,
  title: `Go: DeepValue, ${depth}`,
  note: 'A context walks its values from the newest to the oldest; a Map that was copied at each set does not.',
  holds: (result) => result === 'value',
  cases: depths(depth),
}))

/** BenchmarkCancelTree: a chain, cancelled from the top. */
export const cancelChain: Group = {
  name: 'go-cancel-tree',
  title: 'Go: CancelTree, a chain of 100 cancelled from the top',
  note: "Go links every context to its parent. So that kit does too, somebody watches the chain's last.",
  holds: ended,
  cases: [
    {
      name: 'kit: the last is watched',
      async prepare() {
        const { background } = await import('@kit/context')
        return () => {
          const top = background.withCancel()
          let last = top
          for (let i = 0; i < 100; i++) last = last.withCancel()
          last.afterFunc(() => {})
          top.cancel()
          return last
        }
      },
    },
    {
      name: 'kit: nobody watches',
      async prepare() {
        const { background } = await import('@kit/context')
        return () => {
          const top = background.withCancel()
          let last = top
          for (let i = 0; i < 100; i++) last = last.withCancel()
          top.cancel()
          return last
        }
      },
    },
    {
      name: 'AbortController each, linked by hand',
      prepare() {
        const reason = new Error('canceled')
        return () => {
          const top = new AbortController()
          let last = top
          for (let i = 0; i < 100; i++) {
            const parent = last
            const child = new AbortController()
            parent.signal.addEventListener('abort', () => child.abort(parent.signal.reason), { once: true })
            last = child
          }
          top.abort(reason)
          return last
        }
      },
    },
  ],
}

const several = 8

/** Asks several contexts in turn, so that the compiler cannot take the question out of the loop. */
function check(name: string, load: () => Promise<() => { readonly err: unknown }>): Case {
  return {
    name,
    async prepare() {
      const make = await load()
      const contexts = Array.from({ length: several }, make)
      return (i: number) => contexts[i % several]?.err !== undefined
    },
  }
}

let x = 0

function divide(): void {
  for (let i = 0; i < 100; i++) x = Math.trunc(x / (x + 1))
}
