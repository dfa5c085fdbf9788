import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { KeptNumbers } from './kept-numbers.ts'
import { Utf8Writer } from './utf8.ts'

function text(write: (out: Utf8Writer) => void): string {
  const out = new Utf8Writer(1)
  write(out)
  return out.toString()
}

it('numbers that are kept read as if they were written anew, whatever was in their place and however many there are', () => {
  const number = fc.oneof(
    fc.constantFrom(0, -0, 1, 0.5, -0.5, 1 / 3, 5e-324, -5e-324, Number.MAX_VALUE, Infinity, -Infinity, NaN),
    fc.constantFrom(2.2250738585072014e-308, -2.2250738585072014e-308, 2 ** 53, 1e21),
    fc.double(),
  )
  const pages = fc.array(fc.array(number, { maxLength: 12 }), { maxLength: 12 })
  fc.assert(
    fc.property(pages, (all) => {
      const kept = new KeptNumbers()
      for (const numbers of all) {
        kept.begin(numbers.length)
        numbers.forEach((value, i) => {
          for (let times = 0; times < 2; times++) {
            expect(text((out) => kept.write(i, value, out))).toBe(text((out) => out.number(value)))
          }
        })
      }
    }),
    { numRuns: 500 },
  )
})
