import { describe, expect, it } from 'vitest'
import { LabelBlock } from './label-block.ts'
import { Utf8Writer } from './utf8.ts'

function written(labels: LabelBlock, values: readonly string[]): string {
  const out = new Utf8Writer(16)
  labels.write(values, out)
  return Buffer.from(out.take()).toString()
}

describe('the labels of a series', () => {
  it('are those that are not absent', () => {
    const labels = new LabelBlock()
    labels.setNames(['a', 'b.c', 'd'])
    expect(written(labels, ['1', '2', '3'])).toBe('{a="1",b_c="2",d="3"')
    expect(written(labels, ['', '2', ''])).toBe('{b_c="2"')
    expect(written(labels, ['1', '', '3'])).toBe('{a="1",d="3"')
    expect(written(labels, ['', '', ''])).toBe('')
    expect(written(labels, [])).toBe('')
  })

  it('go by the names of the moment', () => {
    const labels = new LabelBlock()
    expect(written(labels, [])).toBe('')
    labels.setNames(['a'])
    expect(written(labels, ['x'])).toBe('{a="x"')
    labels.setNames(['a', 'b'])
    expect(written(labels, ['x', 'y'])).toBe('{a="x",b="y"')
  })

  it('are escaped, whatever their length', () => {
    const labels = new LabelBlock()
    labels.setNames(['a'])
    for (const length of [0, 1, 63, 64, 65, 1000]) {
      const filler = 'x'.repeat(length)
      expect(written(labels, [`${filler}"\\\n`])).toBe(`{a="${filler}\\"\\\\\\n"`)
      expect(written(labels, [`${filler}ü🦊\u2028`])).toBe(`{a="${filler}ü🦊\u2028"`)
    }
  })
})
