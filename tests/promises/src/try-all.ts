/** Tries promises, one process each, and shows how it goes. */

import type { Screen } from './board.ts'
import { Board } from './board.ts'
import { missing } from './needs.ts'
import type { Outcome } from './outcome.ts'
import type { PublishedPromise, Tier } from './promise.ts'
import { runTrial } from './run-trial.ts'
import { inSchedule } from './schedule.ts'

export interface TryAll {
  readonly screen: Screen
  readonly checkout: string
  /** The root of the copy in which they are tried. */
  readonly copy: string
  readonly promises: readonly PublishedPromise[]
  readonly tier: Tier
  readonly seed: number
  readonly jobs: number
}

/** The outcomes, in the order of `promises`. */
export async function tryAll(options: TryAll): Promise<Outcome[]> {
  const { screen, promises, tier, seed, jobs, checkout, copy } = options
  const board = new Board(screen, promises.length)
  const outcomes = new Map<string, Outcome>()
  await inSchedule({
    items: promises,
    jobs,
    isAlone: (promise) => promise.alone === true,
    async run(promise) {
      board.start(promise.id, promise.says)
      const outcome =
        skipped(promise, tier) ??
        (await runTrial({
          copy,
          checkout,
          promise,
          tier,
          seed,
          onProgress: (progress) => board.progress(promise.id, progress),
        }))
      outcomes.set(promise.id, outcome)
      show(board, outcome)
    },
  })
  board.close()
  return promises.flatMap(({ id }) => outcomes.get(id) ?? [])
}

/** The outcome of a promise that cannot be tried here; undefined if it can. */
export function skipped({ id, says, needs }: PublishedPromise, tier: Tier): Outcome | undefined {
  const absent = missing(needs)
  if (absent.length === 0) return undefined
  const reasons = [`this machine has no ${absent.join(', no ')}`]
  return { id, says, tier, verdict: 'skipped', reasons, figures: [], plots: [], seconds: 0 }
}

function show(board: Board, { id, says, verdict, reasons, seconds }: Outcome): void {
  if (verdict === 'kept') board.end({ tone: 'good', word: verdict, name: id, seconds, text: says })
  else if (verdict === 'broken') {
    board.end({ tone: 'bad', word: verdict, name: id, seconds, text: says, details: reasons })
  } else board.end({ tone: 'quiet', word: verdict, name: id, text: reasons.join('; ') })
}
