import fc from 'fast-check'
import { expect, test } from 'vitest'
import { numberText } from './number.ts'

const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.nat(2_000_000_000).map((thousandths) => thousandths / 1000),
  fc.nat(2_000_000).map((parts) => parts / 2048),
  fc.constantFrom(0, -0, 0.1 + 0.2, 999_999.999, 999_999.9999, 1_000_000, 5e-324, 0.0005, 0.001),
)

test('any number has the text that JSON gives it', () => {
  fc.assert(
    fc.property(numbers, (value) => {
      expect(numberText(value)).toBe(JSON.stringify(value))
    }),
    { numRuns: 5000 },
  )
})
