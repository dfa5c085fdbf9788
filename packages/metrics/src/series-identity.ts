/**
 * What tells one series of an instrument from another, and since when it is there, in as little memory as can be: an
 * array takes 48 bytes before it holds anything, so the first label values are fields of the series itself.
 */

import { clock } from '@kit/context'

/** Start times are kept as what passed since then: a small integer costs a series no number of its own on the heap. */
const epoch = Date.now()

/** The part that all cells have in common. */
export abstract class SeriesIdentity {
  private first: string | undefined = undefined
  private second: string | undefined = undefined
  private third: string | undefined = undefined
  private others: readonly string[] | undefined = undefined
  private readonly startOffset: number

  constructor(labelValues: readonly string[]) {
    this.labelValues = labelValues
    this.startOffset = clock.wallTime() - epoch
  }

  /** A new array each time. */
  get labelValues(): readonly string[] {
    const { first, second, third, others } = this
    if (first === undefined) return []
    if (second === undefined) return [first]
    if (third === undefined) return [first, second]
    return others === undefined ? [first, second, third] : [first, second, third, ...others]
  }

  set labelValues(values: readonly string[]) {
    const [first, second, third] = values
    this.first = first
    this.second = second
    this.third = third
    this.others = values.length > 3 ? values.slice(3) : undefined
  }

  /** In milliseconds since the Unix epoch. */
  get startTime(): number {
    return epoch + this.startOffset
  }
}
