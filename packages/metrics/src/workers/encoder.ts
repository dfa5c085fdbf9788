/**
 * Turns the cells of a worker into reports: what changed since the last one, in parts of bounded size.
 */

import type { HistogramSeries, MetricSource, NumberSeries, SourceInstrument } from '../sink.ts'
import { finite } from '../snapshot.ts'
import { readSeries, since, toNumbers, type Distribution } from './distribution.ts'
import { NumberWriter } from './numbers.ts'
import { originOf } from './origin.ts'
import type { ExemplarReport, InstrumentDefinition, Part, SeriesDefinition } from './protocol.ts'

/** A part of a report is full with so many numbers, or a tenth as many definitions: some 100 kB. */
const fullPart = 10_000

/** What is known of a series since it was last reported. */
interface Entry {
  readonly id: number
  instrument: InstrumentDefinition
  /** Number of the pass that saw it last. */
  pass: number
  /** The value as it was read last; for a histogram its count and sum. */
  value: number
  sum: number
  /** What to add to the value, so that it never falls and holds nothing that was reported before. */
  offset: number
  /** What a histogram had counted when it was reported under another number. */
  readonly base: Distribution | undefined
  /** The times of the exemplars that were sent. */
  readonly exemplars: Map<number, number>
}

type Series = NumberSeries | HistogramSeries

/** Remembers what was reported of each series. */
export class Encoder {
  readonly #source: MetricSource
  readonly #fullPart: number
  readonly #entries = new Map<Series, Entry>()
  /** What was reported of series that vanished, in case they come back with their count. Weak: most do not. */
  readonly #retired = new WeakMap<Series, { offset: number; base: Distribution | undefined }>()
  readonly #instruments = new WeakMap<SourceInstrument, InstrumentDefinition>()
  #defined = new Set<number>()
  #known = new Set<number>()
  #nextId = 1
  #pass = 0
  #generation = -1
  #parts: Part[] = []
  #instrumentsOut: InstrumentDefinition[] = []
  #seriesOut: SeriesDefinition[] = []
  #exemplarsOut: ExemplarReport[] = []
  #goneOut: number[] = []
  readonly #numbers = new NumberWriter()

  constructor(source: MetricSource, partSize: number = fullPart) {
    this.#source = source
    this.#fullPart = partSize
  }

  /** Says everything anew the next time, for a reader that missed something. */
  resync(): void {
    this.#defined = new Set()
    this.#known = new Set()
  }

  /** What changed since the last call, in parts; none if nothing did. Costs a look at each series. */
  encode(): Part[] {
    this.#pass++
    this.#source.collect()
    for (const instrument of this.#source.instruments()) {
      if (isReported(instrument.name)) this.#encodeInstrument(instrument)
    }
    if (this.#generation !== this.#source.generation) this.#retire()
    this.#generation = this.#source.generation
    this.#flushPart()
    const parts = this.#parts
    this.#parts = []
    return parts
  }

  #encodeInstrument(instrument: SourceInstrument): void {
    const definition = this.#definitionOf(instrument)
    for (const series of instrument.series()) {
      const entry = this.#entryOf(series, definition)
      // Labels that were added since are absent in the series that were there; whoever knows it need not hear that.
      entry.instrument = definition
      this.#encodeSeries(series, entry)
    }
  }

  #definitionOf(instrument: SourceInstrument): InstrumentDefinition {
    const known = this.#instruments.get(instrument)
    // Verbs add labels to the names that they made up.
    if (known !== undefined && known.labels.length === instrument.labelNames.length) return known
    const { kind, name, unit, help, labelNames } = instrument
    const definition: InstrumentDefinition = {
      id: this.#nextId++,
      kind,
      name,
      unit,
      help,
      labels: labelNames,
      bounds: kind === 'histogram' ? instrument.bounds : [],
      native: kind === 'histogram' && instrument.native,
      origin: originOf(this.#source, instrument),
    }
    this.#instruments.set(instrument, definition)
    return definition
  }

  #entryOf(series: Series, instrument: InstrumentDefinition): Entry {
    let entry = this.#entries.get(series)
    if (entry === undefined) {
      const { offset, base } = this.#retired.get(series) ?? { offset: 0, base: undefined }
      entry = {
        id: this.#nextId++,
        instrument,
        pass: 0,
        value: 0,
        sum: 0,
        offset,
        base,
        exemplars: new Map(),
      }
      // The value that was read before is behind the offset.
      if (instrument.kind === 'counter') entry.value = -offset
      this.#entries.set(series, entry)
    }
    return entry
  }

  #encodeSeries(series: Series, entry: Entry): void {
    entry.pass = this.#pass
    const { kind } = entry.instrument
    const isNew = !this.#known.has(entry.id)
    if (isNew) this.#define(series, entry)
    if (kind === 'histogram') this.#encodeHistogram(series as HistogramSeries, entry, isNew)
    else this.#encodeNumber(series as NumberSeries, entry, isNew)
    const isFull = this.#numbers.length >= this.#fullPart || this.#seriesOut.length * 10 >= this.#fullPart
    if (isFull) this.#flushPart()
  }

  #encodeNumber(series: NumberSeries, entry: Entry, isNew: boolean): void {
    const value = finite(series.value)
    if (!isNew && value === entry.value) return
    // What an observable reports may begin anew.
    if (entry.instrument.kind === 'counter' && value < entry.value) entry.offset += entry.value
    entry.value = value
    this.#write(entry.id, [entry.instrument.kind === 'counter' ? finite(value + entry.offset) : value])
  }

  #encodeHistogram(series: HistogramSeries, entry: Entry, isNew: boolean): void {
    const { count, sum } = series
    if (!isNew && count === entry.value && sum === entry.sum) return
    entry.value = count
    entry.sum = sum
    const size = entry.instrument.bounds.length + 1
    if (entry.base === undefined && !entry.instrument.native) {
      // What nearly all are, written without a copy.
      this.#writeHead(entry.id, size + 1)
      this.#numbers.push(finite(sum))
      for (let bucket = 0; bucket < size; bucket++) this.#numbers.push(series.bucketCount(bucket))
    } else {
      const now = readSeries(series, size)
      this.#write(entry.id, toNumbers(entry.base === undefined ? now : (since(now, entry.base) ?? now)))
    }
    for (let bucket = 0; bucket < size; bucket++) {
      const exemplar = series.exemplar(bucket)
      if (exemplar === undefined || (!isNew && entry.exemplars.get(bucket) === exemplar.time)) continue
      entry.exemplars.set(bucket, exemplar.time)
      const { value, time, traceId, spanId } = exemplar
      this.#exemplarsOut.push([entry.id, bucket, value, time, traceId, spanId])
    }
  }

  #define(series: Series, { id, instrument }: Entry): void {
    if (!this.#defined.has(instrument.id)) {
      this.#defined.add(instrument.id)
      this.#instrumentsOut.push(instrument)
    }
    this.#known.add(id)
    this.#seriesOut.push([id, instrument.id, series.labelValues])
  }

  #write(id: number, numbers: readonly number[]): void {
    this.#writeHead(id, numbers.length)
    for (const number of numbers) this.#numbers.push(number)
  }

  #writeHead(id: number, length: number): void {
    this.#numbers.push(id)
    this.#numbers.push(length)
  }

  /** Lets the series go that are listed no more, having read them a last time. */
  #retire(): void {
    for (const [series, entry] of this.#entries) {
      if (entry.pass === this.#pass) continue
      const { kind, bounds } = entry.instrument
      if (kind !== 'gauge') {
        this.#encodeSeries(series, entry)
        const base =
          kind === 'histogram' ? readSeries(series as HistogramSeries, bounds.length + 1) : undefined
        this.#retired.set(series, { offset: -entry.value, base })
      }
      this.#entries.delete(series)
      this.#known.delete(entry.id)
      this.#goneOut.push(entry.id)
    }
  }

  #flushPart(): void {
    const isEmpty =
      this.#numbers.length + this.#seriesOut.length + this.#goneOut.length + this.#exemplarsOut.length === 0
    if (isEmpty) return
    this.#parts.push({
      instruments: this.#instrumentsOut,
      series: this.#seriesOut,
      numbers: this.#numbers.take(),
      exemplars: this.#exemplarsOut,
      gone: this.#goneOut,
    })
    this.#instrumentsOut = []
    this.#seriesOut = []
    this.#exemplarsOut = []
    this.#goneOut = []
  }
}

/** The metrics' own instruments tell of this worker's registry, but what was dropped in it concerns everybody. */
function isReported(name: string): boolean {
  return !name.startsWith('kit.metrics.') || name === 'kit.metrics.dropped'
}
