import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LabelBlock } from './label-block.ts'
import { Fixed, Utf8Writer } from './utf8.ts'

/** What is written of each series, one behind the other. */
function allWritten(names: readonly string[], all: readonly (readonly string[])[]): string[] {
  const labels = new LabelBlock(new Fixed('m'))
  const out = new Utf8Writer(16)
  labels.begin(names)
  const ends = all.map((values) => {
    labels.write(values, out)
    return out.length
  })
  const bytes = Buffer.from(out.take())
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end).toString())
}

function written(names: readonly string[], values: readonly string[]): string | undefined {
  return allWritten(names, [values])[0]
}

describe('the labels of a series', () => {
  it('are those that are not absent', () => {
    const names = ['a', 'b.c', 'd']
    expect(written(names, ['1', '2', '3'])).toBe('m{a="1",b_c="2",d="3"')
    expect(written(names, ['', '2', ''])).toBe('m{b_c="2"')
    expect(written(names, ['1', '', '3'])).toBe('m{a="1",d="3"')
    expect(written(names, ['', '', ''])).toBe('m')
    expect(written([], [])).toBe('m')
  })

  it('go by the names of the moment, and take nothing from memory that has other contents by now', () => {
    const labels = new LabelBlock(new Fixed('m'))
    const out = new Utf8Writer(16)
    labels.begin(['a'])
    labels.write(['x'], out)
    expect(out.toString()).toBe('m{a="x"')
    out.clear()
    out.text('something else')
    labels.begin(['a', 'b'])
    labels.write(['x', 'y'], out)
    expect(out.toString()).toBe('something elsem{a="x",b="y"')
    out.clear()
    out.text('again something else')
    labels.begin(['a', 'b'])
    labels.write(['x', 'y'], out)
    expect(out.toString()).toBe('again something elsem{a="x",b="y"')
  })

  it('are escaped, whatever their length', () => {
    for (const length of [0, 1, 63, 64, 65, 1000]) {
      const filler = 'x'.repeat(length)
      expect(written(['a'], [`${filler}"\\\n`])).toBe(`m{a="${filler}\\"\\\\\\n"`)
      expect(written(['a'], [`${filler}ü🦊\u2028`])).toBe(`m{a="${filler}ü🦊\u2028"`)
    }
  })

  it('are the same whether they could be copied from the series before or not', () => {
    const value = fc.constantFrom('', 'a', 'b', 'ü"\\', 'x'.repeat(70), '🦊'.repeat(40), 'y'.repeat(130))
    const series = fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(series, (all) => {
        const names = ['one', 'two', 'three']
        expect(allWritten(names, all)).toEqual(all.map((values) => written(names, values)))
      }),
    )
  })
})
