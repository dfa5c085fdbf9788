import { describe, expect, it } from 'vitest'
import { undisturbed } from './disturbance.ts'
import { orders, seededRandom } from './order.ts'
import { median, pairedRatios, quantile, summarise } from './statistics.ts'

describe('quantiles', () => {
  it.each([
    [[5], 0.5, 5],
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2.5],
    [[1, 2, 3, 4, 5], 0.25, 2],
    [[1, 2, 3, 4, 5], 0.75, 4],
    [[1, 2], 0.25, 1.25],
    [[1, 2, 3], 0, 1],
    [[1, 2, 3], 1, 3],
    [[10, 9, 100], 0.5, 10],
  ])('of %j at %d is %d', (values, q, expected) => {
    expect(quantile(values, q)).toBe(expected)
  })

  it('leave the sample as it was, and say so when there is none', () => {
    const values = [3, 1, 2]
    expect(summarise(values)).toEqual({ p25: 1.5, median: 2, p75: 2.5 })
    expect(values).toEqual([3, 1, 2])
    expect(median([])).toBeNaN()
    expect(summarise([])).toBeUndefined()
  })
})

describe('paired ratios', () => {
  it('are taken within a pass, so what slows both cancels out', () => {
    expect(pairedRatios([10, 1000, 20], [1, 100, 2])).toEqual([10, 10, 10])
  })

  it.each([
    [
      [1, undefined, 3],
      [1, 1, 1],
      [1, 3],
    ],
    [[1, 2, 3], [undefined, 1, undefined], [2]],
    [[1, 2, 3], [1], [1]],
    [[], [1], []],
  ])('of %j and %j are %j', (numerators, denominators, expected) => {
    expect(pairedRatios(numerators, denominators)).toEqual(expected)
  })
})

describe('a disturbed round', () => {
  const rounds = (controls: number[], idles: number[] = []) =>
    controls.map((control, index) => ({ control, idle: idles[index] ?? 0 }))

  it('has a slow control', () => {
    expect(undisturbed(rounds([100, 101, 119, 130, 99]))).toEqual([true, true, true, false, true])
  })

  it('stood still for longer than the quiet ones, which may wait by nature', () => {
    const idles = [0.5, 0.52, 0.5, 0.7, 0.5]
    expect(undisturbed(rounds([1, 1, 1, 1, 1], idles))).toEqual([true, true, true, false, true])
  })

  it('is never all there is', () => {
    expect(undisturbed(rounds([100, 200, 400, 800])).some(Boolean)).toBe(true)
    expect(undisturbed([])).toEqual([])
    expect(undisturbed(rounds([100, 200], [0.9, 0]))).toEqual([true, false])
    for (let seed = 1; seed <= 300; seed += 1) {
      const random = seededRandom(seed)
      const some = Array.from({ length: 1 + (seed % 8) }, random)
      expect(undisturbed(rounds(some, some.map(random)))).toContain(true)
    }
  })
})

describe('orders', () => {
  it('have every case once in each pass, and every other pass reversed', () => {
    const passes = orders(5, 6, 1)
    expect(passes).toHaveLength(6)
    for (const pass of passes) expect(pass.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4])
    expect(passes[1]).toEqual(passes[0]?.toReversed())
    expect(passes[3]).toEqual(passes[2]?.toReversed())
    expect(passes[2]).not.toEqual(passes[0])
  })

  it('come again with the same seed and change with another', () => {
    expect(orders(8, 4, 7)).toEqual(orders(8, 4, 7))
    expect(orders(8, 4, 7)).not.toEqual(orders(8, 4, 8))
  })
})
