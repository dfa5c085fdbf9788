/** The figures that were measured last, kept in `tests/promises/figures.json`: what `docs/promises.md` shows. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Entry } from './catalogue.ts'
import { sourcesHash } from './content-hash.ts'
import type { Outcome } from './outcome.ts'
import type { Figure, Tier } from './promise.ts'
import { tiers } from './tiers.ts'

/** One trial of one promise that was kept. */
export interface Recorded {
  /** The day, in UTC: `2026-12-01`. */
  readonly date: string
  readonly node: string
  readonly seed: number
  /** Of what the promise speaks of and of the trial's own module, as they were. */
  readonly hash: string
  readonly figures: readonly Figure[]
}

/** By the promise's number and by tier. */
export type Figures = Readonly<Record<string, Readonly<Partial<Record<Tier, Recorded>>>>>

const file = 'tests/promises/figures.json'

export function readFigures(root: string): Figures {
  return JSON.parse(readFileSync(join(root, file), 'utf8')) as Figures
}

export function writeFigures(root: string, figures: Figures): void {
  writeFileSync(join(root, file), `${JSON.stringify(figures, null, 2)}\n`)
}

/** What the figures of a promise are compared with: they are of today if their hash is this. */
export function hashOf(root: string, { promise, source }: Entry): string {
  return sourcesHash(root, [...promise.speaksOf, source])
}

/** {@link hashOf} each, by its number. */
export function hashesOf(root: string, entries: readonly Entry[]): ReadonlyMap<string, string> {
  return new Map(entries.map((entry) => [entry.promise.id, hashOf(root, entry)]))
}

export interface Measured {
  readonly entries: readonly Entry[]
  /** By their numbers, what the hashes were when the trials began: the code may have been changed meanwhile. */
  readonly hashes: ReadonlyMap<string, string>
  readonly outcomes: readonly Outcome[]
  readonly seed: number
  readonly date: string
  readonly node: string
}

/** `before` with what was measured now. Only of promises that were kept; those of promises that are gone are left out. */
export function withMeasured(before: Figures, measured: Measured): Figures {
  const { entries, hashes, outcomes, seed, date, node } = measured
  const after: Record<string, Partial<Record<Tier, Recorded>>> = {}
  for (const { promise } of entries) {
    const { id } = promise
    const recorded = { ...before[id] }
    for (const { figures, tier } of outcomes.filter((one) => one.id === id && one.verdict === 'kept')) {
      recorded[tier] = { date, node, seed, hash: hashes.get(id) ?? '', figures: figures.map(rounded) }
    }
    const inOrder = tiers.flatMap((tier) => (recorded[tier] === undefined ? [] : [[tier, recorded[tier]]]))
    if (inOrder.length > 0) after[id] = Object.fromEntries(inOrder) as Partial<Record<Tier, Recorded>>
  }
  return after
}

/** More digits than anybody reads, and than any machine repeats, only make changes hard to read. */
function rounded(figure: Figure): Figure {
  return Number.isInteger(figure.value) ? figure : { ...figure, value: Number(figure.value.toPrecision(4)) }
}

/** A tier of a promise whose figures do not stand: `stale` if they were measured before the code changed. */
export interface Gap {
  readonly id: string
  readonly tier: Tier
  readonly why: 'stale' | 'never measured'
}

/** All tiers of all promises without figures of the code as it is now. */
export function gaps(root: string, entries: readonly Entry[], figures: Figures): Gap[] {
  return entries.flatMap((entry) => {
    const { id, tiers: tried } = entry.promise
    const now = hashOf(root, entry)
    return tried.flatMap((tier): Gap[] => {
      const recorded = figures[id]?.[tier]
      if (recorded === undefined) return [{ id, tier, why: 'never measured' }]
      return recorded.hash === now ? [] : [{ id, tier, why: 'stale' }]
    })
  })
}
