/**
 * One trial of one promise, in a process of its own: `node dist/trial.js R3 --tier change --seed 1`. Writes an event a
 * line to the descriptor 3 if there is one, else to its standard output, and leaves with 1 if the trial failed.
 */

import { mkdtempSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Figure, PublishedPromise, Tier, Trial } from './promise.ts'

/** What a trial tells the runner. */
export type TrialEvent =
  | { readonly figure: Figure }
  | { readonly progress: { readonly done: number; readonly total: number; readonly unit: string } }
  | {
      readonly plot: {
        readonly title: string
        readonly x: string
        readonly y: string
        readonly points: readonly (readonly [number, number])[]
      }
    }
  | { readonly failure: string }

/** All promises there are, by the names of their files. */
export async function allPromises(): Promise<PublishedPromise[]> {
  const files = readdirSync(new URL('promises/', import.meta.url)).filter((name) =>
    /^[rs]\d\d-[\w-]+\.js$/.test(name),
  )
  const modules = await Promise.all(
    files
      .toSorted()
      .map(async (name) => (await import(`./promises/${name}`)) as { promise: PublishedPromise }),
  )
  return modules.map(({ promise }) => promise)
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      tier: { type: 'string', default: 'change' },
      seed: { type: 'string', default: '1' },
      events: { type: 'string', default: '1' },
    },
  })
  const tell = (event: TrialEvent): void => {
    writeSync(Number(values.events), `${JSON.stringify(event)}\n`)
  }
  const [id] = positionals
  const file = readdirSync(new URL('promises/', import.meta.url)).find(
    (name) =>
      name.startsWith(`${(id ?? '').toLowerCase().replace(/\d+/, (digits) => digits.padStart(2, '0'))}-`) &&
      name.endsWith('.js'),
  )
  if (file === undefined) throw new Error(`There is no promise ${id ?? ''}.`)
  const { promise } = (await import(`./promises/${file}`)) as { promise: PublishedPromise }
  const folder = mkdtempSync(join(tmpdir(), 'kit-trial-'))
  const tier = values.tier as Tier
  const trial: Trial = {
    tier,
    seed: Number(values.seed),
    folder,
    pick: (byTier) => byTier[tier],
    figure: (figure) => tell({ figure }),
    progress: (done, total, unit) => tell({ progress: { done, total, unit } }),
    plot: (title, x, y, points) => tell({ plot: { title, x, y, points } }),
  }
  try {
    await promise.run(trial)
  } catch (error) {
    tell({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[1] === import.meta.filename) await main()
