/**
 * The page of one format, written anew for each scrape, in slices that have turns of the event loop to themselves.
 */

import type { MetricSource, SourceInstrument } from '../../sink.ts'
import { createFamily, takenNames, type Family } from './family.ts'
import type { MergedRegistries } from './merged-registries.ts'
import type { ExpositionFormat } from './negotiate.ts'
import { Slices } from './slices.ts'

/** Renders one format, again and again. */
export class Page {
  readonly #format: ExpositionFormat
  readonly #prefix: string
  readonly #merged: MergedRegistries
  readonly #families = new WeakMap<SourceInstrument, Family>()

  constructor(format: ExpositionFormat, prefix: string, merged: MergedRegistries) {
    this.#format = format
    this.#prefix = prefix
    this.#merged = merged
  }

  /** The whole page as UTF-8: our families, and then those of the merged registries. */
  async render(source: MetricSource): Promise<readonly Uint8Array<ArrayBuffer>[]> {
    const merging = this.#merged.collect(source)
    source.collect()
    const slices = new Slices()
    const instruments = source.instruments()
    for (const instrument of instruments) {
      const series = instrument.series()
      const family = this.#familyOf(instrument)
      if (series.length > 0) slices.out.text(family.header)
      for (let next = 0; next < series.length;) {
        next = family.write(instrument.labelNames, series, next, slices)
        // One slice a turn is the point.
        if (slices.isFull) await slices.next()
      }
    }
    const taken = new Set<string>()
    for (const instrument of instruments) {
      for (const name of takenNames(this.#prefix, instrument)) taken.add(name)
    }
    await this.#merged.write(await merging, this.#format, taken, slices)
    if (this.#format === 'openmetrics') slices.out.text('# EOF\n')
    return slices.end()
  }

  #familyOf(instrument: SourceInstrument): Family {
    let family = this.#families.get(instrument)
    if (family === undefined) {
      family = createFamily(this.#format, this.#prefix, instrument)
      this.#families.set(instrument, family)
    }
    return family
  }
}
