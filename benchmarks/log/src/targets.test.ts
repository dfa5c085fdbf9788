import type { GroupResult } from '@kit-benchmarks/context/harness/results.js'
import { expect, it } from 'vitest'
import type { LogGroup } from './suite-types.ts'
import { verdictsOn } from './targets.ts'

const group: LogGroup = {
  name: 'group',
  title: 'work',
  cases: [],
  allocations: [{ against: 'pino', atMost: 1 }],
}
const ns = { p25: 1, median: 2, p75: 3 }

function result(own: number | undefined, other: number | undefined): GroupResult {
  const cases = [
    { name: 'kit', bytes: own },
    { name: 'pino', bytes: other },
  ].map((one) => ({ ...one, ns, ratio: undefined, rounds: 1, dropped: 0 }))
  return { name: 'group', title: 'work', note: undefined, cases, verdicts: [] }
}

it.each([
  [100, 100, 1, true],
  [101, 100, 1.01, false],
  [undefined, 100, undefined, false],
  [100, undefined, undefined, false],
])('%s B beside %s B', (own, other, measured, met) => {
  expect(verdictsOn(group, result(own, other))).toEqual([
    { target: 'kit: allocates at most 1× of what pino does', measured, unit: '×', met, enforced: true },
  ])
})

it('says what is beyond a floor', () => {
  const beyond = { floor: 'pino', atMost: 1.5 }
  const cases = [4, 2].map((median, at) => ({
    name: at === 0 ? 'kit' : 'pino',
    ns: { p25: 1, median, p75: 9 },
    bytes: 0,
    ratio: undefined,
    rounds: 1,
    dropped: 0,
  }))
  const found = { name: 'group', title: 'work', note: undefined, cases, verdicts: [] }
  expect(verdictsOn({ name: 'group', title: 'work', cases: [], beyond }, found)).toEqual([
    { target: 'kit: at most 1.5 ns beyond pino', measured: 2, unit: 'ns', met: false, enforced: false },
  ])
})
