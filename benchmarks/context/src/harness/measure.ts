/*
 * Measures a group: starts a process for each case, gives them rounds in turn, one at a time, and reduces what they say
 * to medians, spreads and paired ratios. A case that cannot run is skipped by name, one that fails is reported, and
 * neither stops the others.
 */
import { undisturbed } from './disturbance.ts'
import type { Kept } from './heap.ts'
import type { Round } from './meter.ts'
import type { NodeBinary } from './nodes.ts'
import { orders } from './order.ts'
import type { CaseResult, GroupResult, RetentionResult } from './results.ts'
import { verdictOfGroup, verdictOfRetention } from './results.ts'
import { pairedRatios, summarise } from './statistics.ts'
import { Subject } from './subject.ts'
import type { Case, Group, RetentionCase, RetentionGroup } from './suite.ts'

/** How to measure. */
export interface MeasureOptions {
  readonly node: NodeBinary
  readonly worker: URL
  readonly suite: URL
  readonly rounds: number
  readonly roundMs: number
  readonly warmUpMs: number
  readonly seed: number
  /** The share of the iterations that retention groups do: 1, less for a quick look. */
  readonly share: number
}

/** What is known of a case while its group runs. */
interface Runner {
  readonly name: string
  readonly skipped: string | undefined
  subject: Subject | undefined
  failed: string | undefined
  rounds: Round[]
  bytes: number | undefined
}

/** Measures the cases of a group against each other. */
export async function measureGroup(group: Group, options: MeasureOptions): Promise<GroupResult> {
  const runners: Runner[] = group.cases.map((one) => ({
    name: one.name,
    skipped: reasonToSkip(one, options.node),
    subject: undefined,
    failed: undefined,
    rounds: [],
    bytes: undefined,
  }))
  try {
    const { warmUpMs, roundMs, rounds, seed } = options
    // Only the start is done side by side: nothing is measured yet.
    await Promise.all(
      runners.map(async (runner) => {
        if (runner.skipped !== undefined) return
        const subject = new Subject({ ...options, node: options.node.path, ...at(group, runner) })
        runner.subject = subject
        await attempt(runner, () => subject.ask({ do: 'prepare' }))
      }),
    )
    for (const runner of runners) {
      await attempt(runner, async (subject) => {
        await subject.ask({ do: 'warmUp', warmUpMs, roundMs })
        // The first round after a warm-up still meets code that is being compiled; it does not count.
        await subject.ask({ do: 'round' })
      })
    }
    for (const order of orders(runners.length, rounds, seed)) {
      for (const runner of order.flatMap((index) => runners[index] ?? [])) {
        await attempt(runner, async (subject) => {
          runner.rounds.push(await subject.ask<Round>({ do: 'round' }))
        })
      }
    }
    for (const runner of runners) {
      await attempt(runner, async (subject) => {
        runner.bytes = (await subject.ask<number | null>({ do: 'allocated' })) ?? undefined
      })
    }
  } finally {
    await Promise.all(runners.flatMap(({ subject }) => subject?.end() ?? []))
  }
  return groupResult(group, runners)
}

/** Counts what the cases of a group leave behind, one after the other. */
export async function measureRetention(
  group: RetentionGroup,
  options: MeasureOptions,
): Promise<RetentionResult> {
  const cases: RetentionResult['cases'][number][] = []
  for (const one of group.cases) {
    const skipped = reasonToSkip(one, options.node)
    cases.push(skipped === undefined ? await countKept(group, one, options) : { name: one.name, skipped })
  }
  return { name: group.name, title: group.title, note: group.note, cases }
}

async function countKept(
  group: RetentionGroup,
  one: RetentionCase,
  options: MeasureOptions,
): Promise<RetentionResult['cases'][number]> {
  const { name } = one
  const subject = new Subject({ ...options, node: options.node.path, ...at(group, one) })
  try {
    await subject.ask({ do: 'prepare' })
    const found = await subject.ask<Kept>({ do: 'kept', share: options.share })
    return { name, kept: found, verdict: verdictOfRetention(one, found) }
  } catch (error) {
    return { name, failed: (error as Error).message }
  } finally {
    await subject.end()
  }
}

function at(
  group: { readonly name: string },
  { name }: { readonly name: string },
): { group: string; case: string } {
  return { group: group.name, case: name }
}

function reasonToSkip({ minimumNode = 0 }: Case, { major }: NodeBinary): string | undefined {
  return major < minimumNode ? `needs Node ${minimumNode}` : undefined
}

/** Does something with the process of a case, unless the case is skipped or has failed before. */
async function attempt(runner: Runner, work: (subject: Subject) => Promise<void>): Promise<void> {
  if (runner.skipped !== undefined || runner.failed !== undefined) return
  try {
    await work(runner.subject as Subject)
  } catch (error) {
    runner.failed = (error as Error).message
  }
}

function groupResult(group: Group, runners: readonly Runner[]): GroupResult {
  const times = runners.map(({ rounds, failed }) => (failed === undefined ? quietTimes(rounds) : []))
  /** With the first case, in the passes that were quiet for both; where there are none, in all: noise of a pass is in both. */
  const ratiosOf = (index: number): number[] => {
    const quiet = pairedRatios(times[index] ?? [], times[0] ?? [])
    return quiet.length > 0 ? quiet : pairedRatios(allTimes(runners[index]), allTimes(runners[0]))
  }
  const cases = runners.map((runner, index): CaseResult => {
    const { name, skipped, failed, bytes } = runner
    if (skipped !== undefined) return { name, skipped }
    const quiet = (times[index] ?? []).filter((ns) => ns !== undefined)
    const ns = summarise(quiet)
    if (failed !== undefined || ns === undefined) return { name, failed: failed ?? 'no round was quiet' }
    return {
      name,
      ns,
      ratio: index === 0 ? undefined : summarise(ratiosOf(index)),
      bytes,
      rounds: quiet.length,
      dropped: runner.rounds.length - quiet.length,
    }
  })
  const { name, title, note, targets = [] } = group
  return { name, title, note, cases, verdicts: targets.map((target) => verdictOfGroup(target, cases)) }
}

function allTimes(runner: Runner | undefined): number[] {
  return runner === undefined || runner.failed !== undefined ? [] : runner.rounds.map(({ ns }) => ns)
}

/** The times of the rounds of one process by pass; undefined where the round was disturbed. */
function quietTimes(rounds: readonly Round[]): (number | undefined)[] {
  const quiet = undisturbed(rounds)
  return rounds.map(({ ns }, pass) => (quiet[pass] === true ? ns : undefined))
}
