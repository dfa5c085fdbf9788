/**
 * A page that was rendered: shared by all scrapes that came before it was begun, each of which reads it once and as it
 * likes.
 */

import { nextTurn } from './slices.ts'

/** So many slices are decoded in one turn: about 1 MB. */
const slicesPerTurn = 8

/** A page as UTF-8, in slices. */
export class Rendered {
  readonly #slices: readonly Uint8Array<ArrayBuffer>[]
  readonly #shared: boolean
  #text: Promise<string> | undefined

  /** `readers` is how many will call one of the methods. */
  constructor(slices: readonly Uint8Array<ArrayBuffer>[], readers: number) {
    this.#slices = slices
    this.#shared = readers > 1
  }

  /** The page as a string, made when it is first asked for. */
  text(): Promise<string> {
    return (this.#text ??= this.#decode())
  }

  /** The page as the body of a response: slice by slice, so that a slow reader holds nothing but the page itself. */
  body(): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
    const slices = this.#slices
    // Whoever reads the body may transfer what it gets. So it gets a copy where others read the page too.
    const given = (slice: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
      this.#shared ? new Uint8Array(slice) : slice
    if (slices.length === 1) return given(slices[0]!)
    let next = 0
    return new ReadableStream({
      pull: (controller) => {
        controller.enqueue(given(slices[next]!))
        next++
        if (next === slices.length) controller.close()
      },
    })
  }

  async #decode(): Promise<string> {
    let text = ''
    let turn = 0
    for (const slice of this.#slices) {
      // Strings that are added up are put in a row when they are first read, and not before.
      text += Buffer.from(slice.buffer, slice.byteOffset, slice.byteLength).toString()
      turn++
      if (turn % slicesPerTurn === 0) await nextTurn()
    }
    return text
  }
}
