/* The command: reads the arguments of the harness, measures every group on every Node, and reports. */
import { writeFileSync } from 'node:fs'
import { BadArgument, readArgs, usage } from '@kit-benchmarks/context/harness/args.js'
import type { Args } from '@kit-benchmarks/context/harness/args.js'
import { assertWritable } from '@kit-benchmarks/context/harness/benchmark.js'
import { describeMachine, machine } from '@kit-benchmarks/context/harness/machine.js'
import type { NodeBinary } from '@kit-benchmarks/context/harness/nodes.js'
import { findNodes } from '@kit-benchmarks/context/harness/nodes.js'
import type { GroupResult } from './measure.ts'
import { measureGroup } from './measure.ts'
import type { Report, Run } from './report.ts'
import { groupText, markdownPage } from './report.ts'
import type { Group } from './subjects.ts'
import { groups } from './subjects.ts'
import { verdictsOn } from './targets.ts'

const matrix = new URL('../../../tests/matrix/package.json', import.meta.url)

/** Runs the benchmark. Resolves with the exit code: 0; 1 if with `--check` a target was missed; 2 for bad arguments. */
export async function benchmark(argv: readonly string[]): Promise<number> {
  let args: Args
  let nodes: NodeBinary[]
  let chosen: readonly Group[]
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

  const durations = args.quick ? { warmUpMs: 800, roundMs: 150 } : { warmUpMs: 1500, roundMs: 200 }
  const options = { ...durations, rounds: args.rounds, seed: args.seed }
  say(`${describeMachine(machine())}\n\n`)
  const runs: Run[] = []
  for (const node of nodes) {
    say(`Node ${node.version}\n\n`)
    const measured: GroupResult[] = []
    for (const group of chosen) {
      const result = await measureGroup(group, node, options)
      measured.push(result)
      say(`${groupText(result)}\n`)
    }
    runs.push({ node: node.version, groups: measured })
  }

  const report: Report = { date: new Date().toISOString(), machine: machine(), options, runs }
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(report, undefined, 2)}\n`)
  if (args.markdown !== undefined) writeFileSync(args.markdown, markdownPage(report))
  return args.check && missed(runs) ? 1 : 0
}

function choose(only: string): readonly Group[] {
  const text = only.toLowerCase()
  const chosen = groups.filter(({ name, title }) => `${name} ${title}`.toLowerCase().includes(text))
  if (chosen.length > 0) return chosen
  const names = groups.map(({ name }) => name).join(', ')
  throw new BadArgument(`--only ${only}: no group has this in its name or title. There are: ${names}.`)
}

function missed(runs: readonly Run[]): boolean {
  const verdicts = runs.flatMap((run) => run.groups.flatMap(verdictsOn))
  return verdicts.some(({ enforced, met }) => enforced && !met)
}

function say(text: string): void {
  process.stdout.write(text)
}
