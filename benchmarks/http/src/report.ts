/* What was found, for a terminal and as a page of Markdown. */
import type { Machine } from '@kit-benchmarks/context/harness/machine.js'
import { describeMachine } from '@kit-benchmarks/context/harness/machine.js'
import { short, spread } from '@kit-benchmarks/context/harness/numbers.js'
import type { Verdict } from '@kit-benchmarks/context/harness/results.js'
import type { Summary } from '@kit-benchmarks/context/harness/statistics.js'
import { markdownTable, table } from '@kit-benchmarks/context/harness/table.js'
import type { GroupResult, MeasureOptions, SubjectResult } from './measure.ts'
import { slices } from './measure.ts'
import { verdictsOn } from './targets.ts'

/** What was found on one Node. */
export interface Run {
  readonly node: string
  readonly groups: readonly GroupResult[]
}

/** All that was found. */
export interface Report {
  readonly date: string
  readonly machine: Machine
  readonly options: MeasureOptions
  readonly runs: readonly Run[]
}

const title = 'A request with kit beside what people use instead'

const header = [
  'in front of the routes',
  'CPU µs',
  'added µs',
  'kept by CPU',
  'kept',
  'requests/s',
  'disturbed',
  'p99 ms',
  'p99 ratio',
]

/** The table of a group and the verdicts on it, for a terminal. */
export function groupText(group: GroupResult): string {
  const verdicts = verdictsOn(group).map((one) => `${one.target}: ${verdictText(one)}`)
  return [`${group.name}: ${group.title}`, loadOf(group), table(header, rowsOf(group)), ...verdicts, ''].join(
    '\n',
  )
}

/** The whole page. */
export function markdownPage({ date, machine, options, runs }: Report): string {
  const nodes = runs.map(({ node }) => node).join(', ')
  const sections = [
    `# ${title}`,
    `${date.slice(0, 10)}, Node ${nodes}, on ${describeMachine(machine)}; ${options.rounds * slices} rounds of ` +
      `${options.roundMs / slices} ms at full load and ${options.rounds} of ${options.roundMs} ms for latencies a case. Medians with their quartiles. What is added, kept and divided is compared with the ` +
      'first row within each pass of interleaved rounds. How all this is measured stands in the README.',
    '## Targets',
    targetTable(runs),
    ...(runs[0]?.groups ?? []).flatMap(({ name, title: what }, index) => [
      `## ${name}`,
      `${what}.`,
      ...runs.flatMap(({ node, groups }) => {
        const group = groups[index]
        if (group === undefined) return []
        return [`Node ${node}. ${loadOf(group)}`, markdownTable(header, rowsOf(group))]
      }),
    ]),
  ]
  return `${sections.join('\n\n')}\n`
}

function targetTable(runs: readonly Run[]): string {
  const groups = runs[0]?.groups ?? []
  const rows = groups.flatMap((group, at) =>
    verdictsOn(group).map(({ target }, index) => [
      `${group.name}: ${target}`,
      ...runs.map((run) => {
        const found = run.groups[at]
        const one = found === undefined ? undefined : verdictsOn(found)[index]
        return one === undefined ? '–' : verdictText(one, '**')
      }),
    ]),
  )
  return markdownTable(['target', ...runs.map(({ node }) => `Node ${node}`)], rows)
}

function verdictText({ measured, unit, met }: Verdict, mark = ''): string {
  if (measured === undefined) return 'not measured'
  return `${met ? 'met' : `${mark}missed${mark}`}, ${short(measured)}${unit}`
}

function loadOf({ rate }: GroupResult): string {
  return `Latencies are at ${rate.toLocaleString('en-US')} requests a second.`
}

function rowsOf({ subjects }: GroupResult): string[][] {
  return subjects.map((one) =>
    one.skipped === undefined ? rowOf(one) : [one.name, `skipped: ${one.skipped}`],
  )
}

function rowOf(one: SubjectResult): string[] {
  return [
    one.name,
    cell(one.cpuUs),
    cell(one.addedUs),
    cell(one.keptByCpu),
    cell(one.kept),
    one.throughput === undefined ? '–' : Math.round(one.throughput.median).toLocaleString('en-US'),
    String(one.disturbed ?? 0),
    cell(one.p99),
    cell(one.p99Ratio),
  ]
}

function cell(summary: Summary | undefined): string {
  return summary === undefined ? '–' : `${short(summary.median)} (${spread(summary)})`
}
