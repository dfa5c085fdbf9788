/* The verdicts that the harness does not know: on what an operation allocates, and on what kit keeps. */
import type { GroupResult, RetentionResult, Verdict } from '@kit-benchmarks/context/harness/results.js'
import type { FastGroup, HeapGroup } from './suite-types.ts'

/** Adds the verdicts on allocations to those that a group has. */
export function withAllocations({ allocations = [] }: FastGroup, result: GroupResult): GroupResult {
  const verdicts = allocations.map(({ of, atMost }): Verdict => {
    const found = result.cases.find(({ name }) => name === of)
    const measured = found !== undefined && 'ns' in found ? found.bytes : undefined
    return {
      target: `${of}: allocates at most ${atMost} B`,
      measured,
      unit: 'B',
      met: measured !== undefined && measured <= atMost,
      enforced: true,
    }
  })
  return { ...result, verdicts: [...result.verdicts, ...verdicts] }
}

/** Adds the verdict on what the first case keeps, in all or beside another. */
export function withKept({ share, inAll }: HeapGroup, result: RetentionResult): RetentionResult {
  const [first, ...others] = result.cases
  if (first === undefined || !('kept' in first)) return result
  if (inAll !== undefined) {
    const measured = first.kept.bytes * first.kept.iterations
    const target = `${first.name}: at most ${inAll.toLocaleString('en-US')} B kept in all`
    const verdict: Verdict = { target, measured, unit: 'B', met: measured <= inAll, enforced: true }
    return { ...result, cases: [{ ...first, verdict }, ...others] }
  }
  if (share === undefined) return result
  const other = others.find(({ name }) => name === share.against)
  const measured = other !== undefined && 'kept' in other ? first.kept.bytes / other.kept.bytes : undefined
  const verdict: Verdict = {
    target: `${first.name}: at most ${share.atMost}× of what ${share.against} keeps`,
    measured,
    unit: '×',
    met: measured !== undefined && measured <= share.atMost,
    enforced: true,
  }
  return { ...result, cases: [{ ...first, verdict }, ...others] }
}
