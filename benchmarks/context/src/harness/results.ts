/*
 * What a run found, as it goes into the JSON file, and whether it met the targets.
 */
import type { Kept } from './heap.ts'
import type { Machine } from './machine.ts'
import type { Summary } from './statistics.ts'
import type { RetentionCase, Target } from './suite.ts'

/** Everything that one call of the benchmark found. */
export interface Report {
  readonly title: string
  readonly date: string
  readonly machine: Machine
  readonly rounds: number
  readonly roundMs: number
  /** One for each Node. */
  readonly runs: readonly Run[]
}

/** What was found on one Node. */
export interface Run {
  /** Such as `24.21.0`. */
  readonly node: string
  readonly groups: readonly GroupResult[]
  readonly retention: readonly RetentionResult[]
}

/** The cases of a group, in its order. */
export interface GroupResult {
  readonly name: string
  readonly title: string
  readonly note: string | undefined
  readonly cases: readonly CaseResult[]
  readonly verdicts: readonly Verdict[]
}

/** One case: skipped, failed or measured. */
export type CaseResult = NotMeasured | Measured

/** A case without figures. */
export type NotMeasured =
  | { readonly name: string; readonly skipped: string }
  | { readonly name: string; readonly failed: string }

/** A case with figures. */
export interface Measured {
  readonly name: string
  /** Nanoseconds an operation, over the rounds that counted. */
  readonly ns: Summary
  /** How many times the baseline's cost, by pass. Undefined for the baseline, and where no pass counted for both. */
  readonly ratio: Summary | undefined
  /** Bytes an operation allocates. */
  readonly bytes: number | undefined
  /** How many rounds counted. */
  readonly rounds: number
  /** How many were disturbed and did not. */
  readonly dropped: number
}

/** What stayed on the heap. */
export interface RetentionResult {
  readonly name: string
  readonly title: string
  readonly note: string | undefined
  readonly cases: readonly RetentionCaseResult[]
}

/** One case of a retention group. */
export type RetentionCaseResult =
  | NotMeasured
  | { readonly name: string; readonly kept: Kept; readonly verdict: Verdict | undefined }

/** Whether a target was met. */
export interface Verdict {
  /** What was hoped for, for people. */
  readonly target: string
  /** What was measured; undefined when it was not. */
  readonly measured: number | undefined
  readonly unit: '×' | 'ns' | 'B'
  readonly met: boolean
  /** False for figures that depend on the machine: they are reported and never fail a check. */
  readonly enforced: boolean
}

/** Whether the cases of a group meet one of its targets. */
export function verdictOfGroup(target: Target, cases: readonly CaseResult[]): Verdict {
  if ('against' in target) {
    const { against, atLeast } = target
    const measured = measuredCase(cases, against)?.ratio?.median
    return {
      target: `${against}: at least ${atLeast}× the cost of ${cases[0]?.name ?? '-'}`,
      measured,
      unit: '×',
      met: measured !== undefined && measured >= atLeast,
      // A rival that does not run here is no reason to fail.
      enforced: !cases.some((one) => one.name === against && 'skipped' in one),
    }
  }
  const measured = measuredCase(cases, target.nanosecondsOf)?.ns.median
  return {
    target: `${target.nanosecondsOf}: at most ${target.atMost} ns`,
    measured,
    unit: 'ns',
    met: measured !== undefined && measured <= target.atMost,
    enforced: false,
  }
}

/** Whether a case keeps no more than it may. */
export function verdictOfRetention(
  { name, atMostBytes }: RetentionCase,
  { bytes }: Kept,
): Verdict | undefined {
  if (atMostBytes === undefined) return undefined
  const target = `${name}: at most ${atMostBytes} B kept`
  return { target, measured: bytes, unit: 'B', met: bytes <= atMostBytes, enforced: true }
}

/** The verdicts of a run, in order. */
export function verdictsOf({ groups, retention }: Run): { group: string; verdict: Verdict }[] {
  return [
    ...groups.flatMap(({ name, verdicts }) => verdicts.map((verdict) => ({ group: name, verdict }))),
    ...retention.flatMap(({ name, cases }) =>
      cases.flatMap((one) =>
        'kept' in one && one.verdict !== undefined ? [{ group: name, verdict: one.verdict }] : [],
      ),
    ),
  ]
}

/** The cases of a run that failed, with what they said. */
export function failuresOf({ groups, retention }: Run): string[] {
  return [...groups, ...retention].flatMap(({ name, cases }) =>
    cases.flatMap((one) => ('failed' in one ? [`${name}, ${one.name}: ${one.failed}`] : [])),
  )
}

function measuredCase(cases: readonly CaseResult[], name: string): Measured | undefined {
  const found = cases.find((one) => one.name === name)
  return found !== undefined && 'ns' in found ? found : undefined
}
