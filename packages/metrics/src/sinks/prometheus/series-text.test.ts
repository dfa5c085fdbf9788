import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeptLabels } from './kept-labels.ts'
import { SeriesText } from './series-text.ts'
import { Utf8Writer } from './utf8.ts'

type Values = readonly string[]

const names = ['one', 'two']

function listOf(values: readonly Values[]): { labelValues: Values }[] {
  return values.map((labelValues) => ({ labelValues }))
}

/** The text of each series on a page that is written in slices which end before these. */
function page(
  text: SeriesText,
  list: readonly { labelValues: Values }[],
  breaks: ReadonlySet<number> = new Set(),
): string[] {
  const out = new Utf8Writer(16)
  text.begin(names, list, 0)
  return list.map((series, i) => {
    if (breaks.has(i)) {
      out.clear()
      out.text('what stands on another slice')
      text.begin(names, list, i)
    }
    const start = out.length
    const labels = text.write(series, i, out)
    expect(labels - start).toBe(1)
    return Buffer.from(out.content.subarray(start)).toString()
  })
}

const value = fc.constantFrom('', 'a', 'b', 'aü', 'aú', 'a🦊', 'a🦋', '"\\\n', 'x'.repeat(70), '🦊'.repeat(9))
const values = fc.array(fc.tuple(value, value), { minLength: 60, maxLength: 90 })

describe('the text of series', () => {
  it('is the same on each page, wherever its slices end', () => {
    const breaks = fc.array(fc.nat({ max: 89 }), { maxLength: 8 }).map((all) => new Set(all))
    fc.assert(
      fc.property(values, fc.array(breaks, { minLength: 4, maxLength: 4 }), (all, breaksOfPages) => {
        const list = listOf(all)
        const text = new SeriesText('m')
        const expected = list.map((one) => page(new SeriesText('m'), [one])[0])
        for (const one of breaksOfPages) expect(page(text, list, one)).toEqual(expected)
      }),
    )
  })

  it('is that of the list which is asked for, though another is kept since its page began', () => {
    fc.assert(
      fc.property(values, values, fc.nat({ max: 50 }), (all, others, middle) => {
        const [list, other] = [listOf(all), listOf(others)]
        const text = new SeriesText('m')
        const half = (from: number, to: number): string[] => {
          const out = new Utf8Writer(16)
          text.begin(names, list, from)
          return list.slice(from, to).map((series, i) => {
            const start = out.length
            text.write(series, from + i, out)
            return Buffer.from(out.content.subarray(start)).toString()
          })
        }
        const before = half(0, middle)
        for (let i = 0; i < 2; i++) page(text, other)
        const after = half(middle, list.length)
        expect([...before, ...after]).toEqual(list.map((one) => page(new SeriesText('m'), [one])[0]))
        expect(page(text, other)).toEqual(other.map((one) => page(new SeriesText('m'), [one])[0]))
      }),
    )
  })
})

/** What is kept of these texts after so many pages. */
function kept(texts: readonly string[], pages: number): KeptLabels {
  const labels = new KeptLabels()
  const list = texts.map((text) => Buffer.from(text))
  for (let i = 0; i < pages; i++) {
    labels.begin(list)
    list.forEach((text, at) => labels.keep(at, text))
  }
  return labels
}

const hundred = Array.from({ length: 100 }, (_, i) => `m{a="${i}"`)

describe('what is kept of labels', () => {
  it('is what differs from the series before, from the second page on', () => {
    expect(kept(hundred, 1).count).toBe(0)
    const { count, bytes, ends, shared } = kept(hundred, 2)
    expect(count).toBe(100)
    expect([...shared.subarray(9, 13)]).toEqual([5, 5, 6, 6])
    // The first one whole, nine and ninety with a quote behind what differs, and eight bytes for who reads words.
    expect(ends.at(-1)).toBe(7 + 9 * 2 + 9 * 3 + 81 * 2)
    expect(bytes.byteLength).toBe(ends.at(-1)! + 8)
  })

  it('is nothing where there is little to be gained', () => {
    expect(kept(hundred.slice(0, 63), 3).count).toBe(0)
    expect(kept(hundred.slice(0, 64), 3).count).toBe(64)
  })

  it('is nothing of a list whose series share too little, or that has one of more than 64 KiB', () => {
    const long = hundred.map((text, i) => `${i}${text}${'x'.repeat(60)}`)
    const longest = hundred.with(50, 'x'.repeat(65_536))
    const fits = hundred.with(50, 'x'.repeat(5000))
    for (const [texts, count] of [
      [long, 0],
      [longest, 0],
      [fits, 100],
    ] as const) {
      const { bytes, count: found, ends } = kept(texts, 4)
      expect(found).toBe(count)
      expect(bytes.byteLength).toBeLessThanOrEqual(100 * 64 + 8)
      expect(ends.length).toBe(count)
    }
  })

  it('is let go of with the list', () => {
    const labels = kept(hundred, 2)
    labels.begin([])
    expect(labels.count).toBe(0)
    expect(labels.bytes.byteLength).toBe(0)
  })
})
