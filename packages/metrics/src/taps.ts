/**
 * Taps: how the raw observations of histograms reach the sinks that ask for them. Histograms without a tap pay
 * one comparison with null; one tap is called directly, several through a small fan.
 */

import type { HistogramCell } from './cell.ts'
import type { HistogramInstrument } from './instrument.ts'
import type { HistogramSeries, SourceHistogram, Tap } from './sink.ts'

type MakeTap = (instrument: SourceHistogram, series: HistogramSeries) => Tap

/** The taps of all histograms of one registry. */
export class TapSet {
  readonly #instruments: HistogramInstrument[] = []
  readonly #makers = new Map<object, { make: MakeTap; taps: Map<HistogramCell, Tap> }>()

  /** Brings a new instrument, and each series it will have, under the taps. */
  watch(instrument: HistogramInstrument): void {
    this.#instruments.push(instrument)
    instrument.onCell = (cell) => this.#tapCell(instrument, cell)
    for (const cell of instrument.table.cells()) this.#tapCell(instrument, cell)
  }

  /** Installs a tap on every series; the returned function removes it. */
  add(make: MakeTap): () => void {
    const key = {}
    this.#makers.set(key, { make, taps: new Map() })
    this.#tapAll()
    return () => {
      if (this.#makers.delete(key)) this.#tapAll()
    }
  }

  #tapAll(): void {
    for (const instrument of this.#instruments) {
      for (const cell of instrument.table.cells()) this.#tapCell(instrument, cell)
    }
  }

  #tapCell(instrument: HistogramInstrument, cell: HistogramCell): void {
    const own: Tap[] = []
    if (cell.extras?.native) own.push(cell.extras.native)
    if (cell.extras?.exemplars) own.push(cell.extras.exemplars)
    const listeners: Tap[] = []
    for (const maker of this.#makers.values()) {
      let tap = maker.taps.get(cell)
      if (tap === undefined) maker.taps.set(cell, (tap = maker.make(instrument, cell)))
      listeners.push(tap)
    }
    const count = own.length + listeners.length
    cell.tap = count > 1 ? new Fan(own, listeners) : (own[0] ?? listeners[0] ?? null)
  }
}

/** The taps that sinks have on a series, without those that its own extras are. */
export function listenersOf({ tap, extras }: HistogramCell): readonly Tap[] {
  if (tap instanceof Fan) return tap.listeners
  return tap === null || extras !== null ? [] : [tap]
}

/** Several taps as one. */
class Fan implements Tap {
  readonly listeners: readonly Tap[]
  readonly #all: readonly Tap[]

  constructor(own: readonly Tap[], listeners: readonly Tap[]) {
    this.listeners = listeners
    this.#all = [...own, ...listeners]
  }

  observe(value: number): void {
    for (const tap of this.#all) tap.observe(value)
  }
}
