import { context, trace } from '@opentelemetry/api'
import { afterEach, describe, expect, it } from 'vitest'
import { suite } from './suite.ts'
import { addedVerdicts } from './targets.ts'

afterEach(() => {
  trace.disable()
  context.disable()
})

it('has unique names, compares every group with kit, and has targets only for cases that exist', () => {
  expect(new Set(suite.groups.map(({ name }) => name)).size).toBe(suite.groups.length)
  for (const { cases, targets = [], added = [], bare } of suite.groups) {
    const names = cases.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names[0]).toMatch(/^kit/)
    expect(names).toContain(bare)
    for (const target of [...targets, ...added]) {
      expect(names).toContain('against' in target ? target.against : target.nanosecondsOf)
    }
  }
})

describe('every case does the work', () => {
  const cases = suite.groups.flatMap(({ name, cases: all, holds }) =>
    all.map((one) => ({ group: name, name: one.name, one, holds })),
  )

  it.each(cases)('$group, $name', async ({ one, holds }) => {
    const operation = (await one.prepare()) as (index: number) => unknown
    for (let i = 0; i < 8; i += 1) {
      const result = await operation(i)
      expect(result).toBe(i + (i & 3) + 1)
      expect(holds?.(result)).toBe(true)
    }
  })
})

it('judges what is added to a bare call', () => {
  const measured = (name: string, ns: number) => ({
    name,
    ns: { p25: ns, median: ns, p75: ns },
    ratio: undefined,
    bytes: undefined,
    rounds: 1,
    dropped: 0,
  })
  const group = {
    name: 'g',
    title: 't',
    bare: 'bare',
    cases: [],
    added: [{ against: 'rival', atLeast: 20 }],
    addsAtMost: 5,
  }
  const result = {
    name: 'g',
    title: 't',
    note: undefined,
    verdicts: [],
    cases: [measured('kit', 14), measured('bare', 4), measured('rival', 204)],
  }
  expect(addedVerdicts(group, result)).toMatchObject([
    { measured: 20, met: true, enforced: true },
    { measured: 10, met: false, enforced: false },
  ])
})
