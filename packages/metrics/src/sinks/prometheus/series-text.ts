/**
 * The name and the labels of series as their lines begin: written from what is kept of them where it can be, and from their
 * label values otherwise.
 */

import { KeptLabels } from './kept-labels.ts'
import { LabelBlock } from './label-block.ts'
import { Fixed, type Utf8Writer } from './utf8.ts'

interface Labelled {
  readonly labelValues: readonly string[]
}

/** Writes the names and labels of one instrument's series, one after the other as they are in their list. */
export class SeriesText {
  // Not #private: each line reads them, and such fields take longer.
  private readonly nameLength: number
  private readonly block: LabelBlock
  private readonly kept = new KeptLabels()
  /** Whether what is kept is of the list that is being written. */
  private isKept = false
  /** What may be written from what is kept is behind the first series, and before this one. */
  private first = 0
  private end = 0
  /** Where the series before starts. */
  private start = 0

  constructor(name: string) {
    this.nameLength = name.length
    this.block = new LabelBlock(new Fixed(name))
  }

  /** Begins a page with the first series of a list, or goes on with a later one, behind other text. */
  begin(labelNames: readonly string[], list: readonly Labelled[], index: number): void {
    const { kept } = this
    if (index === 0) kept.begin(list)
    this.isKept = kept.has(list)
    this.first = index
    this.end = this.isKept ? kept.count : 0
    this.block.begin(labelNames)
  }

  /** Adds `name{a="x",b="y"` as {@link LabelBlock} does, for the series at `index`. Returns where the labels start. */
  write(series: Labelled, index: number, out: Utf8Writer): number {
    const start = out.length
    if (index > this.first && index < this.end) {
      const { bytes, ends, shared } = this.kept
      const from = ends[index - 1]!
      out.spliced(this.start, shared[index]!, bytes, from, ends[index]! - from)
    } else {
      this.block.write(series.labelValues, out)
      if (this.isKept) this.kept.keep(index, out.content.subarray(start))
    }
    this.start = start
    return start + this.nameLength
  }
}
