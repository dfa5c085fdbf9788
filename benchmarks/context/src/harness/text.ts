/* Results as plain text, group by group, as soon as they are known. */
import { bytes, megabytes, short, spread } from './numbers.ts'
import type { GroupResult, RetentionCaseResult, RetentionResult, Verdict } from './results.ts'
import { table } from './table.ts'

/** A group as a table with its targets below. */
export function groupText({ name, title, cases, verdicts }: GroupResult): string {
  const rows = cases.map((one, index) => {
    if (!('ns' in one)) return [one.name, ...absent(one)]
    const { ns, ratio, rounds, dropped } = one
    const ratios = ratio === undefined ? [index === 0 ? '1' : '–', ''] : [short(ratio.median), spread(ratio)]
    const counted = dropped === 0 ? `${rounds}` : `${rounds} (${dropped} dropped)`
    return [
      one.name,
      short(ns.median),
      spread(ns),
      ...ratios,
      one.bytes === undefined ? '–' : bytes(one.bytes),
      counted,
    ]
  })
  const header = ['case', 'ns/op', 'p25–p75', 'ratio', 'p25–p75', 'B/op', 'rounds']
  return [`${name}: ${title}`, table(header, rows), ...verdicts.map(verdictText), ''].join('\n')
}

/** A retention group as a table with its targets below. */
export function retentionText({ name, title, cases }: RetentionResult): string {
  const rows = cases.map((one) =>
    'kept' in one
      ? [
          one.name,
          bytes(one.kept.bytes),
          megabytes(one.kept.peak),
          one.kept.iterations.toLocaleString('en-US'),
        ]
      : [one.name, ...absent(one)],
  )
  const verdicts = cases.flatMap((one) => ('kept' in one && one.verdict !== undefined ? [one.verdict] : []))
  const header = ['case', 'B kept', 'peak MB', 'times']
  return [`${name}: ${title}`, table(header, rows), ...verdicts.map(verdictText), ''].join('\n')
}

/** `met       AbortSignal.any: at least 30× …; measured 41.2×`. */
function verdictText({ target, measured, unit, met, enforced }: Verdict): string {
  if (measured === undefined) return `  ${enforced ? 'missed' : 'skipped'}  ${target}; not measured`
  const found = `measured ${short(measured)}${unit === '×' ? '' : ' '}${unit}`
  return `  ${met ? 'met' : 'missed'}  ${target}; ${found}${enforced ? '' : ' (not enforced)'}`
}

function absent(
  one: Exclude<GroupResult['cases'][number] | RetentionCaseResult, { ns: unknown } | { kept: unknown }>,
): string[] {
  return 'skipped' in one ? [`skipped: ${one.skipped}`] : [`failed: ${one.failed.split('\n')[0]}`]
}
