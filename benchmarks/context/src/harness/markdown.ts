/*
 * The page of results: what was measured on what, the targets first, then every group as one table with the figures of
 * each Node side by side.
 */
import { describeMachine } from './machine.ts'
import { bytes, megabytes, short, spread } from './numbers.ts'
import type { CaseResult, Report, RetentionCaseResult, Run, Verdict } from './results.ts'
import { verdictsOf } from './results.ts'
import { markdownTable } from './table.ts'

/** The whole page. */
export function markdownPage(report: Report): string {
  const { title, date, machine, rounds, roundMs, runs } = report
  const nodes = runs.map(({ node }) => node).join(', ')
  const first = runs[0]
  const sections = [
    `# ${title}`,
    `${date.slice(0, 10)}, Node ${nodes}, on ${describeMachine(machine)}; ${rounds} rounds of ${roundMs} ms a case. ` +
      'Times are nanoseconds an operation, medians of the undisturbed rounds with their quartiles. Ratios are to the ' +
      'first case of the table and are taken within each pass of interleaved rounds: above 1, the first case is ' +
      'cheaper. B/op is what an operation allocates. How all this is measured stands in the README.',
    ...targetSection(runs),
    ...(first?.groups ?? []).flatMap((group, index) => [
      `## ${group.name}`,
      sentence(group.title, group.note),
      groupTable(runs.map((run) => ({ node: run.node, cases: run.groups[index]?.cases ?? [] }))),
    ]),
    ...(first?.retention ?? []).flatMap((group, index) => [
      `## ${group.name}`,
      sentence(group.title, group.note),
      retentionTable(runs.map((run) => ({ node: run.node, cases: run.retention[index]?.cases ?? [] }))),
    ]),
  ]
  return `${sections.join('\n\n')}\n`
}

function targetSection(runs: readonly Run[]): string[] {
  const verdicts = runs.map(verdictsOf)
  const rows = (verdicts[0] ?? []).map(({ group, verdict }, index) => [
    `${group}: ${verdict.target}${verdict.enforced ? '' : ' (not enforced)'}`,
    ...verdicts.map((of) => verdictCell(of[index]?.verdict)),
  ])
  if (rows.length === 0) return []
  return ['## Targets', markdownTable(['target', ...runs.map(({ node }) => `Node ${node}`)], rows)]
}

function verdictCell(verdict: Verdict | undefined): string {
  if (verdict?.measured === undefined) return verdict?.enforced === false ? 'skipped' : '**not measured**'
  const { measured, unit, met } = verdict
  return `${met ? 'met' : '**missed**'}, ${short(measured)}${unit === '×' ? '' : ' '}${unit}`
}

function groupTable(runs: readonly { node: string; cases: readonly CaseResult[] }[]): string {
  const header = ['case', ...runs.flatMap(({ node }) => [`ns, Node ${node}`, 'ratio', 'B/op', 'dropped'])]
  const rows = (runs[0]?.cases ?? []).map((one, index) => [
    one.name,
    ...runs.flatMap(({ cases }) => measuredCells(cases[index], index === 0)),
  ])
  return markdownTable(header, rows)
}

function measuredCells(one: CaseResult | undefined, baseline: boolean): string[] {
  if (one === undefined) return ['–', '', '', '']
  if (!('ns' in one)) return [remark(one), '', '', '']
  const { ns, ratio, bytes: allocated, dropped } = one
  const relative =
    ratio === undefined ? (baseline ? '1' : '–') : `**${short(ratio.median)}** (${spread(ratio)})`
  return [
    `${short(ns.median)} (${spread(ns)})`,
    relative,
    allocated === undefined ? '–' : bytes(allocated),
    String(dropped),
  ]
}

function retentionTable(runs: readonly { node: string; cases: readonly RetentionCaseResult[] }[]): string {
  const header = ['case', 'times', ...runs.flatMap(({ node }) => [`B kept, Node ${node}`, 'peak MB'])]
  const rows = (runs[0]?.cases ?? []).map((one, index) => [
    one.name,
    'kept' in one ? one.kept.iterations.toLocaleString('en-US') : '–',
    ...runs.flatMap(({ cases }) => keptCells(cases[index])),
  ])
  return markdownTable(header, rows)
}

function keptCells(one: RetentionCaseResult | undefined): string[] {
  if (one === undefined) return ['–', '']
  return 'kept' in one ? [bytes(one.kept.bytes), megabytes(one.kept.peak)] : [remark(one), '']
}

function remark(one: { skipped: string } | { failed: string }): string {
  return 'skipped' in one ? `skipped: ${one.skipped}` : 'failed'
}

function sentence(title: string, note: string | undefined): string {
  const text = `${title.charAt(0).toUpperCase()}${title.slice(1)}.`
  return note === undefined ? text : `${text} ${note}`
}
