import * as fc from 'fast-check'
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

  it.each([0, 1, 2, 3, 4])(
    'lists every cell once, those with the same first labels together: %d labels',
    (depth) => {
      const raw = fc.constantFrom<string | number | boolean>('a', 'b', '1', 1, 2, 'true', true, '', 'x')
      const wide = fc.integer({ min: 0, max: 30 })
      const labels = fc.tuple(
        ...Array.from({ length: depth }, (_, i) => (i === depth - 1 ? fc.oneof(raw, wide) : raw)),
      )
      const levels = Array.from({ length: depth }, (_, i) => `l${i}`)
      fc.assert(
        fc.property(fc.array(labels, { maxLength: 60 }), (all) => {
          const index = new LabelIndex(levels)
          const cells = new Set<{ labelValues: string[] }>()
          for (const values of all) {
            const labelValues = values.map(String)
            if (index.find(labelValues) === undefined) {
              const added = { labelValues }
              index.add(added)
              cells.add(added)
            }
            index.alias(labelValues, Object.fromEntries(levels.map((level, i) => [level, values[i]])))
          }
          const listed = index.list()
          expect(listed.length).toBe(cells.size)
          expect(new Set(listed)).toEqual(cells)
          const prefixes = listed.map(({ labelValues }) => JSON.stringify(labelValues.slice(0, -1)))
          const runs = prefixes.filter((prefix, i) => prefix !== prefixes[i - 1])
          expect(runs.length).toBe(new Set(runs).size)
        }),
      )
    },
  )
})
