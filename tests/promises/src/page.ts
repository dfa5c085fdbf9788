/** `docs/promises.md`: written from the promises themselves and from what was measured, so that it cannot say else. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Entry } from './catalogue.ts'
import { boundText, valueText } from './figure-text.ts'
import type { Figures, Gap, Recorded } from './figures.ts'
import { gaps } from './figures.ts'
import { escape, table } from './markdown.ts'
import type { NotYet } from './not-yet.ts'
import type { Tier } from './promise.ts'
import { tiers, when } from './tiers.ts'

const file = 'docs/promises.md'

/** What the page says. */
export interface PageContent {
  readonly entries: readonly Entry[]
  readonly notYet: readonly NotYet[]
  readonly figures: Figures
  readonly gaps: readonly Gap[]
}

/** The page as it is. */
export function readPage(root: string): string {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
}

/** Writes the page as it must be. */
export function writePage(
  root: string,
  entries: readonly Entry[],
  notYet: readonly NotYet[],
  figures: Figures,
): void {
  writeFileSync(join(root, file), page({ entries, notYet, figures, gaps: gaps(root, entries, figures) }))
}

/** The page as it must be. */
export function page({ entries, notYet, figures, gaps: open }: PageContent): string {
  const all = [
    ...entries.map((entry) => ({ id: entry.promise.id, text: section(entry, figures, open) })),
    ...notYet.map((one) => ({ id: one.id, text: notYetSection(one) })),
  ].toSorted((a, b) => order(a.id) - order(b.id))
  return `${[intro(entries, notYet), ...all.map(({ text }) => text)].join('\n\n')}\n`
}

/** R1 to R11, then S1 to S12. */
export function order(id: string): number {
  return (id.startsWith('R') ? 0 : 1_000) + Number(id.slice(1))
}

function intro(entries: readonly Entry[], notYet: readonly NotYet[]): string {
  return `<!-- Written by \`npx -y pnpm@12 promises --record\`. Not to be edited. -->

# What kit promises

Each promise below is a number, a sentence, and a test that tries to break it the way a stranger would: through what the
packages export, on real sockets, files and processes. Unless a promise says otherwise it holds for the default configuration.
R is for reliability, S for security. A number is never given to another promise.

To try them yourself you need Node 20.19 or later, npm and a checkout:

\`\`\`sh
npx -y pnpm@12 promises             # what is tried with each change, in minutes
npx -y pnpm@12 promises:nightly     # longer and with more cases
npx -y pnpm@12 promises:release     # in real time: hours
npx -y pnpm@12 promises:selftest    # the tests themselves: does each find the bugs that are planted for it?
\`\`\`

One alone: \`npx -y pnpm@12 promises --only R3\`. The first command writes what it found to \`.reports/promises/change.html\`. A
promise whose test needs a program that is missing is skipped by name and is then not counted as kept.

**The figures** are those of the last recorded run, with their limits and the day; a figure that was measured before the
code it speaks of changed says so. They are from one machine and are no benchmark: what is promised is the limit.

**The bugs** below each promise are planted, one at a time, in a copy of the packages, and the promise's test must then
fail. A test that nobody has seen to fail proves nothing.

**Not promised**: anything about code that runs in your process beside kit (a malicious dependency can do anything), about
operating systems other than Linux (the suites of the packages are portable, these trials are made of Linux's faults), about
settings that you loosened yourself, and anything that has no number here.${
    notYet.length === 0
      ? ''
      : ` ${notYet.map(({ id }) => id).join(' and ')} ${notYet.length === 1 ? 'has' : 'have'} a number and nothing to hold it to yet.`
  }

${table(
  ['', 'promise', 'tried'],
  [
    ...entries.map(({ promise }) => ({
      id: promise.id,
      says: promise.says,
      tried: promise.tiers.map((tier) => when[tier]).join(', '),
    })),
    ...notYet.map((one) => ({ ...one, tried: 'not yet' })),
  ]
    .toSorted((a, b) => order(a.id) - order(b.id))
    .map(({ id, says, tried }) => [`[${id}](#${id.toLowerCase()})`, escape(says), tried]),
)}`
}

function section({ promise, source }: Entry, figures: Figures, open: readonly Gap[]): string {
  const { id, says, plants, needs = [] } = promise
  const inTiers = tiers.filter((tier) => promise.tiers.includes(tier))
  const parts = [
    `## ${id}`,
    escape(says),
    `Tried ${inTiers.map((tier) => when[tier]).join(', ')} by [${basename(source)}](../${source})${
      needs.length === 0 ? '' : `; needs ${needs.map((tool) => `\`${tool}\``).join(', ')}`
    }.`,
    ...inTiers.map((tier) => measured(tier, figures[id]?.[tier], isStale(open, id, tier))),
    `Bugs that the test must find:`,
    plants.map(({ bug, file: of }) => `- ${escape(bug)} (in \`${of}\`)`).join('\n'),
  ]
  return parts.join('\n\n')
}

function measured(tier: Tier, recorded: Recorded | undefined, stale: boolean): string {
  if (recorded === undefined) return `Measured ${when[tier]}: not yet.`
  const { date, node, figures } = recorded
  const remark = stale ? ', **measured before the code changed**' : ''
  return `Measured ${when[tier]}, ${date}, Node ${node}${remark}:\n\n${table(
    ['figure', 'limit', 'measured'],
    figures.map((figure) => [escape(figure.what), escape(boundText(figure)), escape(valueText(figure))]),
  )}`
}

function notYetSection({ id, says, because }: NotYet): string {
  return `## ${id}\n\nNot yet, because ${escape(because)}: ${escape(says)}`
}

function isStale(open: readonly Gap[], id: string, tier: Tier): boolean {
  return open.some((gap) => gap.id === id && gap.tier === tier && gap.why === 'stale')
}
