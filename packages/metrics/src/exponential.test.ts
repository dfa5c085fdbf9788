import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExponentialCell, exponentialIndex } from './exponential.ts'

const positive = fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true })
const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

describe('the index of a bucket', () => {
  it.each([
    [1, 0, -1],
    [1.0000000000000002, 0, 0],
    [2, 0, 0],
    [2.0000000000000004, 0, 1],
    [4, 0, 1],
    [4, -1, 0],
    [5, -1, 1],
    [16, -1, 1],
    [17, -1, 2],
    [1, 3, -1],
    [2, 3, 7],
    [1.5, 3, 4],
    [Number.MIN_VALUE, 0, -1075],
    [2 ** -1022, 0, -1023],
    [Number.MAX_VALUE, 0, 1023],
    [Number.MAX_VALUE, -10, 0],
    [Number.MAX_VALUE, 20, 2 ** 30 - 1],
  ])('of %d at scale %d is %d', (value, scale, index) => {
    expect(exponentialIndex(value, scale)).toBe(index)
  })

  it('has the bounds around the value', () => {
    fc.assert(
      fc.property(positive, fc.integer({ min: -8, max: 20 }), (value, scale) => {
        const place = Math.log2(value) * 2 ** scale
        const index = exponentialIndex(value, scale)
        const slack = Math.abs(place) * 2 ** -50 + 2 ** (scale - 45)
        expect(index).toBeLessThan(place + slack)
        expect(index + 1).toBeGreaterThanOrEqual(place - slack)
      }),
      { numRuns: 20_000 },
    )
  })

  it('never falls as values grow, across the powers of two as well', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1022, max: 1023 }),
        fc.integer({ min: -4, max: 20 }),
        (exponent, scale) => {
          const power = 2 ** exponent
          const above = power * (1 + 2 ** -52)
          expect(exponentialIndex(above, scale)).toBeGreaterThanOrEqual(exponentialIndex(power, scale))
          expect(exponentialIndex(above, Math.max(scale, 0))).toBe(
            exponentialIndex(power, Math.max(scale, 0)) + 1,
          )
        },
      ),
      { numRuns: 5000 },
    )
  })
})

describe('exponential buckets', () => {
  it('keep the finest scale that 160 buckets can hold', () => {
    const cell = new ExponentialCell()
    cell.observe(1.5)
    expect([cell.scale, cell.positive.counts()]).toEqual([20, [1]])
    for (let i = 2; i <= 1000; i++) cell.observe(i)
    expect(cell.scale).toBe(4)
    expect(cell.positive.counts().length).toBeLessThanOrEqual(160)
    cell.observe(-3)
    cell.observe(0)
    expect([cell.zeroCount, cell.negative.counts(), cell.min, cell.max]).toEqual([1, [1], -3, 1000])
  })

  it('hold every observation once, in the bucket that its value has at the final scale', () => {
    const value = fc.oneof(
      fc.double({ min: -1e3, max: 1e3, noNaN: true }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    )
    fc.assert(
      fc.property(fc.array(value, { maxLength: 300 }), (values) => {
        const cell = new ExponentialCell()
        for (const one of values) cell.observe(one)
        for (const [range, sign] of [
          [cell.positive, 1],
          [cell.negative, -1],
        ] as const) {
          const wanted = new Map<number, number>()
          for (const one of values.filter((candidate) => Math.sign(candidate) === sign)) {
            // Merged from the finest scale, as the cell does: logarithms are rounded once.
            const index = exponentialIndex(Math.abs(one), 20) >> (20 - cell.scale)
            wanted.set(index, (wanted.get(index) ?? 0) + 1)
          }
          const counts = range.counts()
          const found = counts.flatMap((count, i) => (count > 0 ? [[range.offset + i, count]] : []))
          expect(new Map(found as [number, number][])).toEqual(wanted)
          expect(counts.length).toBeLessThanOrEqual(160)
        }
        const seen = cell.zeroCount + total(cell.positive.counts()) + total(cell.negative.counts())
        expect(seen).toBe(values.length)
      }),
      { numRuns: 2000 },
    )
  })
})
