/**
 * The page of one format, written anew for each scrape, in slices that have turns of the event loop to themselves.
 */

import type { MetricSource, SourceInstrument } from '../../sink.ts'
import { createFamily, takenNames, type Family } from './family.ts'
import { Lines } from './lines.ts'
import type { MergedRegistries } from './merged-registries.ts'
import type { ExpositionFormat } from './negotiate.ts'
import { PulledPage } from './pulled-page.ts'
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
    const slices = new Slices()
    const lines = this.#linesOf(source)
    // One slice a turn is the point.
    while (lines.write(slices)) await slices.next()
    const taken = new Set<string>()
    for (const instrument of lines.instruments) {
      for (const name of takenNames(this.#prefix, instrument)) taken.add(name)
    }
    await this.#merged.write(await merging, this.#format, taken, slices)
    slices.out.text(this.#end)
    return slices.end()
  }

  /** Whether all that belongs on the page is ours: others answer when they like. */
  get canBePulled(): boolean {
    return this.#merged.isEmpty
  }

  /** The page for one reader, written while it is read. `over` is called when that has come to its end. */
  pull(source: MetricSource, over: () => void): PulledPage {
    return new PulledPage(this.#linesOf(source), this.#end, over)
  }

  get #end(): string {
    return this.#format === 'openmetrics' ? '# EOF\n' : ''
  }

  #linesOf(source: MetricSource): Lines {
    return new Lines(source, (instrument) => this.#familyOf(instrument))
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
