/*
 * The command: that of the harness with two things more, operations that take milliseconds and memory that is counted
 * once, each with a worker of its own.
 */
import { writeFileSync } from 'node:fs'
import { BadArgument, readArgs, usage, type Args } from '@kit-benchmarks/context/harness/args.js'
import { assertWritable } from '@kit-benchmarks/context/harness/benchmark.js'
import { describeMachine, machine } from '@kit-benchmarks/context/harness/machine.js'
import { markdownPage } from '@kit-benchmarks/context/harness/markdown.js'
import {
  measureGroup,
  measureRetention,
  type MeasureOptions,
} from '@kit-benchmarks/context/harness/measure.js'
import { findNodes, type NodeBinary } from '@kit-benchmarks/context/harness/nodes.js'
import {
  failuresOf,
  verdictsOf,
  type GroupResult,
  type RetentionResult,
  type Run,
} from '@kit-benchmarks/context/harness/results.js'
import { groupText, retentionText } from '@kit-benchmarks/context/harness/text.js'
import type { MetricsSuite } from './suite-types.ts'
import { suite } from './suite.ts'
import { withAllocations, withKept } from './targets.ts'

const suiteUrl = new URL('./suite.js', import.meta.url)
const fastWorker = new URL(import.meta.resolve('@kit-benchmarks/context/harness/worker.js'))
const slowWorker = new URL('./harness/slow-worker.js', import.meta.url)
const matrix = new URL('../../../tests/matrix/package.json', import.meta.url)

/**
 * Runs the benchmark. Resolves with the exit code: 0; 1 if a case failed, or with `--check` if a target was missed; 2
 * for bad arguments.
 */
export async function benchmark(argv: readonly string[]): Promise<number> {
  let args: Args
  let nodes: NodeBinary[]
  let chosen: MetricsSuite
  try {
    args = readArgs(argv)
    if (args.help) {
      say(usage)
      return 0
    }
    nodes = findNodes(args.nodes, args.lines, matrix)
    chosen = choose(args.only)
    for (const file of [args.json, args.markdown]) if (file !== undefined) assertWritable(file)
  } catch (error) {
    if (!(error instanceof BadArgument)) throw error
    process.stderr.write(`${error.message}\n\n${usage}`)
    return 2
  }

  const durations = args.quick ? { warmUpMs: 80, roundMs: 5 } : { warmUpMs: 150, roundMs: 20 }
  const how = {
    ...durations,
    rounds: args.rounds,
    seed: args.seed,
    share: args.quick ? 0.1 : 1,
    suite: suiteUrl,
  }
  say(`${suite.title}\n${describeMachine(machine())}\n\n`)
  const runs: Run[] = []
  for (const node of nodes) runs.push(await runOn(chosen, { ...how, node, worker: fastWorker }))

  const { rounds, roundMs } = how
  const report = {
    title: suite.title,
    date: new Date().toISOString(),
    machine: machine(),
    rounds,
    roundMs,
    runs,
  }
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(report, undefined, 2)}\n`)
  if (args.markdown !== undefined) writeFileSync(args.markdown, markdownPage(report))
  return conclude(runs, args.check)
}

async function runOn({ groups, slow, retention }: MetricsSuite, options: MeasureOptions): Promise<Run> {
  say(`Node ${options.node.version}\n\n`)
  const timed: GroupResult[] = []
  const kept: RetentionResult[] = []
  const onSlow = { ...options, worker: slowWorker }
  for (const group of groups) {
    const result = withAllocations(group, await measureGroup(group, options))
    timed.push(result)
    say(`${groupText(result)}\n`)
  }
  for (const group of slow) {
    const rounds = Math.min(options.rounds, group.rounds ?? 1)
    const result = await measureGroup(group, { ...onSlow, rounds })
    timed.push(result)
    say(`${groupText(result)}\n`)
  }
  for (const group of retention) {
    const result = withKept(group, await measureRetention(group, onSlow))
    kept.push(result)
    say(`${retentionText(result)}\n`)
  }
  return { node: options.node.version, groups: timed, retention: kept }
}

function choose(only: string): MetricsSuite {
  const text = only.toLowerCase()
  const matches = (group: { name: string; title: string }): boolean =>
    `${group.name} ${group.title}`.toLowerCase().includes(text)
  const groups = suite.groups.filter(matches)
  const slow = suite.slow.filter(matches)
  const retention = suite.retention.filter(matches)
  if (groups.length + slow.length + retention.length > 0)
    return { title: suite.title, groups, slow, retention }
  const names = [...suite.groups, ...suite.slow, ...suite.retention].map(({ name }) => name).join(', ')
  throw new BadArgument(`--only ${only}: no group has this in its name or title. There are: ${names}.`)
}

function conclude(runs: readonly Run[], check: boolean): number {
  const verdicts = runs.flatMap(verdictsOf).filter(({ verdict }) => verdict.enforced)
  const missed = verdicts.filter(({ verdict }) => !verdict.met)
  const failures = runs.flatMap(failuresOf)
  if (verdicts.length > 0) say(`${verdicts.length - missed.length} of ${verdicts.length} targets met\n`)
  for (const failure of failures) process.stderr.write(`failed: ${failure}\n`)
  return failures.length > 0 || (check && missed.length > 0) ? 1 : 0
}

function say(text: string): void {
  process.stdout.write(text)
}
