import { afterEach, describe, expect, it } from 'vitest'
import type { LogGroup } from './suite-types.ts'
import { suite } from './suite.ts'

const groups = [...suite.groups, ...suite.retention]

it('has unique names, of groups and of the cases in each', () => {
  const names = groups.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const { cases } of groups) expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
})

it('compares every group with kit', () => {
  for (const { cases } of groups) expect(cases[0]?.name).toMatch(/^kit/)
})

it('has targets only for cases that exist', () => {
  for (const { cases, targets = [], allocations = [], beyond } of suite.groups) {
    const names = cases.map(({ name }) => name)
    for (const target of targets) {
      expect(names).toContain('against' in target ? target.against : target.nanosecondsOf)
    }
    for (const { against } of allocations) expect(names).toContain(against)
    expect(names).toEqual(expect.arrayContaining(beyond === undefined ? [] : [beyond.floor]))
  }
})

/** Does the work of a case twice and returns what was written. */
async function written({ prepareFor }: LogGroup['cases'][number]): Promise<string[]> {
  const lines: string[] = []
  const operation = await prepareFor({ write: (line) => lines.push(line) })
  // An override tells that it begins.
  lines.length = 0
  if (typeof operation === 'object') operation.burst(2)
  else for (let i = 0; i < 2; i++) operation(i)
  // Streams of Node may finish a turn later.
  await new Promise((resolve) => setImmediate(resolve))
  return lines
}

const cases = suite.groups.flatMap((group) =>
  group.cases.map((one) => ({ group: group.name, name: one.name, one, shows: group.shows })),
)
const writing = cases.filter(({ shows }) => shows !== undefined)
const silent = cases.filter(({ group }) => /^(?:disabled|record|child|grandchild)/.test(group))

describe('what is compared', () => {
  afterEach(async () => {
    const { resetSync } = await import('@logtape/logtape')
    resetSync()
  })

  it.each(writing)('writes the same: $group, $name', async ({ one, shows = [] }) => {
    const lines = await written(one)
    expect(lines.length).toBeGreaterThanOrEqual(2)
    for (const line of lines) {
      for (const part of shows) expect(line).toContain(part)
      expect(line.indexOf('\n')).toBe(line.length - 1)
    }
  })

  it.each(silent)('writes nothing: $group, $name', async ({ one }) => {
    expect(await written(one)).toEqual([])
  })

  it('is every group', () => {
    expect([...new Set([...writing, ...silent].map(({ group }) => group)), 'relevel-10k'].toSorted()).toEqual(
      suite.groups.map(({ name }) => name).toSorted(),
    )
  })
})
