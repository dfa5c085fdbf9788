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
    const taps: Tap[] = []
    const { extras } = cell
    if (extras?.native) taps.push(extras.native)
    if (extras?.exemplars) taps.push(extras.exemplars)
    for (const maker of this.#makers.values()) {
      let tap = maker.taps.get(cell)
      if (tap === undefined) maker.taps.set(cell, (tap = maker.make(instrument, cell)))
      taps.push(tap)
    }
    if (taps.length === 0) cell.tap = null
    else
      cell.tap =
        taps.length === 1 ? taps[0]! : { observe: (value) => taps.forEach((tap) => tap.observe(value)) }
  }
}
