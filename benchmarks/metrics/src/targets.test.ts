import type { GroupResult, RetentionResult } from '@kit-benchmarks/context/harness/results.js'
import { describe, expect, it } from 'vitest'
import type { FastGroup, HeapGroup } from './suite-types.ts'
import { withAllocations, withKept } from './targets.ts'

const ns = { p25: 1, median: 2, p75: 3 }
const described = { name: 'group', title: 'work', note: undefined }

describe('allocations', () => {
  const group: FastGroup = {
    name: 'group',
    title: 'work',
    cases: [],
    allocations: [{ of: 'kit', atMost: 0.5 }],
  }
  const result = (bytes: number | undefined): GroupResult => ({
    ...described,
    verdicts: [],
    cases: [{ name: 'kit', ns, ratio: undefined, bytes, rounds: 1, dropped: 0 }],
  })

  it.each([
    [0.1, true],
    [0.6, false],
    [undefined, false],
  ])('of %s B: %s', (bytes, met) => {
    expect(withAllocations(group, result(bytes)).verdicts).toEqual([
      { target: 'kit: allocates at most 0.5 B', measured: bytes, unit: 'B', met, enforced: true },
    ])
  })

  it('of a case that failed are not met', () => {
    const failed = { ...result(0), cases: [{ name: 'kit', failed: 'it did' }] }
    expect(withAllocations(group, failed).verdicts).toMatchObject([{ measured: undefined, met: false }])
  })
})

describe('what is kept', () => {
  const group: HeapGroup = { name: 'group', title: 'bytes', cases: [] }
  const kept = (bytes: number) => ({ kept: { iterations: 10, bytes, peak: 0 }, verdict: undefined })
  const result: RetentionResult = {
    ...described,
    cases: [
      { name: 'kit', ...kept(30) },
      { name: 'rival', ...kept(40) },
      { name: 'skipped', skipped: 'needs Node 99' },
    ],
  }
  const verdict = (extra: Partial<HeapGroup>) => {
    const [first] = withKept({ ...group, ...extra }, result).cases
    return first !== undefined && 'kept' in first ? first.verdict : undefined
  }

  it('is compared with what another keeps', () => {
    expect(verdict({ share: { against: 'rival', atMost: 0.75 } })).toMatchObject({
      measured: 0.75,
      met: true,
    })
    expect(verdict({ share: { against: 'rival', atMost: 0.7 } })).toMatchObject({ unit: '×', met: false })
    expect(verdict({ share: { against: 'skipped', atMost: 1 } })).toMatchObject({
      measured: undefined,
      met: false,
    })
  })

  it('is compared in all', () => {
    expect(verdict({ inAll: 300 })).toMatchObject({ measured: 300, unit: 'B', met: true })
    expect(verdict({ inAll: 299 })).toMatchObject({ met: false })
    expect(verdict({})).toBeUndefined()
  })
})
