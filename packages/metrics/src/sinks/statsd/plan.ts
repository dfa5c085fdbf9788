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
import { millisecondsIn, type SampleType, type Spelled } from './dialects.ts'
import { CounterEntry, GaugeEntry, SampleEntry, TotalsEntry, type Entry, type Spelling } from './entries.ts'
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

/** How many series are looked at in one go: a millisecond or two of work when nothing is compiled yet. */
const usualSlice = 1000

type Preparation = Generator<void, void>

/** An instrument with the series that it has. */
type Shown = readonly [SourceInstrument, readonly Series[]]

type Series = NumberSeries | HistogramSeries

/** A series that was seen, and how it is spelled. */
class Known implements Spelling {
  readonly entry: Entry
  readonly #names: Names
  #family: Family | undefined
  #series: Series | undefined
  /** How many labels its spelling knows; an instrument may get more. */
  #labels = 0

  constructor(entry: Entry, names: Names) {
    this.entry = entry
    this.#names = names
  }

  /** Has it spelled anew if that is not how it is spelled already. */
  spell(family: Family, series: Series, labels: number): void {
    if (this.#family === family && this.#series === series && this.#labels === labels) return
    this.#family = family
    this.#series = series
    this.#labels = labels
    this.entry.spell(this)
  }

  spelled(): readonly Spelled[] {
    return this.#names.spell(this.#family!, this.#series!.labelValues)
  }
}

/** The series of one instrument as they were last seen. */
interface Block {
  readonly family: Family
  readonly series: readonly Series[]
  readonly known: ReadonlyMap<object, Known>
}

/** All that a sink has to say. */
export class Plan {
  readonly #source: MetricSource
  readonly #frame: Frame
  readonly #sampling: Sampling
  readonly #names: Names
  readonly #slice: number
  readonly #untap: () => void
  /** Series that are not shown, by identity, since that is what returns. Weak, since most do not. */
  readonly #absent = new WeakMap<object, Known>()
  readonly #departing = new Set<Entry>()
  #generation = -1
  #blocks = new Map<SourceInstrument, Block>()
  #entries: readonly Entry[] = []
  #preparation: Preparation | undefined

  constructor(source: MetricSource, frame: Frame, sampling: Sampling, slice: number = usualSlice) {
    this.#source = source
    this.#frame = frame
    this.#sampling = sampling
    this.#slice = slice
    this.#names = new Names(frame, sampling.size === 0)
    this.#untap =
      sampling.size === 0
        ? () => {}
        : source.tap((instrument, series) => {
            const entry = this.#sampler(instrument)
            this.#absent.set(series, new Known(entry, this.#names))
            return entry.reservoir
          })
  }

  /**
   * Looks for what there is to tell now; `idle` when no packet is under way that could come back. The entries follow
   * when {@link prepare} has done its work.
   */
  begin(idle: boolean): void {
    this.prepare(true)
    this.#source.collect()
    const departed = idle ? this.#letGo() : 0
    const changed = this.#source.generation !== this.#generation
    this.#generation = this.#source.generation
    if (!changed && departed === 0) return
    // All lists at once: between slices, an observable may stop to report what it has just reported.
    const shown = changed ? this.#source.instruments().map((one): Shown => [one, one.series()]) : undefined
    this.#preparation = this.#renew(shown, idle)
  }

  /** Goes on with what was begun, for one slice or as a `whole`; true when it is done. */
  prepare(whole: boolean): boolean {
    while (this.#preparation !== undefined) {
      if (this.#preparation.next().done === true) this.#preparation = undefined
      else if (!whole) return false
    }
    return true
  }

  /** The entries to visit, as they were when they were last prepared. */
  get entries(): readonly Entry[] {
    return this.#entries
  }

  /** How many series have something to tell that would be lost. */
  due(): number {
    this.prepare(true)
    return this.#entries.filter((entry) => entry.due()).length
  }

  /** Takes the taps out. */
  stop(): void {
    this.#untap()
  }

  #letGo(): number {
    let departed = 0
    for (const entry of this.#departing) {
      if (!entry.due() && this.#departing.delete(entry)) departed++
    }
    return departed
  }

  /**
   * Brings the entries up to date, and yields after every slice. What happens between slices changes the generation,
   * so the next preparation finds it.
   */
  *#renew(shown: readonly Shown[] | undefined, idle: boolean): Preparation {
    if (shown !== undefined) yield* this.#rebuild(shown, idle)
    const entries: Entry[] = []
    for (const { known } of this.#blocks.values()) {
      for (const { entry } of known.values()) {
        entries.push(entry)
        if (entries.length % this.#slice === 0) yield
      }
    }
    entries.push(...this.#departing)
    this.#entries = entries
  }

  *#rebuild(shown: readonly Shown[], idle: boolean): Preparation {
    const before = this.#blocks
    this.#names.survey(shown.map(([instrument]) => instrument))
    this.#blocks = new Map()
    for (const one of shown) {
      const [instrument] = one
      const block = before.get(instrument)
      const now = yield* this.#block(one, block)
      this.#blocks.set(instrument, now)
      if (block !== undefined && block !== now) this.#compare(block, now, idle)
    }
    for (const [instrument, { known }] of before) {
      // What a filter hides as a whole stays untold; it goes on when it shows again.
      if (!this.#blocks.has(instrument)) for (const [series, one] of known) this.#absent.set(series, one)
    }
  }

  /** The block of an instrument: the one before if nothing of it changed. */
  *#block([instrument, series]: Shown, before: Block | undefined): Generator<void, Block> {
    const family = this.#names.family(instrument)
    if (before?.series === series && before.family === family) return before
    const labels = instrument.labelNames.length
    const known = new Map<object, Known>()
    for (const one of series) {
      const found = before?.known.get(one) ?? this.#absent.get(one) ?? this.#discover(instrument, one)
      known.set(one, found)
      this.#departing.delete(found.entry)
      found.spell(family, one, labels)
      if (known.size % this.#slice === 0) yield
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

  #discover(instrument: SourceInstrument, series: Series): Known {
    return new Known(this.#create(instrument, series), this.#names)
  }

  #create(instrument: SourceInstrument, series: Series): Entry {
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
