import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { background, createKey } from './index.ts'
import type { Context } from './index.ts'
import { values, withValues } from './values.ts'

const [a, b, c] = [createKey('a', 0), createKey('b', 0), createKey('c', 0)]
const keys = [a, b, c]

it('are all there, and the derivation names them, the oldest first', () => {
  const ctx = withValues(background.withValue(c, 9).withTimeout(500), values(b, 2, values(a, 1)))
  expect([ctx.value(a), ctx.value(b), ctx.value(c)]).toEqual([1, 2, 9])
  expect(String(ctx)).toBe('background.withValue(c).withTimeout(500ms).withValues(a, b)')
  expect(String(withValues(background, values(a, 1)))).toBe('background.withValue(a)')
})

it('end with their parent, and a list of them can be used again', () => {
  const parent = background.withCancel()
  const list = values(a, 1)
  const [first, second] = [withValues(parent, list), withValues(background.withValue(b, 2), list)]
  parent.cancel('over')
  expect([first.cause, second.err, second.value(a), second.value(b), first.value(b)]).toEqual([
    'over',
    undefined,
    1,
    2,
    0,
  ])
})

it('are what withValue one by one would give', () => {
  const pair = fc.tuple(fc.constantFrom(...keys), fc.integer())
  const seen = (ctx: Context): number[] => keys.map((key) => ctx.value(key))
  fc.assert(
    fc.property(fc.array(fc.array(pair, { minLength: 1 })), (steps) => {
      let together: Context = background
      let apart: Context = background
      for (const pairs of steps) {
        const [[key, value], ...rest] = pairs as [(typeof pairs)[0], ...typeof pairs]
        const list = rest.reduce((all, [k, v]) => values(k, v, all), values(key, value))
        together = withValues(together, list)
        apart = pairs.reduce((ctx, [k, v]) => ctx.withValue(k, v), apart)
        expect(seen(together)).toEqual(seen(apart))
      }
    }),
  )
})

it('are taken by contexts of another copy of this package, and from it', async () => {
  vi.resetModules()
  const other = await import('./index.ts')
  const list = values(b, 2, values(a, 1))
  const ctx = withValues(other.background.withValue(c, 3), list)
  expect(keys.map((key) => ctx.value(key))).toEqual([1, 2, 3])
  const own = withValues(background.withValue(c, 3), other.values(b, 2, other.values(a, 1)))
  expect(keys.map((key) => own.value(key))).toEqual([1, 2, 3])
})

it.each([undefined, null, {}, 'a', []])('refuse %j for a list', (list) => {
  expect(() => withValues(background, list as never)).toThrow(
    expect.objectContaining({ code: 'KIT_INVALID_KEY' }),
  )
  expect(() => values(list as never, 1)).toThrow(expect.objectContaining({ code: 'KIT_INVALID_KEY' }))
  expect(() => withValues(list as never, values(a, 1))).toThrow(
    expect.objectContaining({ code: 'KIT_INVALID_CONTEXT' }),
  )
})
