/**
 * The plan: the entries of all series, kept in step with the source. A series that vanishes stays until the server was
 * told the last of it; one that comes back goes on where it was.
 */

import type {
  HistogramSeries,
  MetricSource,
  NumberSeries,
  SourceHistogram,
  SourceInstrument,
} from '../../sink.ts'
import { millisecondsIn, type SampleType } from './dialects.ts'
import { CounterEntry, GaugeEntry, SampleEntry, TotalsEntry, type Entry } from './entries.ts'
import { Names, type Family, type Frame } from './names.ts'
import { Reservoir } from './reservoir.ts'

/** How samples are taken. */
export interface Sampling {
  /** 0 for count and sum as counters. */
  readonly size: number
  readonly type: SampleType | undefined
  readonly random: () => number
}

/** How many series may wait to be told after they vanished. */
const maxDeparting = 4096

interface Known {
  readonly entry: Entry
  family: Family | undefined
  /** How many labels its spelling knows; an instrument may get more. */
  labels: number
}

/** The series of one instrument as they were last seen. */
interface Block {
  readonly family: Family
  readonly series: readonly (NumberSeries | HistogramSeries)[]
  readonly known: ReadonlyMap<object, Known>
}

/** All that a sink has to say. */
export class Plan {
  readonly #source: MetricSource
  readonly #frame: Frame
  readonly #sampling: Sampling
  readonly #names: Names
  readonly #untap: () => void
  /** Series that are not shown, by identity, since that is what returns. Weak, since most do not. */
  readonly #absent = new WeakMap<object, Known>()
  readonly #departing = new Set<Entry>()
  #generation = -1
  #blocks = new Map<SourceInstrument, Block>()
  #entries: readonly Entry[] = []

  constructor(source: MetricSource, frame: Frame, sampling: Sampling) {
    this.#source = source
    this.#frame = frame
    this.#sampling = sampling
    this.#names = new Names(frame, sampling.size === 0)
    this.#untap =
      sampling.size === 0
        ? () => {}
        : source.tap((instrument, series) => {
            const entry = this.#sampler(instrument)
            this.#absent.set(series, { entry, family: undefined, labels: 0 })
            return entry.reservoir
          })
  }

  /** The entries to visit now. `idle` when no packet is under way that could come back. */
  entries(idle: boolean): readonly Entry[] {
    this.#source.collect()
    const departed = idle ? this.#letGo() : 0
    const changed = this.#source.generation !== this.#generation
    if (changed) {
      this.#generation = this.#source.generation
      this.#rebuild(idle)
    }
    if (changed || departed > 0) this.#entries = this.#list()
    return this.#entries
  }

  /** How many series have something to tell that would be lost. */
  due(): number {
    return this.#entries.filter((entry) => entry.due()).length
  }

  /** Takes the taps out. */
  stop(): void {
    this.#untap()
  }

  #list(): readonly Entry[] {
    const entries: Entry[] = []
    for (const { known } of this.#blocks.values()) for (const { entry } of known.values()) entries.push(entry)
    entries.push(...this.#departing)
    return entries
  }

  #letGo(): number {
    let departed = 0
    for (const entry of this.#departing) {
      if (!entry.due() && this.#departing.delete(entry)) departed++
    }
    return departed
  }

  #rebuild(idle: boolean): void {
    const before = this.#blocks
    const instruments = this.#source.instruments()
    this.#names.survey(instruments)
    this.#blocks = new Map()
    for (const instrument of instruments) {
      const block = before.get(instrument)
      const now = this.#block(instrument, block)
      this.#blocks.set(instrument, now)
      if (block !== undefined && block !== now) this.#compare(block, now, idle)
    }
    for (const [instrument, { known }] of before) {
      // What a filter hides as a whole stays untold; it goes on when it shows again.
      if (!this.#blocks.has(instrument)) for (const [series, one] of known) this.#absent.set(series, one)
    }
  }

  /** The block of an instrument: the one before if nothing of it changed. */
  #block(instrument: SourceInstrument, before: Block | undefined): Block {
    const family = this.#names.family(instrument)
    const series = instrument.series()
    if (before?.series === series && before.family === family) return before
    const labels = instrument.labelNames.length
    const known = new Map<object, Known>()
    for (const one of series) {
      const found = before?.known.get(one) ?? this.#absent.get(one) ?? this.#discover(instrument, one)
      known.set(one, found)
      this.#departing.delete(found.entry)
      if (found.family === family && found.labels === labels) continue
      found.family = family
      found.labels = labels
      found.entry.spell(this.#names.spell(family, one.labelValues))
    }
    return { family, series, known }
  }

  /** Sees off the series that an instrument shows no more. */
  #compare(before: Block, now: Block, idle: boolean): void {
    for (const [series, known] of before.known) {
      if (now.known.has(series)) continue
      this.#absent.set(series, known)
      // With packets under way, one may come back, and then there is something to tell after all.
      if (!idle || known.entry.due()) this.#depart(known.entry)
    }
  }

  #depart(entry: Entry): void {
    if (this.#departing.size < maxDeparting) this.#departing.add(entry)
    else if (entry.due()) this.#source.drop('undelivered')
  }

  #discover(instrument: SourceInstrument, series: NumberSeries | HistogramSeries): Known {
    return { entry: this.#create(instrument, series), family: undefined, labels: 0 }
  }

  #create(instrument: SourceInstrument, series: NumberSeries | HistogramSeries): Entry {
    const { wholeCounters, signedGaugeIsChange } = this.#frame.dialect
    if (instrument.kind === 'histogram') {
      if (this.#sampling.size > 0) return this.#sampler(instrument)
      return new TotalsEntry(series as HistogramSeries, wholeCounters)
    }
    return instrument.kind === 'counter'
      ? new CounterEntry(series as NumberSeries, wholeCounters, false)
      : new GaugeEntry(series as NumberSeries, signedGaugeIsChange)
  }

  #sampler({ unit }: SourceHistogram): SampleEntry {
    const { dialect } = this.#frame
    const { size, random } = this.#sampling
    const type = this.#sampling.type ?? dialect.sampleType(unit)
    const factor = type === 'ms' ? (millisecondsIn(unit) ?? 1) : 1
    const onNegative = dialect.negativeSamples ? undefined : () => this.#source.drop('unsendable')
    return new SampleEntry(new Reservoir(size, random, onNegative), { type, factor, packs: dialect.packs })
  }
}
