/**
 * The lines of our own instruments, written slice by slice: whoever wants them takes one slice at a time, when it likes.
 */

import type { MetricSource, SourceInstrument } from '../../sink.ts'
import type { Family } from './family.ts'
import type { Slices } from './slices.ts'

/** One reading of all instruments. */
export class Lines {
  readonly instruments: readonly SourceInstrument[]
  readonly #familyOf: (instrument: SourceInstrument) => Family
  /** The instrument that is being written, and its series if it was begun. */
  #at = 0
  #series: ReturnType<SourceInstrument['series']> | undefined
  #next = 0

  /** Asks the observables, so that all lines have what was recorded before. */
  constructor(source: MetricSource, familyOf: (instrument: SourceInstrument) => Family) {
    source.collect()
    this.instruments = source.instruments()
    this.#familyOf = familyOf
  }

  /** Goes on until the slice is full. Returns whether there may be more. */
  write(slices: Slices): boolean {
    for (; this.#at < this.instruments.length; this.#at++) {
      const instrument = this.instruments[this.#at]!
      const family = this.#familyOf(instrument)
      const series = (this.#series ??= this.#begin(instrument, family, slices))
      this.#next = family.write(instrument.labelNames, series, this.#next, slices)
      if (slices.isFull) return true
      this.#series = undefined
    }
    return false
  }

  #begin(
    instrument: SourceInstrument,
    family: Family,
    slices: Slices,
  ): ReturnType<SourceInstrument['series']> {
    const series = instrument.series()
    if (series.length > 0) slices.out.text(family.header)
    this.#next = 0
    return series
  }
}
