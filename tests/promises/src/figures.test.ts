import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Entry } from './catalogue.ts'
import { gaps, hashesOf, withMeasured } from './figures.ts'
import type { Outcome } from './outcome.ts'
import { page } from './page.ts'
import type { Tier } from './promise.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kit-figures-'))
  mkdirSync(join(root, 'src'))
  for (const name of ['R1', 'R2', 'trial']) writeFileSync(join(root, 'src', `${name}.ts`), name)
})
afterEach(() => rmSync(root, { recursive: true }))

function entry(id: string, tiers: readonly Tier[]): Entry {
  const plants = [{ bug: 'it forgets', file: 'x/dist/x.js', find: 'a', replace: 'b' }]
  const promise = { id, says: `${id} is so.`, tiers, speaksOf: [`src/${id}.ts`], plants }
  return { promise: { ...promise, run: () => Promise.resolve() }, source: 'src/trial.ts' }
}

const entries = [entry('R1', ['change', 'nightly']), entry('R2', ['change'])]

function outcome(id: string, tier: Tier, verdict: Outcome['verdict'] = 'kept'): Outcome {
  const figures = [{ what: 'time', value: 1.234_567, unit: 's', atMost: 2 }]
  return { id, says: '', tier, verdict, reasons: [], figures, plots: [], seconds: 1 }
}

function measured(...outcomes: Outcome[]): Parameters<typeof withMeasured>[1] {
  return { entries, hashes: hashesOf(root, entries), outcomes, seed: 1, date: '2026-12-01', node: '24.0.0' }
}

it('only what was kept is recorded, and what was recorded before stays', () => {
  const before = withMeasured({}, measured(outcome('R1', 'nightly')))
  const after = withMeasured(before, measured(outcome('R1', 'change'), outcome('R2', 'change', 'broken')))
  expect(Object.keys(after)).toEqual(['R1'])
  expect(Object.keys(after['R1'] ?? {})).toEqual(['change', 'nightly'])
  expect(after['R1']?.change?.figures).toEqual([{ what: 'time', value: 1.235, unit: 's', atMost: 2 }])
})

it('what was recorded of a promise that is gone goes with it', () => {
  const before = withMeasured({}, measured(outcome('R1', 'change'), outcome('R2', 'change')))
  expect(Object.keys(withMeasured(before, { ...measured(), entries: entries.slice(1) }))).toEqual(['R2'])
})

it('figures are stale once what they speak of has changed, or the trial itself', () => {
  const figures = withMeasured({}, measured(outcome('R1', 'change'), outcome('R2', 'change')))
  const never = { id: 'R1', tier: 'nightly', why: 'never measured' }
  expect(gaps(root, entries, figures)).toEqual([never])
  writeFileSync(join(root, 'src/R2.ts'), 'changed')
  expect(gaps(root, entries, figures)).toEqual([never, { id: 'R2', tier: 'change', why: 'stale' }])
  writeFileSync(join(root, 'src/trial.ts'), 'changed')
  expect(gaps(root, entries, figures).filter(({ why }) => why === 'stale')).toHaveLength(2)
})

it('what changes while trials run makes their figures stale', () => {
  const before = measured(outcome('R2', 'change'))
  writeFileSync(join(root, 'src/R2.ts'), 'changed')
  expect(gaps(root, entries, withMeasured({}, before))).toContainEqual({
    id: 'R2',
    tier: 'change',
    why: 'stale',
  })
})

it('the page says which figures are older than the code, and what was never measured', () => {
  const figures = withMeasured({}, measured(outcome('R1', 'change'), outcome('R2', 'change')))
  writeFileSync(join(root, 'src/R2.ts'), 'changed')
  const notYet = [{ id: 'S7', says: 'It is closed.', because: 'it is not there' }]
  const text = page({ entries, notYet, figures, gaps: gaps(root, entries, figures) })
  const part = (id: string): string => text.slice(text.indexOf(`## ${id}\n`)).split('\n## ')[0] ?? ''
  expect(part('R1')).toContain('Measured with each change, 2026-12-01, Node 24.0.0:\n')
  expect(part('R1')).toContain('Measured at night: not yet.')
  expect(part('R1')).toContain('| time   | at most 2 s | 1.24 s   |')
  expect(part('R2')).toContain('Node 24.0.0, **measured before the code changed**:\n')
  expect(part('S7')).toContain('Not yet, because it is not there: It is closed.')
})
