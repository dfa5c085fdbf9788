/**
 * The registry: which instruments exist, how they are declared without clashing, what the filter does to them,
 * and how their observables are asked. It is the {@link MetricSource} that sinks read.
 */

import { clock, type Timer } from '@kit/context'
import { Drops, type DropReason } from './drops.ts'
import { MetricsError } from './errors.ts'
import { compileFilter, type CompiledFilter, type MetricFilter } from './filter.ts'
import { createInstrument, type Definition, type Instrument, type Surroundings } from './instrument.ts'
import { checkLabelNames, isOwnName, prometheusNames } from './naming.ts'
import { collectInto } from './observables.ts'
import type { HistogramSeries, MetricSource, SourceHistogram, SourceInstrument, Tap } from './sink.ts'
import type { Budget, Changes } from './table-options.ts'
import { TapSet } from './taps.ts'

interface Entry {
  readonly definition: Definition
  readonly instrument: Instrument
  /** Whether a verb made it up; its label names may then still grow. */
  declared: boolean
  readonly reads: Set<() => unknown>
  /** Whether it is one of the kit's own: no default hides them, only a pattern that names them. */
  readonly own: boolean
  blocked: boolean
}

/** How many labels one name may have whose labels are not settled: over all calls of the verbs, or all declarations. */
const maxSharedLabels = 16

/** All instruments of one `Metrics`. */
export class Registry implements MetricSource {
  readonly drops: Drops = new Drops()
  readonly #budget: Budget
  readonly #changes: Changes = { count: 0 }
  readonly #around: Surroundings
  readonly #aroundOwn: Surroundings
  readonly #entries = new Map<string, Entry>()
  readonly #spelled = new Map<string, string>()
  readonly #taps = new TapSet()
  #filter: CompiledFilter
  #listed: { generation: number; instruments: readonly SourceInstrument[] } | undefined
  #collecting = false
  /** Whether observables may have stopped reporting series since these were last evicted. */
  #reclaimable = false
  #stopped = false
  readonly #prefix: string
  #sweepMs = Infinity
  #sweeper: Timer | undefined

  constructor(maxTotalSeries: number, filter: MetricFilter, prefix: string) {
    this.#prefix = prefix
    const shared = { changes: this.#changes, drops: this.drops }
    this.#budget = { used: 0, max: maxTotalSeries, reclaim: () => this.#reclaim() }
    this.#around = { ...shared, budget: this.#budget }
    // What tells of drops must not itself be dropped.
    this.#aroundOwn = { ...shared, budget: { used: 0, max: Infinity, reclaim: () => {} } }
    this.#filter = compileFilter(filter)
  }

  get ended(): boolean {
    return this.#stopped
  }

  get generation(): number {
    return this.#changes.count
  }

  /** How many series count against the budget. */
  get seriesUsed(): number {
    return this.#budget.used
  }

  /** The instrument of a definition: a new one, or the one of that name if its shape is the same. */
  declare(definition: Definition): Instrument {
    const known = this.#entries.get(definition.name)
    if (known === undefined) return this.#create(definition, true).instrument
    const difference = differenceBetween(known, definition)
    if (difference !== '') {
      throw new MetricsError(
        'KIT_METRIC_CONFLICT',
        `metric ${definition.name} exists already with ${difference}`,
      )
    }
    if (definition.open) this.#widen(known, definition)
    known.declared = true
    return known.instrument
  }

  /**
   * The instrument that a verb means, made up if need be; undefined, and counted, when it cannot be had. Throws
   * when these cannot be its labels.
   */
  improvise(
    definition: Omit<Definition, 'labelNames'>,
    labelNames: readonly string[],
  ): Instrument | undefined {
    const known = this.#entries.get(definition.name)
    if (known === undefined) return this.#makeUp({ ...definition, labelNames: [] }, labelNames)
    if (known.definition.kind !== definition.kind || known.definition.observed) {
      this.drops.count('conflict')
      return undefined
    }
    if (!known.declared) this.#extend(known, labelNames)
    return known.instrument
  }

  /** Whether a verb made this instrument up, so that labels may be missing. */
  isImprovised(name: string): boolean {
    return this.#entries.get(name)?.declared === false
  }

  /** Whether further declarations of this instrument may bring further labels. */
  isOpen(name: string): boolean {
    return this.#entries.get(name)?.definition.open === true
  }

  /** Adds a function that reports an observed instrument's values at each collection; returns its removal. */
  observe(definition: Definition, read: () => unknown): () => void {
    this.declare(definition)
    const { reads } = this.#entries.get(definition.name)!
    // A wrapper, so that the same function given twice is removed once at a time.
    const entry = (): unknown => read()
    reads.add(entry)
    return () => {
      reads.delete(entry)
    }
  }

  /** Applies a filter to everything that exists and will exist. */
  setFilter(filter: MetricFilter): void {
    this.#filter = compileFilter(filter)
    for (const entry of this.#entries.values()) this.#applyFilter(entry)
    this.#changes.count++
  }

  /** Sends everything that is recorded from now on into the void, and asks no observable any more. */
  stop(): void {
    this.#stopped = true
    this.#sweeper?.cancel()
    for (const entry of this.#entries.values()) this.#applyFilter(entry)
  }

  instruments(): readonly SourceInstrument[] {
    if (this.#listed?.generation !== this.generation) {
      const entries = [...this.#entries.values()].filter((entry) => !entry.blocked)
      this.#listed = { generation: this.generation, instruments: entries.map((entry) => entry.instrument) }
    }
    return this.#listed.instruments
  }

  collect(): void {
    // An observable that takes a snapshot would ask itself.
    if (this.#collecting) return
    this.#collecting = true
    if (this.#sweepMs < Infinity)
      for (const { instrument } of this.#entries.values()) instrument.table.revive()
    const due = [...this.#entries.values()].filter(
      (entry) => entry.definition.observed && !entry.blocked && (entry.own || !this.#stopped),
    )
    // The kit's own come last, so that they tell of the failures of this very collection.
    for (const entry of due) if (!entry.own) this.#collectEntry(entry)
    for (const entry of due) if (entry.own) this.#collectEntry(entry)
    this.#collecting = false
    this.#reclaimable = true
  }

  tap(make: (instrument: SourceHistogram, series: HistogramSeries) => Tap): () => void {
    return this.#taps.add(make)
  }

  drop(reason: DropReason, amount?: number): void {
    this.drops.count(reason, amount)
  }

  #create(definition: Definition, declared: boolean): Entry {
    this.#claimSpelling(definition)
    const own = isOwnName(definition.name)
    const instrument = createInstrument(definition, own ? this.#aroundOwn : this.#around)
    const entry: Entry = { definition, instrument, declared, reads: new Set(), own, blocked: false }
    this.#entries.set(definition.name, entry)
    if (instrument.kind === 'histogram') this.#taps.watch(instrument)
    this.#sweepFor(definition)
    this.#applyFilter(entry)
    this.#changes.count++
    return entry
  }

  /** By a timer and not when somebody scrapes: memory is not to grow because nobody does. */
  #sweepFor({ ttlMs, observed }: Definition): void {
    const sweepMs = Math.max(ttlMs / 4, 10)
    if (observed || sweepMs >= this.#sweepMs || this.#stopped) return
    this.#sweepMs = sweepMs
    this.#sweeper?.cancel()
    const sweep = (): void => {
      for (const { instrument } of this.#entries.values()) instrument.table.sweep()
      this.#sweeper = clock.setTimer(this.#sweepMs, sweep)
    }
    this.#sweeper = clock.setTimer(sweepMs, sweep)
  }

  #claimSpelling({ name, unit, kind }: Definition): void {
    const spellings = prometheusNames(name, unit, kind)
    for (const spelling of spellings) {
      const owner = this.#spelled.get(spelling)
      if (owner === undefined) continue
      throw new MetricsError(
        'KIT_METRIC_CONFLICT',
        `metrics ${name} and ${owner} would both be ${spelling} on a Prometheus page; rename one`,
      )
    }
    for (const spelling of spellings) this.#spelled.set(spelling, name)
  }

  #makeUp(definition: Definition, labelNames: readonly string[]): Instrument | undefined {
    checkCount(labelNames.length)
    if (this.#budget.used >= this.#budget.max) this.#reclaim()
    if (this.#budget.used >= this.#budget.max) {
      this.drops.count('overflow')
      return undefined
    }
    const checked = checkLabelNames(definition.name, definition.kind, labelNames)
    try {
      const { instrument } = this.#create({ ...definition, labelNames: checked }, false)
      this.#budget.used++
      return instrument
    } catch {
      this.drops.count('conflict')
      return undefined
    }
  }

  #widen(entry: Entry, { name, kind, labelNames }: Definition): void {
    const all = new Set([...entry.instrument.labelNames, ...labelNames])
    if (all.size > maxSharedLabels) {
      throw new MetricsError(
        'KIT_METRIC_LABEL_INVALID',
        `metric ${name}: all its declarations together may have ${maxSharedLabels} labels`,
      )
    }
    checkLabelNames(name, kind, [...all])
    this.#extend(entry, labelNames)
  }

  #extend(entry: Entry, labelNames: readonly string[]): void {
    const { table } = entry.instrument
    const missing = labelNames.filter((name) => !table.labelNames.includes(name))
    if (missing.length === 0) return
    checkCount(table.labelNames.length + missing.length)
    checkLabelNames(entry.definition.name, entry.definition.kind, [...table.labelNames, ...missing])
    table.extend(missing)
    entry.instrument.only = null
    this.#applyFilter(entry)
  }

  #applyFilter(entry: Entry): void {
    const { own } = entry
    const { kind } = entry.definition
    const name = own ? entry.definition.name : entry.definition.name.slice(this.#prefix.length)
    entry.blocked = own ? this.#filter.blocksExpressly(name) : !this.#filter.allows(name)
    // A blocked gauge goes on following its value: one that missed a decrement would be wrong for good.
    entry.instrument.table.setVoided((this.#stopped && !own) || (entry.blocked && kind !== 'gauge'))
    entry.instrument.table.setBlockedLabels(own ? new Set() : this.#filter.blockedLabels)
    // Nobody asks a blocked observable, so what it reported before must not count as reported for good.
    if (entry.blocked && entry.definition.observed) this.#forget(entry)
  }

  #forget({ instrument }: Entry): void {
    instrument.table.beginCollection()
    instrument.table.endCollection()
    this.#reclaimable = true
  }

  /** One pass after a collection finds all there is, so recordings over the budget do not search again and again. */
  #reclaim(): void {
    if (!this.#reclaimable) return
    this.#reclaimable = false
    for (const { definition, instrument } of this.#entries.values()) {
      if (definition.observed) instrument.table.evictUnreported()
    }
  }

  #collectEntry({ instrument, reads }: Entry): void {
    if (instrument.kind !== 'histogram') collectInto(instrument, reads, this.drops)
  }
}

function checkCount(labels: number): void {
  if (labels > maxSharedLabels) throw new RangeError('too many labels')
}

function differenceBetween(known: Entry, wanted: Definition): string {
  const { definition, instrument } = known
  if (definition.kind !== wanted.kind) return `the kind ${definition.kind}`
  if (definition.observed !== wanted.observed) {
    return definition.observed ? 'an observable as its source' : 'recorded values; it cannot be observed too'
  }
  if (definition.unit !== wanted.unit) return `the unit ${JSON.stringify(definition.unit)}`
  if (definition.open !== wanted.open) return `${definition.open ? '' : 'no '}labels left open`
  const names = instrument.labelNames
  if (
    !wanted.open &&
    (names.length !== wanted.labelNames.length || !names.every((name) => wanted.labelNames.includes(name)))
  ) {
    return `the labels ${JSON.stringify(names)}`
  }
  if (definition.native !== wanted.native) return `${definition.native ? '' : 'no '}exponential buckets`
  const { bounds } = definition
  if (bounds.length !== wanted.bounds.length || !bounds.every((bound, i) => bound === wanted.bounds[i])) {
    return `the buckets ${JSON.stringify(bounds)}`
  }
  return ''
}
