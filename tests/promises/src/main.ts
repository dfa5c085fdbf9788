/** The runner of the promises: tries them, keeps their figures, and plants bugs to see that the trials find them. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Entry } from './catalogue.ts'
import { allPromises } from './catalogue.ts'
import { buildHash } from './content-hash.ts'
import { gaps, hashesOf, readFigures, withMeasured, writeFigures } from './figures.ts'
import { notYet } from './not-yet.ts'
import type { Options } from './options.ts'
import { UsageError, resolveOptions, usage } from './options.ts'
import { writePage } from './page.ts'
import { builtCopy, plantIn } from './planted.ts'
import { readReport, writeReport } from './report/report.ts'
import { endTrials } from './run-trial.ts'
import { findingsLine, selftest } from './selftest.ts'
import { countLine, summaryTable } from './summary.ts'
import { tryAll } from './try-all.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const screen = process.stdout

const copies: string[] = []

function newCopy(): string {
  const copy = builtCopy(root)
  copies.push(copy)
  return copy
}

function removeCopies(): void {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true })
}

function say(text: string): void {
  screen.write(`${text}\n`)
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    endTrials()
    process.exit(code)
  })
}
process.once('exit', removeCopies)

try {
  const all = await allPromises()
  const options = resolveOptions(process.argv.slice(2), all, new Date())
  if (options.command === 'page') {
    writePage(root, all, notYet, readFigures(root))
    say('docs/promises.md is written.')
  } else {
    const isGood = options.command === 'selftest' ? await testSelf(options) : await tryPromises(options, all)
    process.exitCode = isGood ? 0 : 1
  }
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n\n${usage}\n`)
  process.exitCode = 2
}

async function tryPromises(options: Options, all: readonly Entry[]): Promise<boolean> {
  const { tier, seed, jobs, entries, plant } = options
  const date = new Date().toISOString()
  const copy = newCopy()
  if (plant !== undefined) {
    plantIn(root, copy, plant)
    say(`With a bug: ${plant.bug}.`)
  }
  const hashes = hashesOf(root, entries)
  const build = buildHash(root)
  const promises = entries.map(({ promise }) => promise)
  const outcomes = await tryAll({ screen, checkout: root, copy, promises, tier, seed, jobs })
  const node = process.versions.node
  const machine = `${process.platform} ${process.arch}, ${availableParallelism()} processors`
  const page = writeReport(root, {
    tier,
    seed,
    date,
    node,
    machine,
    build,
    planted: plant !== undefined,
    outcomes,
  })
  say(`\n${summaryTable(outcomes, screen.isTTY ? screen.columns : undefined)}\n\nThe report is ${page}.`)
  let isGood = outcomes.every(({ verdict }) => verdict !== 'broken')
  if (options.record) {
    const measured = { entries: all, hashes, outcomes, seed, date: date.slice(0, 10), node }
    const figures = withMeasured(readFigures(root), measured)
    writeFigures(root, figures)
    writePage(root, all, notYet, figures)
    say('The figures are kept in tests/promises/figures.json, and docs/promises.md is written.')
  }
  if (tier === 'release' && plant === undefined && !isComplete(all)) isGood = false
  say(countLine(outcomes))
  return isGood
}

/** Whether a release could show figures of the code that it releases; says what is missing. */
function isComplete(all: readonly Entry[]): boolean {
  const open = gaps(root, all, readFigures(root))
  if (open.length === 0) return true
  say('A release needs figures of the code that is released. Missing are:')
  for (const { id, tier, why } of open) {
    say(
      `  ${id}, ${tier}: ${why === 'stale' ? 'measured before the code changed' : why}; ` +
        `npx -y pnpm@12 promises${tier === 'change' ? '' : `:${tier}`} --only ${id} --record`,
    )
  }
  return false
}

async function testSelf({ tier, seed, jobs, entries }: Options): Promise<boolean> {
  const last = readReport(root, tier)
  // The same build with the same seed, tried in such a copy: trying it again would only show the same.
  const known = last?.build === buildHash(root) && last.seed === seed ? last.outcomes : []
  const promises = entries.map(({ promise }) => promise)
  const findings = await selftest({
    screen,
    checkout: root,
    newCopy,
    promises,
    tier,
    seed,
    jobs,
    known: known.filter(({ verdict, id }) => verdict === 'kept' && promises.some((one) => one.id === id)),
  })
  mkdirSync(join(root, '.reports/promises'), { recursive: true })
  writeFileSync(
    join(root, '.reports/promises/selftest.json'),
    `${JSON.stringify({ tier, findings }, null, 2)}\n`,
  )
  say(findingsLine(findings))
  return findings.every(({ verdict }) => verdict !== 'missed')
}
