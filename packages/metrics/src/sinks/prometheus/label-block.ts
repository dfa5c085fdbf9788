/**
 * The labels of an instrument's series as they stand between braces. They are written anew for each page: kept, the
 * text would take a third of what a series of a counter takes in all.
 */

import { prometheusLabelName } from '../../naming.ts'
import { Fixed, type Utf8Writer } from './utf8.ts'

const comma = 44
const quote = 34
const openingBrace = 123

/** Writes the labels of one instrument. */
export class LabelBlock {
  #labelNames: readonly string[] = []
  /** What stands before each value: `name="`. */
  #openings: readonly Fixed[] = []

  /** Takes the names that the values given from now on belong to. */
  setNames(labelNames: readonly string[]): void {
    if (labelNames === this.#labelNames) return
    this.#labelNames = labelNames
    this.#openings = labelNames.map((name) => new Fixed(`${prometheusLabelName(name)}="`))
  }

  /** Adds `{a="x",b="y"`, which is not closed yet; without labels that are absent, and nothing if all are. */
  write(labelValues: readonly string[], out: Utf8Writer): void {
    const openings = this.#openings
    const start = out.length
    for (let i = 0; i < labelValues.length; i++) {
      const value = labelValues[i]!
      if (value === '') continue
      out.character(out.length === start ? openingBrace : comma)
      out.fixed(openings[i]!)
      out.labelValue(value)
      out.character(quote)
    }
  }
}
