/*
 * The command that a benchmark is: reads the arguments, measures every group on every Node, prints the tables as they
 * come and writes the files that were asked for.
 */
import { accessSync, constants, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Args } from './args.ts'
import { BadArgument, readArgs, usage } from './args.ts'
import { describeMachine, machine } from './machine.ts'
import { markdownPage } from './markdown.ts'
import type { MeasureOptions } from './measure.ts'
import { measureGroup, measureRetention } from './measure.ts'
import type { NodeBinary } from './nodes.ts'
import { findNodes } from './nodes.ts'
import type { GroupResult, Report, RetentionResult, Run, Verdict } from './results.ts'
import { failuresOf, verdictsOf } from './results.ts'
import type { Group, Suite } from './suite.ts'
import { groupText, retentionText } from './text.ts'

/** What to measure. */
export interface BenchmarkOptions<G extends Group = Group> {
  readonly suite: Suite<G>
  /** The compiled module that exports the suite. */
  readonly suiteUrl: URL
  /** The `package.json` of the workspace package that has the lines of Node. */
  readonly matrix: URL
  readonly argv: readonly string[]
  /** Rounds of each case unless an argument says otherwise. Default 30; fewer where there are many cases. */
  readonly rounds?: number
  /** Verdicts on a group that the harness does not know, such as on what it allocates. */
  readonly verdictsOn?: (group: G, result: GroupResult) => readonly Verdict[]
}

/**
 * Runs a benchmark. Resolves with the exit code: 0; 1 if a case failed, or with `--check` if a target was missed; 2
 * for bad arguments.
 */
export async function benchmark<G extends Group>({
  suite,
  suiteUrl,
  matrix,
  argv,
  rounds: defaultRounds,
  verdictsOn = () => [],
}: BenchmarkOptions<G>): Promise<number> {
  let args: Args
  let nodes: NodeBinary[]
  let chosen: Suite<G>
  try {
    args = readArgs(argv, defaultRounds)
    if (args.help) {
      say(usage)
      return 0
    }
    nodes = findNodes(args.nodes, args.lines, matrix)
    chosen = choose(suite, args.only)
    for (const file of [args.json, args.markdown]) if (file !== undefined) assertWritable(file)
  } catch (error) {
    if (!(error instanceof BadArgument)) throw error
    process.stderr.write(`${error.message}\n\n${usage}`)
    return 2
  }

  const durations = args.quick ? { warmUpMs: 80, roundMs: 5 } : { warmUpMs: 150, roundMs: 20 }
  const how = { ...durations, rounds: args.rounds, seed: args.seed, share: args.quick ? 0.1 : 1 }
  const worker = new URL('./worker.js', import.meta.url)
  say(`${suite.title}\n${describeMachine(machine())}\n\n`)
  const runs: Run[] = []
  for (const node of nodes) {
    runs.push(await runOn(chosen, { ...how, node, worker, suite: suiteUrl }, verdictsOn))
  }

  const { rounds, roundMs } = how
  const date = new Date().toISOString()
  const report: Report = { title: suite.title, date, machine: machine(), rounds, roundMs, runs }
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(report, undefined, 2)}\n`)
  if (args.markdown !== undefined) writeFileSync(args.markdown, markdownPage(report))
  return conclude(runs, args.check)
}

async function runOn<G extends Group>(
  suite: Suite<G>,
  options: MeasureOptions,
  verdictsOn: (group: G, result: GroupResult) => readonly Verdict[],
): Promise<Run> {
  say(`Node ${options.node.version}\n\n`)
  const groups: GroupResult[] = []
  for (const group of suite.groups) {
    const measured = await measureGroup(group, options)
    const result = { ...measured, verdicts: [...measured.verdicts, ...verdictsOn(group, measured)] }
    groups.push(result)
    say(`${groupText(result)}\n`)
  }
  const retention: RetentionResult[] = []
  for (const group of suite.retention) {
    const result = await measureRetention(group, options)
    retention.push(result)
    say(`${retentionText(result)}\n`)
  }
  return { node: options.node.version, groups, retention }
}

function choose<G extends Group>({ title, groups, retention }: Suite<G>, only: string): Suite<G> {
  const text = only.toLowerCase()
  const matches = (group: { name: string; title: string }): boolean =>
    `${group.name} ${group.title}`.toLowerCase().includes(text)
  const chosen = { title, groups: groups.filter(matches), retention: retention.filter(matches) }
  if (chosen.groups.length + chosen.retention.length > 0) return chosen
  const names = [...groups, ...retention].map(({ name }) => name).join(', ')
  throw new BadArgument(`--only ${only}: no group has this in its name or title. There are: ${names}.`)
}

/** Minutes of measuring are not to be lost to a misspelt directory. */
export function assertWritable(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK)
  } catch {
    throw new BadArgument(`${file} cannot be written: its directory does not exist or is not writable.`)
  }
}

function conclude(runs: readonly Run[], check: boolean): number {
  const verdicts = runs.flatMap(verdictsOf)
  const missed = verdicts.filter(({ verdict }) => verdict.enforced && !verdict.met)
  const failures = runs.flatMap(failuresOf)
  const targets = verdicts.filter(({ verdict }) => verdict.enforced).length
  if (targets > 0) say(`${targets - missed.length} of ${targets} targets met\n`)
  for (const failure of failures) process.stderr.write(`failed: ${failure}\n`)
  return failures.length > 0 || (check && missed.length > 0) ? 1 : 0
}

function say(text: string): void {
  process.stdout.write(text)
}
