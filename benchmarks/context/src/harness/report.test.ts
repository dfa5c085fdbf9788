import { describe, expect, it } from 'vitest'
import { markdownPage } from './markdown.ts'
import { bytes, short } from './numbers.ts'
import type { CaseResult, GroupResult, Report, RetentionResult } from './results.ts'
import { failuresOf, verdictOfGroup, verdictOfRetention, verdictsOf } from './results.ts'
import { markdownTable, table } from './table.ts'
import { groupText, retentionText } from './text.ts'

const summary = (median: number) => ({ p25: median * 0.9, median, p75: median * 1.1 })
const kit: CaseResult = { name: 'kit', ns: summary(20), ratio: undefined, bytes: 112, rounds: 30, dropped: 0 }
const rival: CaseResult = {
  name: 'rival',
  ns: summary(1000),
  ratio: summary(50),
  bytes: 985.4,
  rounds: 27,
  dropped: 3,
}
const skipped: CaseResult = { name: 'old', skipped: 'needs Node 22' }
const failed: CaseResult = { name: 'broken', failed: 'Error: no\n    at x' }
const cases = [kit, rival, skipped, failed]

describe('a target', () => {
  it.each([
    [
      { against: 'rival', atLeast: 30 },
      { measured: 50, met: true, enforced: true },
    ],
    [
      { against: 'rival', atLeast: 51 },
      { measured: 50, met: false, enforced: true },
    ],
    [
      { against: 'old', atLeast: 1 },
      { measured: undefined, met: false, enforced: false },
    ],
    [
      { against: 'broken', atLeast: 1 },
      { measured: undefined, met: false, enforced: true },
    ],
    [
      { nanosecondsOf: 'kit', atMost: 25 },
      { measured: 20, met: true, enforced: false },
    ],
    [
      { nanosecondsOf: 'kit', atMost: 12 },
      { measured: 20, met: false, enforced: false },
    ],
  ])('%j gives %j', (target, verdict) => {
    expect(verdictOfGroup(target, cases)).toMatchObject(verdict)
  })

  it('of retention is in bytes', () => {
    const one = { name: 'c', iterations: 10, atMostBytes: 4, prepare: () => () => 1 }
    const kept = { iterations: 10, bytes: 4, peak: 9 }
    expect(verdictOfRetention(one, kept)).toMatchObject({ met: true, measured: 4, unit: 'B' })
    expect(verdictOfRetention(one, { ...kept, bytes: 4.1 })?.met).toBe(false)
    expect(verdictOfRetention({ name: 'c', iterations: 10, prepare: () => () => 1 }, kept)).toBeUndefined()
  })
})

it.each([
  [0.868, '0.87'],
  [9.994, '9.99'],
  [9.999, '10.0'],
  [25.06, '25.1'],
  [99.96, '100'],
  [1050.4, '1,050'],
  [NaN, '–'],
  [Infinity, '–'],
])('%d is shown as %s', (value, text) => {
  expect(short(value)).toBe(text)
})

it('bytes are whole where there are many', () => {
  expect([0, 0.44, 9.94, 9.96, 985.4, 12_345].map(bytes)).toEqual([
    '0.0',
    '0.4',
    '9.9',
    '10',
    '985',
    '12,345',
  ])
})

describe('tables', () => {
  const rows = [
    ['long name', '5'],
    ['x', '1,234'],
  ]

  it('align names to the left and numbers to the right', () => {
    expect(table(['a', 'n'], rows)).toBe('a              n\nlong name      5\nx          1,234')
  })

  it('let a remark run over the columns', () => {
    expect(
      table(
        ['a', 'n', 'm'],
        [
          ['x', '1', '2'],
          ['y', 'skipped'],
        ],
      ),
    ).toBe('a  n  m\nx  1  2\ny  skipped')
  })

  it('of Markdown are padded, and no cell breaks them', () => {
    expect(markdownTable(['a|b', 'n'], rows)).toBe(
      [
        '| a\\|b      |     n |',
        '| --------- | ----: |',
        '| long name |     5 |',
        '| x         | 1,234 |',
      ].join('\n'),
    )
  })
})

const group: GroupResult = {
  name: 'derive',
  title: 'derive a child',
  note: 'A note.',
  cases,
  verdicts: [
    verdictOfGroup({ against: 'rival', atLeast: 30 }, cases),
    verdictOfGroup({ nanosecondsOf: 'kit', atMost: 12 }, cases),
  ],
}
const retention: RetentionResult = {
  name: 'kept',
  title: 'bytes kept',
  note: undefined,
  cases: [
    { name: 'c', kept: { iterations: 1000, bytes: 0.04, peak: 2e6 }, verdict: undefined },
    { name: 'broken', failed: 'Error: out of memory' },
  ],
}

describe('results', () => {
  it('are a table with the targets below', () => {
    expect(groupText(group)).toBe(
      [
        'derive: derive a child',
        'case    ns/op    p25–p75  ratio    p25–p75  B/op          rounds',
        'kit      20.0  18.0–22.0      1              112              30',
        'rival   1,000  900–1,100   50.0  45.0–55.0   985  27 (3 dropped)',
        'old     skipped: needs Node 22',
        'broken  failed: Error: no',
        '  met  rival: at least 30× the cost of kit; measured 50.0×',
        '  missed  kit: at most 12 ns; measured 20.0 ns (not enforced)',
        '',
      ].join('\n'),
    )
    expect(retentionText(retention)).toContain('c          0.0      2.0  1,000')
  })

  it('name what failed', () => {
    const run = { node: '24.0.0', groups: [group], retention: [retention] }
    expect(failuresOf(run)).toEqual([
      'derive, broken: Error: no\n    at x',
      'kept, broken: Error: out of memory',
    ])
    expect(verdictsOf(run).map(({ verdict }) => verdict.met)).toEqual([true, false])
  })

  it('are a page on which the figures of each Node stand side by side', () => {
    const report: Report = {
      title: 'A benchmark',
      date: '2026-01-02T03:04:05.678Z',
      machine: { cpu: 'CPU', cores: 2, memoryGiB: 8, platform: 'linux x64' },
      rounds: 30,
      roundMs: 25,
      runs: [
        { node: '24.0.0', groups: [group], retention: [retention] },
        {
          node: '26.0.0',
          groups: [{ ...group, cases: [kit, failed, skipped, failed] }],
          retention: [retention],
        },
      ],
    }
    const page = markdownPage(report)
    expect(page).toContain(
      '2026-01-02, Node 24.0.0, 26.0.0, on CPU, 2 cores, 8 GiB, linux x64; 30 rounds of 25 ms',
    )
    expect(page).toMatch(/\| target +\| +Node 24\.0\.0 \| +Node 26\.0\.0 \|/)
    expect(page).toMatch(/\| derive: kit: at most 12 ns \(not enforced\) +\| \*\*missed\*\*, 20\.0 ns \|/)
    expect(page).toContain('Derive a child. A note.')
    expect(page).toMatch(
      /\| rival +\| +1,000 \(900–1,100\) \| \*\*50\.0\*\* \(45\.0–55\.0\) \| +985 \| +3 \| +failed \|/,
    )
    expect(page).toMatch(/\| old +\| +skipped: needs Node 22 \|/)
    expect(page).toMatch(/\| c +\| +1,000 \| +0\.0 \| +2\.0 \| +0\.0 \|/)
    expect(page.endsWith('|\n')).toBe(true)
  })
})
