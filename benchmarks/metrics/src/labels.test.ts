import { expect, it } from 'vitest'
import { durations, inTurn, labelSets, manyValues } from './labels.ts'

it.each([64, 1000, 10_000])('%i sets of labels are different', (count) => {
  expect(new Set(labelSets(count).map((labels) => JSON.stringify(labels))).size).toBe(count)
})

it('durations are durations', () => {
  const values = durations()
  expect(values).toHaveLength(manyValues)
  expect(Math.min(...values)).toBeGreaterThan(0.001)
  expect(Math.max(...values)).toBeLessThan(13)
})

it('every set has been recorded before the turns begin, and all get their turn', () => {
  const seen: string[] = []
  const operation = inTurn(labelSets(3), ({ method }) => seen.push(method))
  expect(seen).toEqual(labelSets(3).map(({ method }) => method))
  for (let i = 0; i < 4; i++) operation(i)
  expect(seen).toHaveLength(7)
  expect(seen.slice(3, 6)).toEqual(seen.slice(0, 3))
})
