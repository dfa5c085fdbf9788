/**
 * Whether the trials find bugs: each promise is tried without any, and then with each of its bugs planted in a copy of the
 * packages, in the lowest of its tiers. A trial that does not fail with a bug in it proves nothing without it.
 */

import type { Screen } from './board.ts'
import { Board } from './board.ts'
import type { Outcome } from './outcome.ts'
import { plantIn } from './planted.ts'
import type { Plant, PublishedPromise, Tier } from './promise.ts'
import { keeps } from './promise.ts'
import { runTrial } from './run-trial.ts'
import { inSchedule } from './schedule.ts'
import { tryAll } from './try-all.ts'

export interface Selftest {
  readonly screen: Screen
  readonly checkout: string
  /** Makes a copy of the packages without a bug: one for each trial that runs at a time. The caller removes them. */
  readonly newCopy: () => string
  /** Those whose lowest tier is `tier`. */
  readonly promises: readonly PublishedPromise[]
  readonly tier: Tier
  readonly seed: number
  readonly jobs: number
  /** Outcomes of these very trials in such a copy, which need not be repeated. */
  readonly known: readonly Outcome[]
}

/** What became of one bug. */
export interface Finding {
  readonly id: string
  readonly bug: string
  /** Also missed if the trial fails without the bug as well: then its failing says nothing. */
  readonly verdict: 'caught' | 'missed' | 'skipped'
  /** What showed the bug, or why nothing did. */
  readonly by: string
}

/** A finding for each bug of each promise. */
export async function selftest(options: Selftest): Promise<Finding[]> {
  const { promises, known, screen } = options
  const unknown = promises.filter(({ id }) => !known.some((one) => one.id === id))
  if (unknown.length > 0) screen.write('Without a bug:\n')
  const copy = options.newCopy()
  // What fails without a bug would be taken for a bug that was found.
  const clean = [...known, ...(await tryAll({ ...options, copy, promises: unknown }))]
  screen.write('With a bug each:\n')
  const planted = promises.flatMap((promise) => promise.plants.map((plant) => ({ promise, plant })))
  const findings = new Map<Plant, Finding>()
  const board = new Board(screen, planted.length)
  const free = [copy]
  await inSchedule({
    items: planted,
    jobs: options.jobs,
    isAlone: ({ promise }) => promise.alone === true,
    async run({ promise, plant }) {
      const since = performance.now()
      board.start(`${promise.id}:${promise.plants.indexOf(plant) + 1}`, plant.bug)
      const own = free.pop() ?? options.newCopy()
      const finding = await tried({ ...options, copy: own, promise, plant, clean })
      free.push(own)
      findings.set(plant, finding)
      board.end({
        tone: finding.verdict === 'caught' ? 'good' : finding.verdict === 'missed' ? 'bad' : 'quiet',
        word: finding.verdict,
        name: `${promise.id}:${promise.plants.indexOf(plant) + 1}`,
        seconds: (performance.now() - since) / 1_000,
        text: plant.bug,
        details: [finding.by],
      })
    },
  })
  board.close()
  return planted.flatMap(({ plant }) => findings.get(plant) ?? [])
}

interface Try extends Pick<Selftest, 'checkout' | 'tier' | 'seed'> {
  /** Where the bug is planted, and taken out again. */
  readonly copy: string
  readonly promise: PublishedPromise
  readonly plant: Plant
  /** How the trials went without a bug. */
  readonly clean: readonly Outcome[]
}

async function tried({ checkout, copy, tier, seed, promise, plant, clean }: Try): Promise<Finding> {
  const { id } = promise
  const { bug } = plant
  const without = clean.find((one) => one.id === id)
  if (without?.verdict === 'skipped') return { id, bug, verdict: 'skipped', by: without.reasons.join('; ') }
  if (without?.verdict !== 'kept') {
    return { id, bug, verdict: 'missed', by: provesNothing }
  }
  const run = { copy, checkout, promise, tier, seed, untilBroken: true }
  let uproot: () => void
  try {
    uproot = plantIn(checkout, copy, plant)
  } catch (error) {
    // It does not fit: the code is not what it was when the bug was thought of.
    return { id, bug, verdict: 'missed', by: (error as Error).message }
  }
  const outcome = await runTrial(run)
  uproot()
  const by = outcome.reasons[0]?.split('\n')[0] ?? ''
  if (outcome.verdict !== 'broken')
    return { id, bug, verdict: 'missed', by: 'all figures are within their limits' }
  if (outcome.figures.every(keeps)) {
    // Failing may be the machine's doing, too busy to keep a trial's patience: then it fails without the bug as well.
    const again = await runTrial(run)
    if (again.verdict === 'broken') return { id, bug, verdict: 'missed', by: `${provesNothing}: ${by}` }
  }
  return { id, bug, verdict: 'caught', by }
}

const provesNothing = 'the trial fails without the bug too, and proves nothing'

/** `40 caught, 0 missed, 2 skipped`. */
export function findingsLine(findings: readonly Finding[]): string {
  return (['caught', 'missed', 'skipped'] satisfies Finding['verdict'][])
    .map((verdict) => `${findings.filter((one) => one.verdict === verdict).length} ${verdict}`)
    .join(', ')
}
