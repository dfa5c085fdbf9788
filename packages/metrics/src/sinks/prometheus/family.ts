/**
 * The lines of one instrument. What is the same for all its series is encoded once, the labels of a series at most once a page;
 * its other lines repeat them, and have its numbers as they are now.
 */

import { prometheusName, prometheusNames, prometheusUnit } from '../../naming.ts'
import type {
  HistogramSeries,
  NumberSeries,
  SourceCounter,
  SourceGauge,
  SourceHistogram,
  SourceInstrument,
} from '../../sink.ts'
import type { ExpositionFormat } from './negotiate.ts'
import { BucketLines } from './buckets.ts'
import { isWhole } from './digits.ts'
import { KeptNumbers } from './kept-numbers.ts'
import { SeriesText } from './series-text.ts'
import type { Slices } from './slices.ts'
import { floatText, header } from './text.ts'
import { Fixed, type Utf8Writer } from './utf8.ts'

type Series = NumberSeries | HistogramSeries

const newline = 10
const space = 32
const comma = 44
const openingBrace = 123
const closingBrace = 125

/** Writes one instrument in one format. */
export interface Family {
  /** The metadata lines. */
  readonly header: string
  /**
   * Writes the lines of `series`, from the one at `from` on until the slice is full; returns which would be next.
   * `labelNames` are those that the series have now.
   */
  write(labelNames: readonly string[], series: readonly Series[], from: number, slices: Slices): number
}

/** What the HELP line says: every family has a help text, its logical name and unit if nothing better. */
export function helpOf({ help, name, unit }: SourceInstrument): string {
  return help || (unit === '' ? name : `${name} (${unit})`)
}

/** The name of an instrument on the page, which OpenMetrics puts on its TYPE line: without `_total`. */
export function familyName(prefix: string, { name, unit, kind }: SourceInstrument): string {
  return prefix + prometheusName(name, unit, kind)
}

/** Every name that an instrument takes on the page, in either format. */
export function takenNames(prefix: string, { name, unit, kind }: SourceInstrument): string[] {
  return prometheusNames(name, unit, kind).map((spelling) => prefix + spelling)
}

/** What writes an instrument in a format. */
export function createFamily(format: ExpositionFormat, prefix: string, instrument: SourceInstrument): Family {
  const { kind, unit } = instrument
  const name = familyName(prefix, instrument)
  const word = prometheusUnit(unit, kind)
  const metric = kind === 'counter' && format === 'text' ? `${name}_total` : name
  const head = header(format, metric, kind, helpOf(instrument), name.endsWith(`_${word}`) ? word : '')
  if (kind === 'histogram') return new HistogramFamily(head, format, name, instrument)
  return new NumberFamily(head, format, name, instrument)
}

class NumberFamily implements Family {
  readonly header: string
  readonly #labels: SeriesText
  readonly #numbers = new KeptNumbers()
  readonly #created: CreatedLines | undefined

  constructor(head: string, format: ExpositionFormat, name: string, { kind }: SourceCounter | SourceGauge) {
    this.header = head
    this.#labels = new SeriesText(kind === 'counter' ? `${name}_total` : name)
    this.#created = format === 'openmetrics' && kind === 'counter' ? new CreatedLines(name) : undefined
  }

  write(labelNames: readonly string[], series: readonly Series[], from: number, slices: Slices): number {
    this.#labels.begin(labelNames, series, from)
    this.#numbers.begin(series.length)
    let i = from
    for (; i < series.length && !slices.isFull; i++) this.#writeOne(series[i] as NumberSeries, i, slices.out)
    return i
  }

  #writeOne(series: NumberSeries, index: number, out: Utf8Writer): void {
    const start = this.#labels.write(series, index, out)
    const end = out.length
    const { value } = series
    if (isWhole(value)) out.lineEnd(end > start, value)
    else {
      if (end > start) out.character(closingBrace)
      out.character(space)
      this.#numbers.write(index, value, out)
      out.character(newline)
    }
    this.#created?.write(series, start, end, out)
  }
}

class HistogramFamily implements Family {
  readonly header: string
  readonly #labels: SeriesText
  readonly #numbers = new KeptNumbers()
  readonly #buckets: BucketLines
  readonly #sum: Fixed
  readonly #count: Fixed
  readonly #summed: boolean
  readonly #created: CreatedLines | undefined

  constructor(head: string, format: ExpositionFormat, name: string, { bounds }: SourceHistogram) {
    this.header = head
    this.#labels = new SeriesText(`${name}_bucket`)
    this.#buckets = new BucketLines(format, bounds)
    this.#sum = new Fixed(`${name}_sum`)
    this.#count = new Fixed(`${name}_count`)
    // OpenMetrics forbids the sum, and with it the count, where observations can be negative.
    this.#summed = format === 'text' || bounds[0]! >= 0
    this.#created = format === 'openmetrics' ? new CreatedLines(name) : undefined
  }

  write(labelNames: readonly string[], series: readonly Series[], from: number, slices: Slices): number {
    this.#labels.begin(labelNames, series, from)
    this.#numbers.begin(series.length)
    let i = from
    for (; i < series.length && !slices.isFull; i++)
      this.#writeOne(series[i] as HistogramSeries, i, slices.out)
    return i
  }

  #writeOne(series: HistogramSeries, index: number, out: Utf8Writer): void {
    const line = out.length
    const start = this.#labels.write(series, index, out)
    const end = out.length
    out.character(end > start ? comma : openingBrace)
    const count = this.#buckets.write(series, line, out)
    if (this.#summed) {
      out.fixed(this.#sum)
      repeatLabels(start, end, out)
      this.#numbers.write(index, series.sum, out)
      out.character(newline)
      out.fixed(this.#count)
      repeatLabels(start, end, out)
      out.number(count)
      out.character(newline)
    }
    this.#created?.write(series, start, end, out)
  }
}

/** Adds the labels that stand from `start` to `end`, if there are any, and all up to the number of a line. */
function repeatLabels(start: number, end: number, out: Utf8Writer): void {
  if (end > start) {
    out.again(start, end)
    out.character(closingBrace)
  }
  out.character(space)
}

/** The lines that tell when series started; OpenMetrics has them for counters and histograms. */
class CreatedLines {
  readonly #name: Fixed
  // Series tend to start together.
  #time = NaN
  #end: Fixed = new Fixed('')

  constructor(name: string) {
    this.#name = new Fixed(`${name}_created`)
  }

  /** The labels are those that stand from `start` to `end`. */
  write({ startTime }: Series, start: number, end: number, out: Utf8Writer): void {
    if (startTime !== this.#time) {
      this.#time = startTime
      this.#end = new Fixed(`${floatText(startTime / 1000)}\n`)
    }
    out.fixed(this.#name)
    repeatLabels(start, end, out)
    out.fixed(this.#end)
  }
}
