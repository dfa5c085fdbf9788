import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeLabelValue } from './text.ts'
import { Fixed, Utf8Writer } from './utf8.ts'

function written(write: (out: Utf8Writer) => void, capacity = 1): string {
  const out = new Utf8Writer(capacity)
  write(out)
  return Buffer.from(out.take()).toString()
}

const number = (value: number): string => written((out) => out.number(value))

describe('numbers', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [9, '9'],
    [10, '10'],
    [99, '99'],
    [100, '100'],
    [-1, '-1'],
    [0.1, '0.1'],
    [2 ** 31 - 1, '2147483647'],
    [2 ** 31, '2147483648'],
    [2 ** 32, '4294967296'],
    [2 ** 53, '9007199254740992'],
    [2 ** 53 + 2, '9007199254740994'],
    [1e20, '100000000000000000000'],
    [1e21, '1e+21'],
    [1e-7, '1e-7'],
    [5e-324, '5e-324'],
    [Infinity, '1.7976931348623157e+308'],
    [-Infinity, '-1.7976931348623157e+308'],
    [NaN, '0'],
  ])('%d is %s', (value, text) => {
    expect(number(value)).toBe(text)
  })

  it('are what String makes of them when they are finite', () => {
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.tuple(fc.nat({ max: 31 }), fc.integer({ min: -2, max: 2 })).map(([bits, near]) => 2 ** bits + near),
      fc
        .tuple(fc.nat({ max: 22 }), fc.integer({ min: -2, max: 2 }))
        .map(([digits, near]) => 10 ** digits + near),
    )
    fc.assert(
      fc.property(value, (given) => {
        expect(number(given)).toBe(String(given + 0))
      }),
      { numRuns: 2000 },
    )
  })
})

const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\uFFFD')

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 100 }),
  fc.string({ maxLength: 100 }),
  fc.string({
    unit: fc.constantFrom('a', '"', '\\', '\n', 'ü', '€', '🦊', '\ud800', '\u007f'),
    maxLength: 100,
  }),
)
const asciiText = fc.string({
  unit: fc.integer({ min: 0, max: 127 }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
})

describe('text', () => {
  it('is what was added, however often the memory had to grow or was taken', () => {
    const step = fc.oneof(
      fc.record({ add: fc.constant('text'), text: anyText }),
      fc.record({ add: fc.constant('label'), text: anyText.map((text) => wellFormed(text)) }),
      fc.record({ add: fc.constant('fixed'), text: asciiText }),
      fc.record({ add: fc.constant('number'), text: fc.double().map(String) }),
      fc.record({ add: fc.constant('again'), text: fc.constant('') }),
      fc.record({ add: fc.constant('take'), text: fc.constant('') }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat({ max: 300 }), (steps, capacity) => {
        const out = new Utf8Writer(capacity)
        const expected: string[] = []
        const taken: string[] = []
        let current = ''
        let [start, end] = [0, 0]
        const take = (): void => {
          expected.push(current)
          taken.push(Buffer.from(out.take()).toString())
          current = ''
          ;[start, end] = [0, 0]
        }
        for (const { add, text } of steps) {
          const before = out.length
          if (add === 'take') {
            take()
            continue
          }
          if (add === 'again') {
            current += Buffer.from(current).toString('utf8', start, end)
            out.again(start, end)
          } else if (add === 'text') {
            current += wellFormed(text)
            out.text(text)
          } else if (add === 'label') {
            current += escapeLabelValue(text)
            out.labelValue(text)
          } else if (add === 'fixed') {
            current += text
            out.fixed(new Fixed(text))
          } else {
            current += number(Number(text))
            out.number(Number(text))
          }
          ;[start, end] = [before, out.length]
        }
        take()
        expect(taken).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  it('that is taken shares no memory with what comes later, and has nothing behind it', () => {
    const out = new Utf8Writer(64)
    const texts = ['short', 'long enough to be given away with its memory', 'another']
    const taken = texts.map((text) => {
      out.text(text)
      return out.take()
    })
    expect(new Set(taken.map(({ buffer }) => buffer)).size).toBe(3)
    expect(taken.map((bytes) => Buffer.from(bytes).toString())).toEqual(texts)
    for (const { buffer, byteOffset, length } of taken) {
      expect(byteOffset).toBe(0)
      expect(new Uint8Array(buffer, length).every((byte) => byte === 0)).toBe(true)
    }
  })
})
