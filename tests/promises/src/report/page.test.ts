import { expect, it } from 'vitest'
import { reportPage } from './page.ts'
import { plotSvg } from './plot.ts'

const hostile = `"><script>alert('1')</script>&`

const report = {
  tier: 'change',
  seed: 1,
  date: '2026-12-01T10:00:00.000Z',
  node: hostile,
  machine: hostile,
  build: 'abc',
  planted: false,
  outcomes: [
    {
      id: 'S8',
      says: hostile,
      tier: 'change',
      verdict: 'broken',
      reasons: [hostile],
      figures: [{ what: hostile, value: 2, unit: hostile, atMost: 1 }],
      plots: [
        {
          title: hostile,
          x: hostile,
          y: hostile,
          points: [
            [0, 1],
            [1, 2],
          ],
        },
      ],
      seconds: 1,
    },
  ],
} as const

it('nothing that a trial said becomes markup', () => {
  const page = reportPage(report)
  expect(page).not.toContain('<script')
  // Each of them is there, as text.
  expect(page.split('&#34;&#62;&#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62;&#38;').length - 1).toBe(15)
})

it('needs nothing from elsewhere', () => {
  const page = reportPage(report)
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
  expect(page).not.toMatch(/https?:|\bsrc=|@import|url\(/)
})

const plot = { title: 'heap', x: 'minutes', y: 'MiB' }

function yTicks(points: [number, number][]): string[] {
  return [...plotSvg({ ...plot, points }).text.matchAll(/text-anchor="end">([^<]*)</g)].map(
    ([, text = '']) => text,
  )
}

it('a curve has round numbers at its axis', () => {
  const points: [number, number][] = [
    [0, 3.1],
    [10, 47.2],
  ]
  expect(yTicks(points)).toEqual(['0', '10', '20', '30', '40', '50'])
  expect(yTicks([[5, 0]])).toEqual(['0', '0.2'])
  expect(yTicks([[5, -0.9]])).toEqual(['-1', '-0.8', '-0.6', '-0.4', '-0.2', '0'])
})

it('no peak is lost among more points than can be shown', () => {
  const points = Array.from({ length: 100_000 }, (_, i): [number, number] => [i, i === 54_321 ? 900 : 1])
  const svg = plotSvg({ ...plot, points }).text
  expect(svg.length).toBeLessThan(40_000)
  expect(svg).toContain(`L${(72 + (54_321 / 100_000) * 592).toFixed(1)} ${(176 - 0.9 * 164).toFixed(1)}`)
})

it('a curve without a finite point says so', () => {
  expect(plotSvg({ ...plot, points: [[0, Number.NaN]] }).text).toBe('<p>heap: no points.</p>')
})
