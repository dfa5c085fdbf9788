/**
 * The lines of one instrument. What is the same for all its series is written once; the rest is put together from
 * the label text of a series and its numbers as they are now.
 */

import { prometheusName, prometheusNames, prometheusUnit } from '../../naming.ts'
import type {
  Exemplar,
  HistogramSeries,
  NumberSeries,
  SourceCounter,
  SourceGauge,
  SourceHistogram,
  SourceInstrument,
} from '../../sink.ts'
import type { LabelList } from './label-texts.ts'
import type { ExpositionFormat } from './negotiate.ts'
import type { Slices } from './slices.ts'
import { boundText, exemplarText, header, numberLine, numberText } from './text.ts'

/** Writes one instrument in one format. */
export interface Family {
  /** The metadata lines. */
  readonly header: string
  /** Writes the lines of series, from the one at `from` on until the slice is full; returns which would be next. */
  write(list: LabelList, from: number, slices: Slices): number
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
  readonly #bare: string
  readonly #open: string
  readonly #created: CreatedLines | undefined

  constructor(head: string, format: ExpositionFormat, name: string, { kind }: SourceCounter | SourceGauge) {
    const metric = kind === 'counter' ? `${name}_total` : name
    this.header = head
    this.#bare = `${metric} `
    this.#open = `${metric}{`
    this.#created = format === 'openmetrics' && kind === 'counter' ? new CreatedLines(name) : undefined
  }

  write(list: LabelList, from: number, slices: Slices): number {
    const series = list.series as readonly NumberSeries[]
    let i = from
    for (; i < series.length && !slices.isFull; i++) {
      const one = series[i]!
      const labels = list.at(i)
      slices.add(labels === '' ? this.#bare : this.#open + labels + '} ')
      slices.add(numberLine(one.value))
      if (this.#created !== undefined) slices.add(this.#created.write(one, labels))
    }
    return i
  }
}

class HistogramFamily implements Family {
  readonly header: string
  readonly #open: string
  /** Everything between the labels and the count of each bucket line. */
  readonly #ends: readonly string[]
  readonly #endsAfterLabels: readonly string[]
  readonly #sum: string
  readonly #count: string
  readonly #summed: boolean
  readonly #created: CreatedLines | undefined

  constructor(head: string, format: ExpositionFormat, name: string, { bounds }: SourceHistogram) {
    this.header = head
    this.#open = `${name}_bucket{`
    this.#ends = [...bounds, Infinity].map((bound) => `le="${boundText(format, bound)}"} `)
    this.#endsAfterLabels = this.#ends.map((end) => `,${end}`)
    this.#sum = `${name}_sum`
    this.#count = `${name}_count`
    // OpenMetrics forbids the sum, and with it the count, where observations can be negative.
    this.#summed = format === 'text' || bounds[0]! >= 0
    this.#created = format === 'openmetrics' ? new CreatedLines(name) : undefined
  }

  write(list: LabelList, from: number, slices: Slices): number {
    const series = list.series as readonly HistogramSeries[]
    let i = from
    for (; i < series.length && !slices.isFull; i++) this.#writeOne(series[i]!, list.at(i), slices)
    return i
  }

  #writeOne(series: HistogramSeries, labels: string, slices: Slices): void {
    const ends = labels === '' ? this.#ends : this.#endsAfterLabels
    let count = 0
    for (let i = 0; i < ends.length; i++) {
      count += series.bucketCount(i)
      const exemplar = this.#created === undefined ? undefined : series.exemplar(i)
      const line = this.#open + labels + ends[i]!
      if (exemplar === undefined) slices.add(line + numberLine(count))
      else slices.add(line + numberText(count) + exemplarOf(exemplar) + '\n')
    }
    if (this.#summed) {
      const braces = labels === '' ? ' ' : '{' + labels + '} '
      slices.add(this.#sum + braces + numberLine(series.sum) + this.#count + braces + numberLine(count))
    }
    if (this.#created !== undefined) slices.add(this.#created.write(series, labels))
  }
}

function exemplarOf({ traceId, spanId, value, time }: Exemplar): string {
  const labels = [
    ['trace_id', traceId],
    ['span_id', spanId],
  ] as const
  return exemplarText(labels, value, time)
}

/** The lines that tell when series started; OpenMetrics has them for counters and histograms. */
class CreatedLines {
  readonly #bare: string
  readonly #open: string
  // Series tend to start together.
  #time = NaN
  #text = ''

  constructor(name: string) {
    this.#bare = `${name}_created `
    this.#open = `${name}_created{`
  }

  write({ startTime }: NumberSeries | HistogramSeries, labels: string): string {
    if (startTime !== this.#time) {
      this.#time = startTime
      this.#text = numberLine(startTime / 1000)
    }
    return (labels === '' ? this.#bare : this.#open + labels + '} ') + this.#text
  }
}
