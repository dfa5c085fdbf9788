/**
 * One trial of one promise, in a process of its own: `node --expose-gc dist/trial.js R3 --tier change --seed 1`. Writes an
 * event a line to the descriptor that `--events` names, by default its standard output, and leaves with 1 if the trial failed.
 */

import { mkdtempSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { promiseOf } from './catalogue.ts'
import type { TrialEvent } from './events.ts'
import { encodeEvent } from './events.ts'
import { tierOf } from './tiers.ts'
import type { Trial } from './promise.ts'

/** Nobody reads faster than this; a trial may call `progress` as often as it likes. */
const progressEveryMs = 100

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      tier: { type: 'string', default: 'change' },
      seed: { type: 'string', default: '1' },
      events: { type: 'string', default: '1' },
      checkout: { type: 'string', default: fileURLToPath(new URL('../../..', import.meta.url)) },
    },
  })
  const descriptor = Number(values.events)
  const tell = (event: TrialEvent): void => {
    writeSync(descriptor, `${encodeEvent(event)}\n`)
  }
  const promise = await promiseOf(positionals[0] ?? '')
  const folder = mkdtempSync(join(tmpdir(), 'kit-trial-'))
  const tier = tierOf(values.tier)
  let told = Number.NEGATIVE_INFINITY
  const trial: Trial = {
    tier,
    seed: Number(values.seed),
    checkout: values.checkout,
    folder,
    pick: (byTier) => byTier[tier],
    figure: (figure) => tell({ figure }),
    progress(done, total, unit) {
      const now = performance.now()
      if (now - told < progressEveryMs && done < total) return
      told = now
      tell({ progress: { done, total, unit } })
    },
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
