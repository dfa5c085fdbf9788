import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Ledger } from '../traffic/ledger.ts'
import { compare } from './conservation.ts'
import { parsePage, quantileOf, sumOf } from './scrape.ts'
import { table } from './table.ts'

describe('conservation', () => {
  const item = { method: 'GET', route: '/items/:sku', status: '200' }
  const left = { method: 'GET', route: '/watch/:sku', status: '' }

  it('finds everything equal that is, and every difference that there is', () => {
    const [truth, same, less, more] = [new Ledger(), new Ledger(), new Ledger(), new Ledger()]
    for (const ledger of [truth, same, more]) ledger.add(item, 3)
    less.add(item, 2)
    more.add(left)
    expect(compare(truth, [same]).every((line) => line.equal)).toBe(true)
    expect(compare(truth, [same, less])).toEqual([{ ...item, sent: 3, counted: [3, 2], equal: false }])
    expect(compare(truth, [more]).map(({ equal }) => equal)).toEqual([true, false])
  })

  it('is equal exactly when the same was added, in whatever order', () => {
    const entry = fc.record({
      method: fc.constantFrom('GET', 'POST'),
      route: fc.constantFrom('/a', '/b', ''),
      status: fc.constantFrom('200', '503', ''),
    })
    fc.assert(
      fc.property(fc.array(entry), fc.array(entry), (ours, theirs) => {
        const [a, b] = [new Ledger(), new Ledger()]
        for (const one of ours) a.add(one)
        for (const one of theirs) b.add(one)
        const key = (one: object): string => JSON.stringify(one)
        const same = key(ours.map(key).toSorted()) === key(theirs.map(key).toSorted())
        expect(compare(a, [b]).every(({ equal }) => equal)).toBe(same)
      }),
    )
  })
})

describe('a scraped page', () => {
  const page = parsePage(
    [
      '# HELP x y',
      'x_bucket{route="/a \\"q\\" \\\\ {}",le="0.1"} 50',
      'x_bucket{route="/a \\"q\\" \\\\ {}",le="0.2"} 100',
      'x_bucket{route="/a \\"q\\" \\\\ {}",le="+Inf"} 100',
      'x_count{route="/a \\"q\\" \\\\ {}"} 100',
      'x_count 5',
    ].join('\n'),
  )

  it('keeps label values as they were', () => {
    expect(page[0]?.labels).toEqual({ route: '/a "q" \\ {}', le: '0.1' })
    expect(sumOf(page, 'x_count')).toBe(105)
    expect(sumOf(page, 'x_count', { route: '' })).toBe(5)
  })

  it('interpolates quantiles as PromQL does', () => {
    expect(quantileOf(page, 'x', 0.25)).toBeCloseTo(0.05)
    expect(quantileOf(page, 'x', 0.75)).toBeCloseTo(0.15)
    expect(quantileOf(page, 'none', 0.5)).toBeNaN()
  })
})

it('a table aligns text to the left and numbers to the right', () => {
  expect(
    table(
      ['a', 'n'],
      [
        ['long name', 5],
        ['x', '12.5 ms'],
      ],
    ),
  ).toBe('a                n\nlong name        5\nx          12.5 ms')
})
