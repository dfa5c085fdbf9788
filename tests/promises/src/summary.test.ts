import { expect, it } from 'vitest'
import type { Outcome } from './outcome.ts'
import { countLine, summaryTable } from './summary.ts'

const outcome: Outcome = {
  id: 'R3',
  says: 'It holds.',
  tier: 'change',
  verdict: 'kept',
  reasons: [],
  figures: [
    { what: 'lost', value: 0, unit: 'lines', exactly: 0 },
    { what: 'memory that is kept by all series together', value: 2, unit: 'MiB', atMost: 8 },
  ],
  plots: [],
  seconds: 100,
}
const broken: Outcome = { ...outcome, id: 'S10', verdict: 'broken', reasons: [`${'x'.repeat(200)}\nmore`] }
const skipped: Outcome = { ...outcome, verdict: 'skipped', reasons: ['no chromium'], figures: [] }

it('a table fits the terminal, and is whole elsewhere', () => {
  const lines = summaryTable([outcome, broken, skipped], 80).split('\n')
  expect(lines.map(({ length }) => length).filter((length) => length > 80)).toEqual([])
  expect(lines[2]).toContain('| 2 of 2        | memory that is kept by all se…')
  expect(summaryTable([outcome, broken])).toContain(`${'x'.repeat(200)} |`)
  expect(summaryTable([outcome])).toContain('series together: 2 MiB, at most 8 MiB')
})

it('the sum has all verdicts', () => {
  expect(countLine([outcome, broken, outcome])).toBe('2 kept, 1 broken, 0 skipped')
})
