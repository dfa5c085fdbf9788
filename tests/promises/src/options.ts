/** What the runner is asked to do: `node dist/main.js [selftest|page] [--tier …] [--only …] …`. */

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { Entry } from './catalogue.ts'
import type { Plant, PublishedPromise, Tier } from './promise.ts'
import { lowestTier, tierOf, when } from './tiers.ts'

export const usage = `node tests/promises/dist/main.js [--tier change|nightly|release] [--only R3,S1] [--record] [--seed 1] [--jobs 2]
    tries the promises; --record keeps the figures and writes docs/promises.md
node tests/promises/dist/main.js --plant R3 | --plant R3:2
    tries one with a bug planted, to see what its trial says of it
node tests/promises/dist/main.js selftest [--tier …] [--only …] [--jobs 2]
    plants every bug, each in a copy, and fails if a trial misses one
node tests/promises/dist/main.js page
    writes docs/promises.md anew from the figures that were kept`

export interface Options {
  readonly command: 'try' | 'selftest' | 'page'
  readonly tier: Tier
  /** What is to be tried: all of the tier unless some were named. */
  readonly entries: readonly Entry[]
  readonly plant: Plant | undefined
  readonly record: boolean
  readonly seed: number
  readonly jobs: number
}

/** A question that cannot be answered: the text is for whoever asked. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What the arguments mean. Throws a UsageError that says what is wrong with them. */
export function resolveOptions(args: readonly string[], all: readonly Entry[], now: Date): Options {
  const { values, positionals } = parsed(args)
  const command = positionals[0] ?? 'try'
  if (positionals.length > 1 || (command !== 'try' && command !== 'selftest' && command !== 'page')) {
    throw new UsageError(`There is no command ${positionals.join(' ')}.`)
  }
  const common = { command, seed: seedOf(values.seed), jobs: jobsOf(values.jobs) } as const
  if (values.plant !== undefined) {
    const { entry, plant } = plantOf(values.plant, all)
    const tier = values.tier === undefined ? lowestTier(entry.promise.tiers) : namedTier(values.tier)
    return { ...common, tier, entries: [entry], plant, record: false, seed: common.seed ?? 1 }
  }
  const tier = namedTier(values.tier ?? 'change')
  const isMeant = ({ tiers }: PublishedPromise): boolean =>
    command === 'selftest' ? lowestTier(tiers) === tier : tiers.includes(tier)
  const entries =
    values.only === undefined
      ? all.filter(({ promise }) => isMeant(promise))
      : values.only.split(',').map((id) => {
          const entry = named(id, all)
          if (isMeant(entry.promise)) return entry
          const tried = entry.promise.tiers.map((one) => when[one]).join(', ')
          throw new UsageError(
            `${entry.promise.id} is not tried ${when[tier]}, but ${tried}: choose a --tier.`,
          )
        })
  if (entries.length === 0 && command !== 'page') {
    throw new UsageError(`Nothing is ${command === 'selftest' ? 'first tried' : 'tried'} ${when[tier]}.`)
  }
  // What runs with each change is the same each time; the others look further every day.
  const seed =
    common.seed ?? (tier === 'change' ? 1 : Number(now.toISOString().slice(0, 10).replaceAll('-', '')))
  return { ...common, tier, entries, plant: undefined, record: values.record, seed }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        tier: { type: 'string' },
        only: { type: 'string' },
        plant: { type: 'string' },
        record: { type: 'boolean', default: false },
        seed: { type: 'string' },
        jobs: { type: 'string' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function namedTier(name: string): Tier {
  try {
    return tierOf(name)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function named(id: string, all: readonly Entry[]): Entry {
  const entry = all.find(({ promise }) => promise.id === id.trim().toUpperCase())
  if (entry !== undefined) return entry
  throw new UsageError(
    `There is no promise ${id}: there are ${all.map(({ promise }) => promise.id).join(', ')}.`,
  )
}

function plantOf(text: string, all: readonly Entry[]): { entry: Entry; plant: Plant } {
  const [id = '', which = '1'] = text.split(':')
  const entry = named(id, all)
  const plant = entry.promise.plants[Number(which) - 1]
  if (plant !== undefined) return { entry, plant }
  throw new UsageError(
    `${entry.promise.id} has ${entry.promise.plants.length} bugs to plant, and none is ${which}.`,
  )
}

function seedOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const seed = Number(text)
  if (Number.isSafeInteger(seed) && seed >= 0) return seed
  throw new UsageError(`--seed is a whole number, not ${text}.`)
}

function jobsOf(text: string | undefined): number {
  const jobs = text === undefined ? Math.min(2, availableParallelism()) : Number(text)
  if (Number.isInteger(jobs) && jobs > 0) return jobs
  throw new UsageError(`--jobs is a number from 1, not ${text}.`)
}
