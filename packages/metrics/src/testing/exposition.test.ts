import { describe, expect, it } from 'vitest'
import { parseExposition } from './index.ts'

const counter = '# HELP a_total A.\n# TYPE a_total counter\n'
const histogram = '# HELP h H.\n# TYPE h histogram\n'
const summary = '# HELP s S.\n# TYPE s summary\ns{quantile="0.5"} NaN\ns_sum 0\ns_count 0\n'
const good = `${histogram}h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n`
const openHistogram = good.replace('le="1"', 'le="1.0"')

function withExemplar(exemplar: string): string {
  return `${openHistogram.replace('"1.0"} 1', `"1.0"} 1 # ${exemplar}`)}# EOF\n`
}

describe('the strict reader', () => {
  it('reads what is right', () => {
    expect(parseExposition(`${counter}a_total{x="\\"\\\\\\n}"} 1.5e3\na_total +Inf\n${good}`)).toEqual([
      {
        name: 'a_total',
        type: 'counter',
        help: 'A.',
        unit: '',
        samples: [
          { name: 'a_total', labels: { x: '"\\\n}' }, value: 1500 },
          { name: 'a_total', labels: {}, value: Infinity },
        ],
      },
      expect.objectContaining({ name: 'h', type: 'histogram' }),
    ])
  })

  it.each<[string, string]>([
    ['is there twice', `${counter}a_total 1\na_total 2\n`],
    ['is there twice', `${counter}a_total{x="1",y="2"} 1\na_total{y="2",x="1"} 2\n`],
    ['the label x is there twice', `${counter}a_total{x="1",x="2"} 1\n`],
    ['line feed', `${counter}a_total 1`],
    ['bad escape', `${counter}a_total{x="\\t"} 1\n`],
    ['no sample', `${counter}a_total{x="a"b"} 1\n`],
    ['no sample', `${counter}a_total 1\n\n`],
    ['bad number', `${counter}a_total 0x10\n`],
    ['bad number', `${counter}a_total Infinity\n`],
    ['negative', `${counter}a_total -1\n`],
    ['a_total is NaN', `${counter}a_total NaN\n`],
    ['empty braces', `${counter}a_total{} 1\n`],
    ['bad label name', `${counter}a_total{a.b="1"} 1\n`],
    ['bad label name', `${counter}a_total{__x="1"} 1\n`],
    ['which means absent', `${counter}a_total{x=""} 1\n`],
    ['no HELP', '# TYPE a_total counter\na_total 1\n'],
    ['no TYPE', '# HELP a_total A.\na_total 1\n'],
    ['no samples', `${counter}${good}`],
    ['belongs to no family', 'a_total 1\n'],
    ['has a sample b', `${counter}b 1\n`],
    ['family a_total is there twice', `${counter}a_total 1\n${good}${counter}a_total{x="1"} 1\n`],
    ['after its samples', `${counter}a_total 1\n# HELP a_total A.\n`],
    [
      'apart from each other',
      `${histogram}h_bucket{le="+Inf"} 2\nh_bucket{x="1",le="+Inf"} 2\nh_sum 3\nh_count 2\n`,
    ],
    ['out of order', good.replace('"1"', '"+Inf"').replace('"+Inf"} 2', '"1"} 2')],
    ['counts less', good.replace('"1"} 1', '"1"} 3')],
    ['no +Inf', good.replace('h_bucket{le="+Inf"} 2\n', '')],
    ['last bucket', good.replace('h_count 2', 'h_count 3')],
    ['either a sum or a count', good.replace('h_sum 3\n', '')],
    ['negative sum', good.replace('h_sum 3', 'h_sum -3')],
    ['without le', good.replace('{le="1"}', '')],
    ['lone surrogate', `${counter}a_total{x="\ud800"} 1\n`],
  ])('refuses a page: %s', (problem, page) => {
    expect(() => parseExposition(page)).toThrow(problem)
  })

  it('reads exemplars, of OpenMetrics only', () => {
    const mark = '# {trace_id="a # {b} \\" 1",x="1"} 0.5 1.25'
    const page = `${openHistogram.replace('"1.0"} 1', `"1.0"} 1 ${mark}`)}# EOF\n`
    const [family] = parseExposition(page, 'openmetrics')
    expect(family?.samples[0]).toEqual({
      name: 'h_bucket',
      labels: { le: '1.0' },
      value: 1,
      exemplar: { labels: { trace_id: 'a # {b} " 1', x: '1' }, value: 0.5, timestamp: 1.25 },
    })
    expect(family?.samples[1]).not.toHaveProperty('exemplar')
    expect(() => parseExposition(good.replace('"1"} 1', `"1"} 1 ${mark}`))).toThrow('no sample')
    const total = '# HELP a A.\n# TYPE a counter\na_total{q=" # {} 1"} 1 # {} 1\n# EOF\n'
    const named = total.replace('{q=', '{le=')
    expect(parseExposition(named, 'openmetrics').at(0)!.samples.at(0)!.exemplar).toBeDefined()
    expect(parseExposition(total, 'openmetrics').at(0)!.samples.at(0)!.exemplar).toEqual({
      labels: {},
      value: 1,
    })
  })

  it('reads summaries, and NaN where it may be', () => {
    const gauge = '# HELP g G.\n# TYPE g gauge\ng NaN\n'
    expect(parseExposition(summary + gauge).map(({ type }) => type)).toEqual(['summary', 'gauge'])
  })

  it.each<[string, string, string]>([
    ['without a quantile', '0.5', '1.5'],
    ['without a quantile', '{quantile="0.5"}', ''],
    ['s_sum is NaN', 's_sum 0', 's_sum NaN'],
    ['negative count', 's_count 0', 's_count -1'],
  ])('refuses a summary: %s', (problem, right, bad) => {
    expect(() => parseExposition(summary.replace(right, bad))).toThrow(problem)
  })

  it.each<[string, string]>([
    ['no # EOF', '# HELP a A.\n# TYPE a counter\na_total 1\n'],
    ['no # EOF', '# EOF\n\n'],
    ['has a sample a', '# HELP a A.\n# TYPE a counter\na 1\n# EOF\n'],
    ['no float', `${good}# EOF\n`],
    ['bad UNIT', '# HELP a A.\n# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n'],
    ['129 characters', withExemplar(`{a="${'x'.repeat(128)}"} 1`)],
    ['bucket up to 1.0', withExemplar('{} 1.5')],
    ['bad exemplar', withExemplar('1')],
    ['bad exemplar', withExemplar('{} 1 2 3')],
    ['bad number', withExemplar('{} x')],
    ['with the time -1', withExemplar('{} 1 -1')],
    ['bad label name', withExemplar('{__a="1"} 1')],
    ['an exemplar at h_count', `${openHistogram.replace('h_count 2', 'h_count 2 # {} 1')}# EOF\n`],
    ['an exemplar at g', '# HELP g G.\n# TYPE g gauge\ng 1 # {} 1\n# EOF\n'],
    ['no sample', '# HELP g G.\n# TYPE g gauge\ng{a="x # {} 1\n# EOF\n'],
    ['no sample', '# HELP g G.\n# TYPE g gauge\ng{a="x # {} 1\\\n# EOF\n'],
  ])('refuses an OpenMetrics page: %s', (problem, page) => {
    expect(() => parseExposition(page, 'openmetrics')).toThrow(problem)
  })
})
