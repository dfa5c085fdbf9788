import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseObject } from './request-body.ts'

/** What a reader could take for the end of a text or of an object. */
const text = fc
  .array(fc.constantFrom('"', '\\', '{', '}', ':', ',', ' ', 'a', '\u2028', '\uD800', '\n'))
  .map((parts) => parts.join(''))
const value = fc.jsonValue()

test('an object in which no key stands twice is what JSON says it is, however it is spaced', () => {
  const members = fc.dictionary(fc.oneof(text, fc.string()), fc.oneof(text, value))
  fc.assert(
    fc.property(members, fc.constantFrom('', ' ', '\t', '\n'), (object, space) => {
      const json = JSON.stringify(object, null, space)
      expect(parseObject(json)).toEqual(JSON.parse(json))
    }),
  )
})

test('a key that stands twice is found, wherever it is and whatever is around it', () => {
  fc.assert(
    fc.property(
      text,
      fc.oneof(text, value),
      fc.oneof(text, value),
      fc.nat({ max: 8 }),
      (key, one, two, depth) => {
        const name = JSON.stringify(key)
        const twice = `{${name}:${JSON.stringify(one)} , ${name}\n: ${JSON.stringify(two)}}`
        const json = `${'{"a":[null,'.repeat(depth)}${twice}${']}'.repeat(depth)}`
        expect(() => parseObject(json)).toThrow('a key stands twice')
      },
    ),
  )
})
