/**
 * The bucket lines of a histogram's series. They are most of what stands on most pages, so they are written by one loop that
 * knows where everything stands.
 */

import type { HistogramSeries } from '../../sink.ts'
import { isWhole, mostDigits, writeDigits } from './digits.ts'
import type { ExpositionFormat } from './negotiate.ts'
import { boundText, exemplarText } from './text.ts'
import { Fixed, type Utf8Writer } from './utf8.ts'

const newline = 10

/** The labels of a line are copied by so many bytes at a time, and those beyond their end overwritten. */
const stride = 32

/** Writes the bucket lines of one instrument's series. */
export class BucketLines {
  // Not #private: each series reads them, and such fields take longer.
  /** Everything between the other labels and the count of each line. */
  private readonly bounds: readonly Fixed[]
  /** The most that a line has behind its other labels, exemplars apart. */
  private readonly most: number
  private readonly showsExemplars: boolean

  constructor(format: ExpositionFormat, bounds: readonly number[]) {
    this.bounds = [...bounds, Infinity].map((bound) => new Fixed(`le="${boundText(format, bound)}"} `))
    this.most = Math.max(...this.bounds.map(({ view }) => view.byteLength)) + mostDigits + 1
    this.showsExemplars = format === 'openmetrics'
  }

  /**
   * Adds the lines, of which the first stands from `start` on up to its bound already. Returns how many observations there
   * are in all.
   */
  write(series: HistogramSeries, start: number, out: Utf8Writer): number {
    const { bounds, showsExemplars } = this
    const shared = out.length - start
    const room = (shared + stride + this.most) * bounds.length
    let view = out.reserve(room)
    let at = out.length
    let count = 0
    for (let i = 0; i < bounds.length; i++) {
      if (i > 0) {
        // As doubles: see `copyWords`. Written out, since a loop of single words takes half as long again.
        for (let from = start, to = at; to < at + shared; from += stride, to += stride) {
          const first = view.getFloat64(from, true)
          const second = view.getFloat64(from + 8, true)
          const third = view.getFloat64(from + 16, true)
          const fourth = view.getFloat64(from + 24, true)
          view.setFloat64(to, first, true)
          view.setFloat64(to + 8, second, true)
          view.setFloat64(to + 16, third, true)
          view.setFloat64(to + 24, fourth, true)
        }
        at += shared
      }
      const { view: text, length } = bounds[i]!
      for (let k = 0; k < length; k += 8) view.setFloat64(at + k, text.getFloat64(k, true), true)
      at += length
      count += series.bucketCount(i)
      const exemplar = showsExemplars ? series.exemplar(i) : undefined
      if (exemplar === undefined && isWhole(count)) at = writeDigits(view, at, count)
      else {
        out.length = at
        out.number(count)
        if (exemplar !== undefined) {
          const { traceId, spanId, value, time } = exemplar
          const labels = [
            ['trace_id', traceId],
            ['span_id', spanId],
          ] as const
          out.text(exemplarText(labels, value, time))
        }
        view = out.reserve(room)
        at = out.length
      }
      view.setUint8(at, newline)
      at++
    }
    out.length = at
    return count
  }
}
