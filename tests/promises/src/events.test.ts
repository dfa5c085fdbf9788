import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeEvent, encodeEvent } from './events.ts'

it('every figure arrives as it was told, on one line, whatever its number and its text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.double(), (what, value) => {
      const event = { figure: { what, value, unit: 's', atMost: value } }
      const line = encodeEvent(event)
      expect(line).not.toContain('\n')
      expect(decodeEvent(line)).toEqual({ figure: { what, value: value + 0, unit: 's', atMost: value + 0 } })
    }),
  )
})

it('what is no number arrives as none, and not as null, which would be below every limit', () => {
  const event = { figure: { what: 'gap', value: Number.NaN, unit: 'ms', atMost: 50 } }
  expect(decodeEvent(encodeEvent(event))).toEqual(event)
})
