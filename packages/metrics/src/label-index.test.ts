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

  it('keeps no alias of a string that was replaced, of which there may be any number', () => {
    const index = new LabelIndex(['a'], [{ labelValues: ['cut'] }])
    index.alias(['cut'], { a: 'cut and more' })
    expect(index.get({ a: 'cut and more' })).toBeUndefined()
  })
})
