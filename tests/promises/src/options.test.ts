import { expect, it } from 'vitest'
import type { Entry } from './catalogue.ts'
import { UsageError, resolveOptions } from './options.ts'
import type { Tier } from './promise.ts'

const now = new Date('2026-12-01T10:00:00Z')
const all = [entry('R3', ['change', 'nightly']), entry('R4', ['nightly', 'release']), entry('S1', ['change'])]

function entry(id: string, tiers: readonly Tier[]): Entry {
  const plants = [1, 2].map((i) => ({ bug: `bug ${i}`, file: 'x.js', find: 'a', replace: 'b' }))
  return { promise: { id, says: '', tiers, speaksOf: [], run: () => Promise.resolve(), plants }, source: '' }
}

function resolved(...args: string[]): { ids: string[]; tier: string; seed: number; command: string } {
  const { entries, tier, seed, command } = resolveOptions(args, all, now)
  return { ids: entries.map(({ promise }) => promise.id), tier, seed, command }
}

it('by default what runs with each change is tried, the same every day', () => {
  expect(resolved()).toEqual({ ids: ['R3', 'S1'], tier: 'change', seed: 1, command: 'try' })
})

it('the longer tiers look further every day, unless a seed is given', () => {
  expect(resolved('--tier', 'nightly')).toMatchObject({ ids: ['R3', 'R4'], seed: 20_261_201 })
  expect(resolved('--tier', 'nightly', '--seed', '7').seed).toBe(7)
})

it('one bug is planted in the lowest tier of its promise', () => {
  expect(resolveOptions(['--plant', 'R4:2'], all, now)).toMatchObject({
    tier: 'nightly',
    plant: { bug: 'bug 2' },
    record: false,
  })
})

it('the selftest is of the promises whose lowest tier it is', () => {
  expect(resolved('selftest').ids).toEqual(['R3', 'S1'])
  expect(resolved('selftest', '--tier', 'nightly').ids).toEqual(['R4'])
})

it.for([
  [['--only', 'R9'], 'There is no promise R9: there are R3, R4, S1.'],
  [['--only', 'r4'], 'R4 is not tried with each change, but at night, before a release: choose a --tier.'],
  [['--tier', 'daily'], 'There is no tier daily: there are change, nightly, release.'],
  [['--plant', 'R3:3'], 'R3 has 2 bugs to plant, and none is 3.'],
  [['--seed', '-1'], '--seed'],
  [['--seed', '1.5'], '--seed is a whole number, not 1.5.'],
  [['--jobs', '0'], '--jobs is a number from 1, not 0.'],
  [['fly'], 'There is no command fly.'],
  [['selftest', '--tier', 'release'], 'Nothing is first tried before a release.'],
  [['--what'], '--what'],
] as const)('%o is answered', ([args, text]) => {
  expect(() => resolveOptions(args, all, now)).toThrow(UsageError)
  expect(() => resolveOptions(args, all, now)).toThrow(text)
})
