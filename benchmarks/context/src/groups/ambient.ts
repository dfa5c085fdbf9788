/*
 * The ambient context: entered once for a request and read by whatever runs inside. It stands on an AsyncLocalStorage, so
 * the question is what it adds to a bare one.
 */
import type { Group } from '../harness/suite.ts'

/** Enter and read. */
export const ambient: Group = {
  name: 'ambient',
  title: 'enter the ambient context once and read it once inside',
  holds: (result) => typeof result === 'object' && result !== null,
  cases: [
    {
      name: 'kit: run + current',
      async prepare() {
        const { background, current, run } = await import('@kit/context')
        const ctx = background.withCancel()
        return () => run(ctx, current)
      },
    },
    {
      name: 'AsyncLocalStorage: run + getStore',
      async prepare() {
        const { AsyncLocalStorage } = await import('node:async_hooks')
        const storage = new AsyncLocalStorage<object>()
        const store = {}
        const read = (): object | undefined => storage.getStore()
        return () => storage.run(store, read)
      },
    },
  ],
}

/** Read only: what a wrapped function costs that derives nothing. */
export const ambientRead: Group = {
  name: 'ambient-read',
  title: 'call a wrapped function that only reads the ambient context',
  note: 'The calls run inside one `run`, as those of a request do.',
  cases: [
    {
      name: 'kit: current',
      async prepare() {
        const { background, current, run } = await import('@kit/context')
        const ctx = background.withCancel()
        const wrapped = (x: number): number => (current() === ctx ? x + 1 : 0)
        return { burst: (count) => run(ctx, () => callOften(wrapped, count)) }
      },
    },
    {
      name: 'AsyncLocalStorage: getStore',
      async prepare() {
        const { AsyncLocalStorage } = await import('node:async_hooks')
        const storage = new AsyncLocalStorage<object>()
        const store = {}
        const wrapped = (x: number): number => (storage.getStore() === store ? x + 1 : 0)
        return { burst: (count) => storage.run(store, () => callOften(wrapped, count)) }
      },
    },
    {
      name: 'kit: current, outside of every run',
      async prepare() {
        const { background, current } = await import('@kit/context')
        const wrapped = (x: number): number => (current() === background ? x + 1 : 0)
        return { burst: (count) => callOften(wrapped, count) }
      },
    },
    {
      name: 'the function alone (floor)',
      prepare() {
        return { burst: (count) => callOften((x) => x + 1, count) }
      },
    },
  ],
  holds: (result) => result === 1,
}

/** A request that awaits something. */
export const ambientAcrossAwait: Group = {
  name: 'ambient-await',
  title: 'enter the ambient context, await twice inside and read it',
  note: 'Until Node 24 every await inside `run` is dearer, from 24 on `run` itself.',
  awaits: 1,
  cases: [
    {
      name: 'kit: run + current',
      async prepare() {
        const { background, current, run } = await import('@kit/context')
        const ctx = background.withCancel()
        const job = twiceThen(current)
        return () => run(ctx, job)
      },
    },
    {
      name: 'AsyncLocalStorage: run + getStore',
      async prepare() {
        const { AsyncLocalStorage } = await import('node:async_hooks')
        const storage = new AsyncLocalStorage<object>()
        const store = {}
        const job = twiceThen(() => storage.getStore())
        return () => storage.run(store, job)
      },
    },
    {
      name: 'no ambient context (floor)',
      prepare() {
        const store = {}
        return twiceThen(() => store)
      },
    },
  ],
  holds: (result) => typeof result === 'object' && result !== null,
}

const resolved = Promise.resolve()

function callOften(fn: (x: number) => number, count: number): number {
  let x = 0
  for (let i = 0; i < count; i++) x = fn(x)
  return x
}

function twiceThen(read: () => unknown): () => Promise<unknown> {
  return async () => {
    await resolved
    await resolved
    return read()
  }
}
