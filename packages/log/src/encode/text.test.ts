import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Redactor } from '../redact.ts'
import { withBudget } from './limits.ts'
import { TextFormat, textLabel } from './text.ts'
import { ValueEncoder } from './value.ts'

const values = new ValueEncoder(new Redactor([], [], ''), textLabel(false))
const format = new TextFormat(values, false, false)

function field(value: unknown): string {
  return withBudget(() => format.field({ a: value }, 'a', format.known('a')))
}

test('only one plain word stands without quotes', () => {
  const word = fc.oneof(
    fc.constantFrom('', 'GET', '/carts/:id', 'a=b', 'a b', "it's", '"', '\\', 'ä', '\u007f', '127.0.0.1:80'),
    fc.string({ maxLength: 4 }),
    fc.string({ unit: 'binary', maxLength: 4 }),
  )
  fc.assert(
    fc.property(word, (text) => {
      const isWord = /^[\w.:/@+\-[\]%&?,~#*;!$()]+$/.test(text)
      expect(field(text)).toBe(` a=${isWord ? text : (values.encode(text) ?? '')}`)
    }),
    { numRuns: 1000 },
  )
})

test('what is no text stands as JSON', () => {
  expect([0, true, null, ['a'], { b: 'c' }, undefined].map(field)).toEqual([
    ' a=0',
    ' a=true',
    ' a=null',
    ' a=["a"]',
    ' a={"b":"c"}',
    '',
  ])
})
