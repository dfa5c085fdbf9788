/* What kit is held to, beside the bare framework and beside what people use instead. */
import type { Verdict } from '@kit-benchmarks/context/harness/results.js'
import type { GroupResult, SubjectResult } from './measure.ts'

/** The verdicts on a group. */
export function verdictsOn(group: GroupResult): Verdict[] {
  const of = (kind: SubjectResult['kind']): SubjectResult | undefined =>
    group.subjects.find((one) => one.kind === kind && one.skipped === undefined)
  const kit = of('kit')
  const share = (other: SubjectResult | undefined): number | undefined =>
    kit?.addedUs === undefined || other?.addedUs === undefined
      ? undefined
      : kit.addedUs.median / other.addedUs.median
  return [
    verdict(
      'keeps at least 0.85× of the bare throughput, by processor time',
      kit?.keptByCpu?.median,
      atLeast(0.85),
    ),
    verdict('adds at most 0.25× of what the hand-made stack adds', share(of('stack')), atMost(0.25)),
    verdict('adds at most 0.125× of what OpenTelemetry adds', share(of('opentelemetry')), atMost(0.125)),
    verdict('p99 at half of the load at most 1.15× of the bare one', kit?.p99Ratio?.median, atMost(1.15)),
  ]
}

function verdict(target: string, measured: number | undefined, met: (value: number) => boolean): Verdict {
  return {
    target: `kit: ${target}`,
    measured,
    unit: '×',
    met: measured !== undefined && met(measured),
    enforced: measured !== undefined,
  }
}

function atLeast(limit: number): (value: number) => boolean {
  return (value) => value >= limit
}

function atMost(limit: number): (value: number) => boolean {
  return (value) => value <= limit
}
