import { describe, expect, it } from 'vitest'
import { LabelIndex } from './label-index.ts'

const cell = { labelValues: ['200', 'true', 'x', 'y', 'z'] }
const names = ['status', 'ok', 'c', 'd', 'e']

describe('the label index', () => {
  it('finds a cell by strings at once, by numbers and booleans after an alias', () => {
    const index = new LabelIndex(names, [cell])
    const raw = { status: 200, ok: true, c: 'x', d: 'y', e: 'z' }
    expect(index.get({ ...raw, status: '200', ok: 'true' })).toBe(cell)
    expect(index.get(raw)).toBeUndefined()
    index.alias(cell.labelValues, raw)
    expect(index.get(raw)).toBe(cell)
    expect(index.get({ ...raw, more: 1 })).toBeUndefined()
  })

  it.each([1, 2, 3, 4, 5])('finds every one of many cells by %d labels, and those only', (depth) => {
    const labels = ['a', 'b', 'c', 'd', 'e'].slice(0, depth)
    const cells = Array.from({ length: 60 }, (_, i) => ({
      labelValues: labels.map((_name, level) => String(level === depth - 1 ? i : i % (level + 2))),
    }))
    const index = new LabelIndex(labels)
    for (const one of cells) {
      expect(index.find(one.labelValues)).toBeUndefined()
      index.add(one)
      const numbers = Object.fromEntries(one.labelValues.map((value, i) => [labels[i], Number(value)]))
      index.alias(one.labelValues, numbers)
    }
    for (const one of cells) {
      expect(index.find(one.labelValues)).toBe(one)
      const entries = one.labelValues.map((value, i) => [labels[i], value] as const)
      expect(index.get(Object.fromEntries(entries))).toBe(one)
      expect(index.get(Object.fromEntries(entries.map(([name, value]) => [name, Number(value)])))).toBe(one)
      expect(index.get({ ...Object.fromEntries(entries), [labels.at(-1)!]: 'other' })).toBeUndefined()
    }
  })

  it('keeps no alias of a string that was replaced, of which there may be any number', () => {
    const index = new LabelIndex(['a'], [{ labelValues: ['cut'] }])
    index.alias(['cut'], { a: 'cut and more' })
    expect(index.get({ a: 'cut and more' })).toBeUndefined()
  })
})
