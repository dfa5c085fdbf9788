import { background, createKey } from '@kit/context'
import { expect, it } from 'vitest'
import { readings } from './collision.ts'

it('names collide, registered symbols too, typed keys do not', () => {
  const broken = 'TypeError: invoice.toLowerCase is not a function'
  expect(readings()).toEqual([
    { keys: "'id'", invoice: 42, parcel: 42, used: broken },
    { keys: "Symbol.for('id')", invoice: 42, parcel: 42, used: broken },
    { keys: "createKey('id')", invoice: 'INV-7', parcel: 42, used: 'inv-7' },
  ])
})

it('the name of a key is for people only', () => {
  const mine = createKey('id', 'mine')
  const yours = createKey('id', 'yours')
  const ctx = background.withValue(mine, 'set')
  expect([ctx.value(mine), ctx.value(yours)]).toEqual(['set', 'yours'])
  expect(String(ctx)).toBe('background.withValue(id)')
})
