import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { builtCopy } from './planted.ts'
import type { Plant, PublishedPromise } from './promise.ts'
import { findingsLine, selftest } from './selftest.ts'

/** A trial that tells what a package makes of the number of its promise. */
const trial = `
  import { writeSync } from 'node:fs'
  import { lost } from '../../../packages/counter/dist/counter.js'
  const value = lost(process.argv[2])
  if (value === 'fails') process.exit(3)
  const figure = { what: 'lost', value, unit: 'lines', exactly: 0 }
  writeSync(3, JSON.stringify({ figure }) + '\\n')`

let root = ''
const copies: string[] = []
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kit-root-'))
  for (const path of ['packages/counter', 'tests/promises']) {
    mkdirSync(join(root, path, 'dist'), { recursive: true })
    mkdirSync(join(root, path, 'node_modules'))
    writeFileSync(join(root, path, 'package.json'), '{ "type": "module" }')
  }
  writeFileSync(join(root, 'tests/promises/dist/trial.js'), trial)
})
afterEach(() => {
  for (const folder of [root, ...copies.splice(0)]) rmSync(folder, { recursive: true })
})

function find(counter: string, ...plants: Plant[]) {
  writeFileSync(join(root, 'packages/counter/dist/counter.js'), counter)
  const promise: PublishedPromise = {
    id: 'R1',
    says: 'Nothing is lost.',
    tiers: ['change'],
    speaksOf: [],
    run: () => Promise.resolve(),
    plants,
  }
  return selftest({
    screen: { write() {} },
    checkout: root,
    newCopy() {
      const copy = builtCopy(root)
      copies.push(copy)
      return copy
    },
    promises: [promise],
    tier: 'change',
    seed: 1,
    jobs: 2,
    known: [],
  })
}

const plant = (bug: string, text: string, replace: string): Plant => ({
  bug,
  file: 'counter/dist/counter.js',
  find: text,
  replace,
})

it('a bug is caught by a figure or by failing, and missed if nothing shows it or if it does not fit', async () => {
  const findings = await find(
    `export const lost = () => 0`,
    plant('a line is lost', '0', '1'),
    plant('it fails', '0', `'fails'`),
    plant('nobody sees it', '=> 0', '=> -0'),
    plant('it is old', '2', '3'),
  )
  expect(findings.map(({ verdict }) => verdict)).toEqual(['caught', 'caught', 'missed', 'missed'])
  expect(findings.map(({ by }) => by)).toEqual([
    'lost: 1 lines, promised exactly 0 lines',
    "the trial's process ended with 3",
    'all figures are within their limits',
    expect.stringContaining('does not fit'),
  ])
  expect(findingsLine(findings)).toBe('2 caught, 2 missed, 0 skipped')
})

it('a trial that fails without a bug catches none', async () => {
  const findings = await find(`export const lost = () => 2`, plant('a line is lost', '2', '1'))
  expect(findings).toMatchObject([{ verdict: 'missed', by: expect.stringContaining('proves nothing') }])
})

it('failing is no catch where the same trial fails again once the bug is out', async () => {
  // As on a machine that became too busy: it is kept once, and then fails whatever is in it.
  const once = join(root, 'once')
  const findings = await find(
    `import { existsSync, writeFileSync } from 'node:fs'
     export function lost() {
       if (existsSync(${JSON.stringify(once)})) return 'fails'
       writeFileSync(${JSON.stringify(once)}, '')
       return 0
     }`,
    plant('a comment is added', 'return 0', 'return 0 // it'),
  )
  expect(findings).toMatchObject([{ verdict: 'missed', by: expect.stringContaining('proves nothing') }])
})
