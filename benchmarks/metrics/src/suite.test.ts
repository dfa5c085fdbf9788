import { expect, it } from 'vitest'
import { suite } from './suite.ts'

const timed = [...suite.groups, ...suite.slow]
const groups = [...timed, ...suite.retention]

it('has unique names, of groups and of the cases in each', () => {
  const names = groups.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const { cases } of groups) expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
})

it('compares every group with kit', () => {
  for (const { cases } of groups) expect(cases[0]?.name).toMatch(/^kit/)
})

it('has targets only for cases that exist', () => {
  for (const { cases, targets = [] } of timed) {
    const names = cases.map(({ name }) => name)
    for (const target of targets) {
      expect(names).toContain('against' in target ? target.against : target.nanosecondsOf)
    }
  }
  for (const { cases, allocations = [] } of suite.groups) {
    const names = cases.map(({ name }) => name)
    for (const { of } of allocations) expect(names).toContain(of)
  }
  for (const { cases, share } of suite.retention) {
    const names = cases.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(share === undefined ? [] : [share.against]))
  }
})
