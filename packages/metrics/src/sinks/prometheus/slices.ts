/**
 * A long text in the making, slice by slice, each in a turn of the event loop of its own.
 */

import { Utf8Writer } from './utf8.ts'

/** A slice ends when it has so many bytes: some 100 microseconds of work. */
const sliceLength = 114_688

/** So far the last series of a slice may go beyond before its memory has to be moved. Both together stay below 128 KiB: more is asked of the system each time. */
const margin = 8192

/** Collects text, and gives way to other work between slices. */
export class Slices {
  /** What the text is added to. */
  readonly out: Utf8Writer = new Utf8Writer(sliceLength + margin)
  readonly #done: Uint8Array<ArrayBuffer>[] = []

  /** Whether it is time for {@link next}. */
  get isFull(): boolean {
    return this.out.length >= sliceLength
  }

  /** Ends the slice, and continues in another turn. */
  next(): Promise<void> {
    this.#done.push(this.out.take())
    return nextTurn()
  }

  /** All slices, as UTF-8. */
  end(): readonly Uint8Array<ArrayBuffer>[] {
    if (this.out.length > 0 || this.#done.length === 0) this.#done.push(this.out.take())
    return this.#done
  }
}

/** Lets everything else that is due run first. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
