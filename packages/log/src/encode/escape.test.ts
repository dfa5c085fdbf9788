import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultRedactedKeys } from '../index.ts'
import { Redactor } from '../redact.ts'
import { isPlain, isUnsafe, oneLine, quote } from './escape.ts'

const redactor = new Redactor(defaultRedactedKeys, [], '[redacted]')

const pieces = [
  'postgres://u:p@h',
  '//u:p@h',
  'token=',
  'password',
  '"token":"x"',
  'token:',
  'Cookie: ',
  'pin',
  ':',
  '12:30',
  'cvv2',
  '%3D',
  'Bearer ',
  'bearer  ',
  'BEARER ',
  'Basic ',
  'BASIC ',
  'Zm9vOmJhcg==',
  'abc123DEF456',
  '-----BEGIN PRIVATE KEY-----',
  'MII',
  '-----END PRIVATE KEY-----',
  '\\',
  '"',
  '\u007f',
  '\u0085',
  '\u2028',
  '\n',
  ' ',
  'é',
]
const text = fc.oneof(
  fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 6 })), { maxLength: 6 })
    .map((all) => all.join('')),
  fc.string({ unit: 'binary', maxLength: 70 }),
)

test('what is plain needs no quoting, no escapes, and holds nothing to hide', () => {
  let plain = 0
  fc.assert(
    fc.property(text, (some) => {
      if (!isPlain(some)) return
      plain += 1
      expect([
        JSON.stringify(some),
        quote(some),
        oneLine(some),
        isUnsafe(some),
        redactor.hideCredentials(some),
      ]).toEqual([`"${some}"`, `"${some}"`, some, false, some])
    }),
    { numRuns: 5000 },
  )
  expect(plain).toBeGreaterThan(100)
})

test.each([
  ['request done', true],
  ['GET /carts/:id took 12.5 ms (cached), user #7', true],
  ['classic music here', false],
  ['order 7', true],
  ['at 12:30:59 on 127.0.0.1:8080', true],
  ['port: 8080', false],
  ['cvv2:123', false],
  ['token%3Dx', false],
  ['100% sure, 20%', true],
  ['x'.repeat(64), true],
  ['x'.repeat(65), false],
  ['', true],
])('%j is plain: %s', (some, plain) => {
  expect(isPlain(some)).toBe(plain)
})
