/*
 * The cases of looking up a value at a given depth. Each runs over several contexts in turn, so that the compiler cannot
 * take the look-up out of the loop; so does the array read beside them, which is what that costs.
 */
import { sink } from '../harness/burst.ts'
import type { Case } from '../harness/suite.ts'

/** Few, so that all of them stay in the fastest cache, as what one request looks up does. */
const several = 8

/** Contexts in which so many keys are set, looked up by the key that was set first. */
export function depths(depth: number): Case[] {
  return [
    {
      name: 'kit: value',
      async prepare() {
        const { background, createKey } = await import('@kit/context')
        const keys = Array.from({ length: depth }, (_, index) => createKey(`key ${index}`, 'none'))
        const outermost = createKey('outermost', 'none')
        keys[0] = outermost
        const contexts = Array.from({ length: several }, () =>
          keys.reduce(
            (ctx, key) => ctx.withValue(key, 'value'),
            background.withCancel() as typeof background,
          ),
        )
        return (i) => contexts[i % several]?.value(outermost)
      },
    },
    {
      name: 'AsyncLocalStorage.getStore() alone',
      async prepare() {
        const { AsyncLocalStorage } = await import('node:async_hooks')
        const storage = new AsyncLocalStorage<string>()
        return {
          burst: (count) =>
            storage.run('value', () => {
              for (let i = 0; i < count; i++) sink.value = storage.getStore()
              return sink.value
            }),
        }
      },
    },
    {
      name: 'Map, copied at each set',
      prepare() {
        const keys = Array.from({ length: depth }, (_, index) => Symbol(`key ${index}`))
        const outermost = Symbol('outermost')
        keys[0] = outermost
        const maps = Array.from({ length: several }, () =>
          keys.reduce((map, key) => new Map(map).set(key, 'value'), new Map<symbol, unknown>()),
        )
        return (i) => maps[i % several]?.get(outermost)
      },
    },
    {
      name: 'array read (floor)',
      prepare() {
        const values = Array.from({ length: several }, () => 'value')
        return (i) => values[i % several]
      },
    },
  ]
}
