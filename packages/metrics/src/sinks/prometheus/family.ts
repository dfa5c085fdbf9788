/**
 * The lines of one instrument. What is the same for all its series is encoded once, the labels of a series once a page;
 * its other lines repeat them, and have its numbers as they are now.
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
import { LabelBlock } from './label-block.ts'
import type { ExpositionFormat } from './negotiate.ts'
import type { Slices } from './slices.ts'
import { boundText, exemplarText, floatText, header } from './text.ts'
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
  readonly #block: LabelBlock
  readonly #created: CreatedLines | undefined

  constructor(head: string, format: ExpositionFormat, name: string, { kind }: SourceCounter | SourceGauge) {
    this.header = head
    this.#block = new LabelBlock(new Fixed(kind === 'counter' ? `${name}_total` : name))
    this.#created = format === 'openmetrics' && kind === 'counter' ? new CreatedLines(name) : undefined
  }

  write(labelNames: readonly string[], series: readonly Series[], from: number, slices: Slices): number {
    this.#block.begin(labelNames)
    let i = from
    for (; i < series.length && !slices.isFull; i++) this.#writeOne(series[i] as NumberSeries, slices.out)
    return i
  }

  #writeOne(series: NumberSeries, out: Utf8Writer): void {
    const start = this.#block.write(series.labelValues, out)
    const end = out.length
    if (end > start) out.character(closingBrace)
    out.character(space)
    out.number(series.value)
    out.character(newline)
    this.#created?.write(series, start, end, out)
  }
}

class HistogramFamily implements Family {
  readonly header: string
  readonly #block: LabelBlock
  /** Everything between the other labels and the count of each bucket line. */
  readonly #bounds: readonly Fixed[]
  readonly #sum: Fixed
  readonly #count: Fixed
  readonly #summed: boolean
  readonly #created: CreatedLines | undefined

  constructor(head: string, format: ExpositionFormat, name: string, { bounds }: SourceHistogram) {
    this.header = head
    this.#block = new LabelBlock(new Fixed(`${name}_bucket`))
    this.#bounds = [...bounds, Infinity].map((bound) => new Fixed(`le="${boundText(format, bound)}"} `))
    this.#sum = new Fixed(`${name}_sum`)
    this.#count = new Fixed(`${name}_count`)
    // OpenMetrics forbids the sum, and with it the count, where observations can be negative.
    this.#summed = format === 'text' || bounds[0]! >= 0
    this.#created = format === 'openmetrics' ? new CreatedLines(name) : undefined
  }

  write(labelNames: readonly string[], series: readonly Series[], from: number, slices: Slices): number {
    this.#block.begin(labelNames)
    let i = from
    for (; i < series.length && !slices.isFull; i++) this.#writeOne(series[i] as HistogramSeries, slices.out)
    return i
  }

  #writeOne(series: HistogramSeries, out: Utf8Writer): void {
    const bounds = this.#bounds
    const line = out.length
    const start = this.#block.write(series.labelValues, out)
    const end = out.length
    out.character(end > start ? comma : openingBrace)
    const bound = out.length
    let count = 0
    for (let i = 0; i < bounds.length; i++) {
      if (i > 0) out.again(line, bound)
      out.fixed(bounds[i]!)
      count += series.bucketCount(i)
      out.number(count)
      if (this.#created !== undefined) writeExemplar(series.exemplar(i), out)
      out.character(newline)
    }
    if (this.#summed) {
      out.fixed(this.#sum)
      repeatLabels(start, end, out)
      out.number(series.sum)
      out.character(newline)
      out.fixed(this.#count)
      repeatLabels(start, end, out)
      out.number(count)
      out.character(newline)
    }
    this.#created?.write(series, start, end, out)
  }
}

function writeExemplar(exemplar: Exemplar | undefined, out: Utf8Writer): void {
  if (exemplar === undefined) return
  const { traceId, spanId, value, time } = exemplar
  const labels = [
    ['trace_id', traceId],
    ['span_id', spanId],
  ] as const
  out.text(exemplarText(labels, value, time))
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
