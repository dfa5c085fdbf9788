import { manualClock } from '@kit/context/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeriesIdentity } from './series-identity.ts'

class Series extends SeriesIdentity {}

describe('the identity of a series', () => {
  it('keeps any number of label values, and takes others', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.string()), (values, others) => {
        const series = new Series(values)
        expect(series.labelValues).toEqual(values)
        series.labelValues = others
        expect(series.labelValues).toEqual(others)
      }),
    )
  })

  it('knows when the series began', () => {
    using time = manualClock(1_700_000_000_123)
    expect(new Series([]).startTime).toBe(time.wallTime())
  })
})
