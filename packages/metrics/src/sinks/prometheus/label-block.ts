/**
 * The labels of an instrument's series as they stand between braces, written from their values.
 */

import { prometheusLabelName } from '../../naming.ts'
import { Fixed, type Utf8Writer } from './utf8.ts'

const comma = 44
const quote = 34
const openingBrace = 123

/** Writes the name of one instrument and the labels of its series. What a series shares with the one before is copied. */
export class LabelBlock {
  // Not #private: each line reads them, and such fields take longer.
  private readonly name: Fixed
  private labelNames: readonly string[] = []
  /** What stands before each value: `name="`. */
  private openings: readonly Fixed[] = []
  /** The values of the series before, where its name starts, and how far from there each of its labels ends. */
  private last: readonly string[] = []
  private start = 0
  private ends: number[] = []

  constructor(name: Fixed) {
    this.name = name
  }

  /** Takes the names that the values given from now on belong to, which are written one behind the other. */
  begin(labelNames: readonly string[]): void {
    this.last = []
    if (labelNames === this.labelNames) return
    this.labelNames = labelNames
    this.openings = labelNames.map((name) => new Fixed(`${prometheusLabelName(name)}="`))
    this.ends = labelNames.map(() => 0)
  }

  /**
   * Adds `name{a="x",b="y"`, which is not closed yet; without labels that are absent, and the name alone if all are.
   * Returns where the labels start.
   */
  write(labelValues: readonly string[], out: Utf8Writer): number {
    const { name, last, ends, openings } = this
    const start = out.length
    const labels = start + name.length
    let i = 0
    while (i < last.length && labelValues[i] === last[i]) i++
    if (i > 0) out.again(this.start, this.start + ends[i - 1]!)
    else out.fixed(name)
    for (; i < labelValues.length; i++) {
      const value = labelValues[i]!
      if (value !== '') {
        out.character(out.length === labels ? openingBrace : comma)
        out.fixed(openings[i]!)
        out.labelValue(value)
        out.character(quote)
      }
      ends[i] = out.length - start
    }
    this.last = labelValues
    this.start = start
    return labels
  }
}
