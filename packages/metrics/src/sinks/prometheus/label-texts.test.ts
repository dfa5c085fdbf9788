import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NumberSeries, SourceCounter } from '../../sink.ts'
import { LabelTexts } from './label-texts.ts'
import { labelText } from './text.ts'

const names = ['id']

function seriesOf(id: number): NumberSeries {
  return { labelValues: [String(id)], startTime: 0, value: id }
}

function textsOf(texts: LabelTexts, instrument: SourceCounter, upTo = Infinity): string[] {
  const list = texts.of(instrument)
  const read: string[] = []
  for (let i = 0; i < Math.min(list.series.length, upTo); i++) read.push(list.at(i))
  return read
}

describe('label texts', () => {
  it('are those of the series, however these come, go and move', () => {
    const pool = Array.from({ length: 200 }, (_, id) => seriesOf(id))
    const selection = fc.array(fc.nat({ max: pool.length - 1 }), { maxLength: 300 })
    const step = fc.record({ selection, upTo: fc.option(fc.nat({ max: 300 }), { nil: Infinity }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
        let present: readonly NumberSeries[] = []
        const instrument = {
          kind: 'counter',
          labelNames: names,
          series: () => present,
        } as unknown as SourceCounter
        const texts = new LabelTexts()
        for (const { selection: ids, upTo } of steps) {
          present = [...new Set(ids)].map((id) => pool.at(id)!)
          const expected = present.map(({ labelValues }) => labelText(names, labelValues)).slice(0, upTo)
          expect(textsOf(texts, instrument, upTo)).toEqual(expected)
        }
      }),
    )
  })

  it('are taken over, not made again, when series before them went or came', () => {
    let made = 0
    const counted = (id: number): NumberSeries => ({
      get labelValues() {
        made++
        return [String(id)]
      },
      startTime: 0,
      value: 0,
    })
    const pool = Array.from({ length: 2000 }, (_, id) => counted(id))
    let present: readonly NumberSeries[] = pool
    const instrument = {
      kind: 'counter',
      labelNames: names,
      series: () => present,
    } as unknown as SourceCounter
    const texts = new LabelTexts()
    textsOf(texts, instrument)
    expect(made).toBe(2000)
    textsOf(texts, instrument)
    present = pool.filter((_, i) => i % 3 !== 0)
    textsOf(texts, instrument)
    present = present.slice(500)
    textsOf(texts, instrument)
    present = [...present, counted(3000)]
    textsOf(texts, instrument)
    // A run of 500 that went costs a few that are made again until the walk reaches beyond it.
    expect(made).toBeLessThan(2000 + 10)
  })
})
