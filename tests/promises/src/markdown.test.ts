import { expect, it } from 'vitest'
import { escape, table } from './markdown.ts'

it('the columns of a table are as wide as their widest cell', () => {
  expect(table(['a', 'figure'], [['≤ 8', 'é🙂']])).toBe(
    ['| a   | figure |', '| --- | ------ |', '| ≤ 8 | é🙂     |'].join('\n'),
  )
})

it('text stays text', () => {
  expect(escape('`a` | <b> [c](d) *e* _f_ #g')).toBe(String.raw`\`a\` \| \<b\> \[c\](d) \*e\* \_f\_ \#g`)
})
