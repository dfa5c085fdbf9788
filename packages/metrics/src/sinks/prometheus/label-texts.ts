/**
 * The label blocks of an instrument's series, kept from page to page and shared by both formats: the one part of a
 * line that is costly to write and never changes. Nothing else of a page is kept, so a series costs the sink the
 * bytes of its labels, and no line can be out of date.
 */

import type { HistogramSeries, NumberSeries, SourceInstrument } from '../../sink.ts'
import { labelText } from './text.ts'

type Series = NumberSeries | HistogramSeries

/** The label texts of all instruments. */
export class LabelTexts {
  readonly #lists = new WeakMap<SourceInstrument, LabelList>()

  /** Those of the series that an instrument has now. */
  of(instrument: SourceInstrument): LabelList {
    const series = instrument.series()
    const known = this.#lists.get(instrument)
    if (known?.series === series) return known
    const list = new LabelList(series, instrument.labelNames, known)
    this.#lists.set(instrument, list)
    return list
  }
}

/**
 * The label texts of one array of series, each made when it is first asked for, in order. What an earlier array had is
 * taken over by walking both in step, so that no turn of the event loop is spent on the whole of a long one.
 */
export class LabelList {
  readonly series: readonly Series[]
  readonly #labelNames: readonly string[]
  readonly #texts: string[] = []
  #earlier: LabelList | undefined
  /** Where in the earlier array the walk is. */
  #position = 0
  /** How many more entries of the earlier array may be looked at: the walk as a whole stays linear. */
  #looks: number
  #reach = 16

  constructor(series: readonly Series[], labelNames: readonly string[], earlier: LabelList | undefined) {
    this.series = series
    this.#labelNames = labelNames
    // Other label names can mean other values of old series.
    this.#earlier = earlier !== undefined && earlier.#labelNames === labelNames ? earlier : undefined
    this.#looks = 4 * series.length
    if (earlier !== undefined) earlier.#forget()
  }

  /** The labels of the series at `index`, which is one that was asked for before or the next one. */
  at(index: number): string {
    const known = this.#texts[index]
    if (known !== undefined) return known
    const series = this.series[index]!
    const text = this.#inherited(series) ?? labelText(this.#labelNames, series.labelValues)
    this.#texts.push(text)
    if (this.#texts.length === this.series.length) this.#forget()
    return text
  }

  #inherited(series: Series): string | undefined {
    const earlier = this.#earlier
    if (earlier === undefined) return undefined
    const last = Math.min(earlier.series.length, this.#position + Math.min(this.#reach, this.#looks + 1))
    for (let i = this.#position; i < last; i++) {
      if (earlier.series[i] !== series) continue
      this.#looks -= i - this.#position
      this.#position = i + 1
      this.#reach = 16
      return earlier.#texts[i]
    }
    this.#looks = Math.max(0, this.#looks - (last - this.#position))
    this.#reach *= 2
    return undefined
  }

  #forget(): void {
    this.#earlier = undefined
  }
}
