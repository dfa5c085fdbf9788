import { describe, expect, it } from 'vitest'
import { reasonsIn, used } from './outcome.ts'
import type { Figure } from './promise.ts'

const good: Figure = { what: 'lost', value: 0, unit: 'lines', exactly: 0 }
const left = { figures: [good], failures: [], end: 0, printed: '' }

describe('why a promise is broken', () => {
  it('none if all figures are within their limits and the trial ended well', () => {
    expect(reasonsIn(left)).toEqual([])
  })

  it.for([
    [{ ...good, value: 1 }, 'lost: 1 lines, promised exactly 0 lines'],
    [{ what: 'gap', value: 51.26, unit: 'ms', atMost: 50 }, 'gap: 51.3 ms, promised at most 50 ms'],
    [{ what: 'gap', value: Number.NaN, unit: 'ms', atMost: 50 }, 'gap: NaN ms, promised at most 50 ms'],
    [{ what: 'rate', value: 1, unit: '', atLeast: 2, atMost: 3 }, 'rate: 1, promised 2 to 3'],
  ] satisfies [Figure, string][])('a figure beyond its limit: %o', ([figure, reason]) => {
    expect(reasonsIn({ ...left, figures: [figure] })).toEqual([reason])
  })

  it('a failure, whatever the figures say', () => {
    expect(reasonsIn({ ...left, failures: ['Error: no'], end: 1 })).toEqual(['Error: no'])
  })

  it('a process that ended badly without saying why', () => {
    expect(reasonsIn({ ...left, end: 134, printed: 'out of memory' })).toEqual([
      "the trial's process ended with 134:\nout of memory",
    ])
    expect(reasonsIn({ ...left, end: 'SIGSEGV' })).toEqual(["the trial's process ended by SIGSEGV"])
  })

  it('nothing that could have been beyond a limit', () => {
    const reason = 'the trial reported no figure that has a limit'
    expect(reasonsIn({ ...left, figures: [] })).toEqual([reason])
    expect(reasonsIn({ ...left, figures: [{ what: 'time', value: 3, unit: 's' }] })).toEqual([reason])
  })

  it('a figure that was reported twice, of which one would be shown', () => {
    expect(reasonsIn({ ...left, figures: [good, good] })).toEqual(['the figure "lost" was reported twice'])
  })
})

it.for([
  [{ atMost: 8 }, 4, 0.5],
  [{ atMost: 8 }, 10, 1.25],
  [{ atLeast: 5 }, 10, undefined],
  [{ atMost: 0 }, 0, undefined],
  [{ exactly: 3 }, 3, undefined],
] as const)('how much of %o the value %d uses', ([bound, value, part]) => {
  expect(used({ what: 'x', unit: '', value, ...bound })).toBe(part)
})
