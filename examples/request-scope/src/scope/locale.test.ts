import { background } from '@kit/context'
import { expect, it } from 'vitest'
import { firstLanguage, localeOf, withLocale } from './locale.ts'

it('is English where nobody said otherwise', () => {
  expect([localeOf(background), localeOf(withLocale(background, 'de'))]).toEqual(['en', 'de'])
})

it.each([
  ['de', 'de'],
  ['de-at;q=0.8, en', 'de-AT'],
  [' fr , en', 'fr'],
  ['*', undefined],
  ['', undefined],
  ['<script>', undefined],
  [undefined, undefined],
])('reads %j', (header, language) => {
  expect(firstLanguage(header)).toBe(language)
})
