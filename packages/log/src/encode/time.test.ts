import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { TimeText } from './time.ts'

test('spells each moment as its second and three digits, in whatever order moments come', () => {
  const seconds = new TimeText(String)
  const moment = fc.oneof(fc.integer({ min: 1000, max: 4_000_000 }), fc.integer({ min: 1000, max: 2 ** 45 }))
  fc.assert(
    fc.property(fc.array(moment), (moments) => {
      expect(moments.map((ms) => seconds.of(ms))).toEqual(moments.map(String))
    }),
  )
})

test('keeps no fraction of a millisecond, and is right before the epoch', () => {
  const text = new TimeText((second) => `${second}:`)
  expect([1999.999, -0.5, -1000, -1001].map((ms) => text.of(ms))).toEqual([
    '1:999',
    '-1:999',
    '-1:000',
    '-2:999',
  ])
})
