/**
 * The text of fractions, kept from page to page: most series are as they were at the last scrape, and the shortest digits
 * of a fraction take longer to find than all else that stands on its line. Whole numbers are written anew each time.
 */

import { isWhole } from './digits.ts'
import type { Utf8Writer } from './utf8.ts'

/** A byte for the length, and the longest text that a positive number has: `2.2250738585072014e-308`. */
const slotLength = 24

/** Room for so many more series than there are, as a share. */
const slack = 1 / 8

/**
 * The numbers of a list of series by their place in it. A text is used for the very number that it was made of only, so
 * that nothing depends on the list being the same. Takes 32 bytes a series, and none where there are no fractions.
 */
export class KeptNumbers {
  // Not #private: each line reads them, and such fields take longer.
  private values: Float64Array = new Float64Array(0)
  private texts: DataView = new DataView(new ArrayBuffer(0))
  private count = 0

  /** Takes how many series there are now. */
  begin(count: number): void {
    const { length } = this.values
    this.count = count
    if (length > 2 * count) this.#resize(0)
  }

  /** Adds the number of the series at `index`. */
  write(index: number, value: number, out: Utf8Writer): void {
    if (isWhole(value)) out.number(value)
    else if (this.values[index] === value) {
      const slot = slotLength * index
      out.copy(this.texts, slot + 1, this.texts.getUint8(slot))
    } else this.#writeAnew(index, value, out)
  }

  #writeAnew(index: number, value: number, out: Utf8Writer): void {
    if (index >= this.values.length) this.#resize(Math.ceil(this.count * (1 + slack)))
    const start = out.length
    out.number(value)
    const length = out.length - start
    if (length >= slotLength) return
    this.values[index] = value
    const slot = slotLength * index
    this.texts.setUint8(slot, length)
    new Uint8Array(this.texts.buffer, slot + 1, length).set(out.content.subarray(start))
  }

  /** Forgets all, since lists grow and shrink at any place. */
  #resize(length: number): void {
    this.values = new Float64Array(length)
    this.texts = new DataView(new ArrayBuffer(slotLength * length + slotLength))
  }
}
