/**
 * One worker as seen from the thread that collects: what it defined, and what it counted so far.
 */

import type { Labels } from '../labels.ts'
import type { Account } from './account.ts'
import type { Catalog, OpenAccount } from './catalog.ts'
import { fromNumbers, since, type Distribution } from './distribution.ts'
import { NumberReader } from './numbers.ts'
import { parseReport } from './parse.ts'
import type { ExemplarReport, InstrumentDefinition, Report, SeriesDefinition } from './protocol.ts'

/** Why something from a worker was not taken over. */
export type WorkerDropReason = 'conflict' | 'flood' | 'malformed' | 'overflow'

/** What a peer reports to its collector, besides numbers. */
export interface PeerEvents {
  dropped(reason: WorkerDropReason): void
  /** What the worker itself had to drop. */
  droppedThere(reason: string, amount: number): void
}

interface Instrument {
  readonly definition: InstrumentDefinition
  /** Undefined where it cannot be had here. */
  readonly open: OpenAccount | undefined
}

interface Series {
  instrument: Instrument
  labelValues: readonly string[]
  account: Account | undefined
  /** The latest cumulative numbers. */
  value: number
  distribution: Distribution | undefined
}

/** What became of a message. */
export interface Outcome {
  /** Undefined if it was no report. */
  readonly report: Report | undefined
  /** Whether something before it is missing or was not understood, so that the worker should say all anew. */
  readonly isPuzzled: boolean
}

const ownDrops = 'kit.metrics.dropped'
/** Says which instruments one worker may have; one that has more is out of hand. */
const maxInstruments = 5000

/** The state of one worker. */
export class Peer {
  readonly #name: string
  readonly #catalog: Catalog
  readonly #events: PeerEvents
  readonly #maxSeries: number
  readonly #instruments = new Map<number, Instrument>()
  readonly #series = new Map<number, Series>()
  #sequence = 0
  #isPuzzled = false
  /** Whether something was left out for want of room, so that unknown numbers are no surprise. */
  #hasOverflowed = false

  constructor(name: string, catalog: Catalog, events: PeerEvents, maxSeries: number) {
    this.#name = name
    this.#catalog = catalog
    this.#events = events
    this.#maxSeries = maxSeries
  }

  /** Takes a message over. Never throws. */
  receive(message: unknown): Outcome {
    this.#isPuzzled = false
    let report: Report | undefined
    try {
      report = parseReport(message)
      if (report !== undefined) this.#apply(report)
    } catch {
      report = undefined // such as a getter that throws, which no real message has
    }
    if (report === undefined) {
      this.#events.dropped('malformed')
      this.#isPuzzled = true
    }
    return { report, isPuzzled: this.#isPuzzled }
  }

  /** The worker is gone: its counts stay, its gauges do not. */
  end(): void {
    for (const { account } of this.#series.values()) close(account)
    this.#series.clear()
    this.#instruments.clear()
  }

  #apply({ sequence, instruments, series, numbers, exemplars, gone }: Report): void {
    if (sequence !== this.#sequence + 1) this.#isPuzzled = true
    this.#sequence = sequence
    for (const definition of instruments) this.#defineInstrument(definition)
    for (const definition of series) this.#defineSeries(definition)
    this.#applyNumbers(numbers)
    for (const exemplar of exemplars) this.#applyExemplar(exemplar)
    for (const id of gone) {
      close(this.#series.get(id)?.account)
      this.#series.delete(id)
    }
  }

  #defineInstrument(definition: InstrumentDefinition): void {
    const known = this.#instruments.get(definition.id)
    if (known !== undefined && isEqual(known.definition, definition)) return
    if (this.#instruments.size >= maxInstruments) return this.#overflow()
    const opened = definition.name === ownDrops ? this.#dropsThere() : this.#catalog.open(definition)
    if (typeof opened === 'string') this.#events.dropped(opened)
    this.#instruments.set(definition.id, {
      definition,
      open: typeof opened === 'string' ? undefined : opened,
    })
  }

  #defineSeries([id, instrumentId, labelValues]: SeriesDefinition): void {
    const instrument = this.#instruments.get(instrumentId)
    if (instrument === undefined) {
      this.#isPuzzled ||= !this.#hasOverflowed
      return
    }
    const { labels: names, kind } = instrument.definition
    if (names.length !== labelValues.length) return this.#events.dropped('malformed')
    const known = this.#series.get(id)
    if (known === undefined && this.#series.size >= this.#maxSeries) return this.#overflow()
    if (known?.instrument === instrument && isEqual(known.labelValues, labelValues)) return
    const labels: Labels = Object.fromEntries(names.map((name, i) => [name, labelValues[i]!]))
    const account = instrument.open?.(labels, this.#name)
    if (instrument.open !== undefined && account === undefined) this.#events.dropped('overflow')
    if (known !== undefined && known.instrument.definition.kind === kind) {
      close(known.account)
      known.instrument = instrument
      known.labelValues = labelValues
      known.account = account
    } else {
      close(known?.account)
      this.#series.set(id, { instrument, labelValues, account, value: 0, distribution: undefined })
    }
  }

  #applyNumbers(numbers: ArrayLike<number>): void {
    for (let at = 0; at < numbers.length;) {
      const head = new NumberReader(numbers, at, at + 2)
      const id = head.integer(0)
      const length = head.integer(1)
      if (!head.isDone || at + 2 + length > numbers.length) return this.#events.dropped('malformed')
      const series = this.#series.get(id)
      if (series === undefined) this.#isPuzzled ||= !this.#hasOverflowed
      else if (!applyTo(series, numbers, at + 2, at + 2 + length)) this.#events.dropped('malformed')
      at += 2 + length
    }
  }

  #applyExemplar(exemplar: ExemplarReport): void {
    const account = this.#series.get(exemplar[0])?.account
    if (account?.kind === 'histogram') account.exemplar(exemplar)
  }

  #overflow(): void {
    this.#hasOverflowed = true
    this.#events.dropped('overflow')
  }

  #dropsThere(): OpenAccount {
    return (labels) => ({
      kind: 'counter',
      add: (amount) => {
        if (amount > 0) this.#events.droppedThere(String(labels['reason']), amount)
      },
    })
  }
}

/** Adds what is new in these numbers; false if they cannot follow those before. */
function applyTo(series: Series, numbers: ArrayLike<number>, start: number, end: number): boolean {
  const { account } = series
  const { kind, bounds, native } = series.instrument.definition
  if (kind === 'histogram') {
    const now = fromNumbers(numbers, start, end, bounds.length + 1, native)
    const more = now && (series.distribution === undefined ? now : since(now, series.distribution))
    if (more === undefined) return false
    series.distribution = now
    if (account?.kind === 'histogram') account.add(more)
    return true
  }
  const reader = new NumberReader(numbers, start, end)
  const value = reader.number()
  if (!reader.isDone || (kind === 'counter' && value < series.value)) return false
  if (account?.kind === 'counter') account.add(value - series.value)
  else if (account?.kind === 'gauge') account.set(value)
  series.value = value
  return true
}

/** Whether two definitions, which are plain data, say the same. */
function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function close(account: Account | undefined): void {
  if (account?.kind === 'gauge') account.close()
}
