import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BucketIndex, defaultBuckets, resolveBuckets } from './histogram.ts'

function naive(bounds: readonly number[], value: number): number {
  const found = bounds.findIndex((bound) => value <= bound)
  return found < 0 ? bounds.length : found
}

const bound = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ noNaN: true, min: 0.001, max: 100 }),
  fc.integer({ min: -20, max: 20 }),
  fc.constantFrom(0, 5e-324, 2.2250738585072014e-308, Number.MAX_VALUE, 1, 2, 4, 0.1, 0.2, 0.3),
)
const bounds = fc
  .uniqueArray(bound, { minLength: 1, maxLength: 40, comparator: (a, b) => a === b })
  .map((list) =>
    resolveBuckets(
      'h',
      list.map((value) => value + 0).toSorted((a, b) => a - b),
      '',
    ),
  )

/** The neighbours of a float: where an index by its first bits would go wrong. */
function around(value: number): number[] {
  const floats = new Float64Array([value])
  const bits = new BigInt64Array(floats.buffer)
  const neighbours = [value, -value]
  for (const step of [1n, -1n]) {
    floats[0] = value
    bits.set([(bits.at(0) ?? 0n) + step])
    neighbours.push(...floats)
  }
  return neighbours.filter((neighbour) => Number.isFinite(neighbour))
}

describe('the bucket index', () => {
  it('finds the bucket that a search finds, for any bounds and any value', () => {
    fc.assert(
      fc.property(
        bounds,
        fc.array(fc.oneof(bound, fc.constantFrom(Infinity, -Infinity, -0))),
        (list, values) => {
          const index = new BucketIndex(list)
          for (const value of [...values, ...list.flatMap(around)]) {
            expect(index.find(value), `${value} in ${list.join()}`).toBe(naive(list, value))
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('treats bounds as inclusive', () => {
    const index = new BucketIndex(defaultBuckets)
    expect(defaultBuckets.map((value) => index.find(value))).toEqual(defaultBuckets.map((_, i) => i))
    expect(index.find(10.000001)).toBe(defaultBuckets.length)
  })
})

describe('default buckets', () => {
  it('depend on the unit', () => {
    expect(resolveBuckets('h', undefined, 's')).toBe(defaultBuckets)
    expect(resolveBuckets('h', undefined, '')).toBe(defaultBuckets)
    expect(resolveBuckets('h', undefined, 'By')[0]).toBe(64)
    expect(resolveBuckets('h', undefined, 'ms').at(-1)).toBe(10_000)
  })
})
