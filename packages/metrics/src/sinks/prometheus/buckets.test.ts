import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Exemplar, HistogramSeries } from '../../sink.ts'
import { BucketLines } from './buckets.ts'
import type { ExpositionFormat } from './negotiate.ts'
import { boundText, exemplarText } from './text.ts'
import { Utf8Writer } from './utf8.ts'

const exemplar: Exemplar = { value: 0.25, time: 1500, traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }

function seriesOf(counts: readonly number[], exemplars: readonly (Exemplar | undefined)[]): HistogramSeries {
  return {
    labelValues: [],
    startTime: 0,
    sum: 0,
    count: counts.reduce((sum, count) => sum + count, 0),
    exponential: undefined,
    bucketCount: (index) => counts[index] ?? 0,
    exemplar: (index) => exemplars[index],
  }
}

function expectedLines(
  format: ExpositionFormat,
  bounds: readonly number[],
  labels: string,
  { bucketCount, exemplar: exemplarOf }: HistogramSeries,
): string {
  let sum = 0
  const lines = [...bounds, Infinity].map((bound, i) => {
    sum += bucketCount(i)
    const found = format === 'openmetrics' ? exemplarOf(i) : undefined
    const pairs = [
      ['trace_id', found?.traceId ?? ''],
      ['span_id', found?.spanId ?? ''],
    ] as const
    const mark = found === undefined ? '' : exemplarText(pairs, found.value, found.time)
    return `${labels}le="${boundText(format, bound)}"} ${sum}${mark}\n`
  })
  return lines.join('')
}

it('bucket lines repeat their labels, whatever their length, and have their counts and exemplars', () => {
  const bounds = fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }), {
    minLength: 1,
    maxLength: 6,
  })
  const one = fc.record({
    bounds: bounds.map((all) => all.map((bound) => bound + 0).toSorted((a, b) => a - b)),
    labels: fc.string({ unit: fc.constantFrom('a', 'ü', '🦊'), maxLength: 200 }),
    counts: fc.array(fc.oneof(fc.nat({ max: 120 }), fc.nat(), fc.nat({ max: 2 ** 45 })), {
      minLength: 7,
      maxLength: 7,
    }),
    exemplars: fc.array(fc.constantFrom(undefined, exemplar), { minLength: 7, maxLength: 7 }),
  })
  fc.assert(
    fc.property(one, fc.constantFrom('text', 'openmetrics'), fc.nat({ max: 64 }), (given, format, before) => {
      const series = seriesOf(given.counts, given.exemplars)
      const out = new Utf8Writer(8)
      out.text('x'.repeat(before))
      const start = out.length
      out.text(given.labels)
      const count = new BucketLines(format, given.bounds).write(series, start, out)
      expect(out.toString()).toBe(
        'x'.repeat(before) + expectedLines(format, given.bounds, given.labels, series),
      )
      expect(count).toBe(given.counts.slice(0, given.bounds.length + 1).reduce((sum, n) => sum + n, 0))
    }),
    { numRuns: 1000 },
  )
})
