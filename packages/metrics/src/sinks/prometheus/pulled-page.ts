/**
 * A page that is written while its reader takes it: one slice is in memory at a time, and always in the same memory. A
 * page that is written first takes fresh memory for each slice, which costs the system about as much as the writing.
 */

import type { Lines } from './lines.ts'
import { nextTurn, Slices } from './slices.ts'

/** The page of one reader, who calls one of the methods. */
export class PulledPage {
  readonly #lines: Lines
  readonly #end: string
  readonly #onOver: () => void
  readonly #slices = new Slices()
  #isWritten = false
  #isOver = false
  /** How much of the slice was given away, in bytes. */
  #given = 0

  /**
   * Writes the first slice, so that what fails does so before an answer has begun. `end` follows the lines; `onOver`
   * is called once all was read, or will not be.
   */
  constructor(lines: Lines, end: string, onOver: () => void) {
    this.#lines = lines
    this.#end = end
    this.#onOver = onOver
    this.#write()
  }

  /** The page as a string. */
  async text(): Promise<string> {
    try {
      let text = ''
      for (;;) {
        // Strings that are added up are put in a row when they are first read, and not before.
        text += this.#slices.out.toString()
        if (this.#isWritten) return text
        // One slice a turn is the point.
        await this.#turn()
        this.#write()
      }
    } finally {
      this.#over()
    }
  }

  /**
   * The body of a response: the bytes where one slice holds them all, else a stream, which is best read by a reader of
   * mode 'byob', into memory of its own.
   */
  body(): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
    if (this.#isWritten) {
      this.#over()
      return new Uint8Array(this.#slices.out.content)
    }
    return new ReadableStream({
      type: 'bytes',
      pull: async (controller) => {
        try {
          if (!(await this.#give(controller))) return
          controller.close()
          // Whatever else was asked for gets the end.
          controller.byobRequest?.respond(0)
        } catch (error) {
          this.#over()
          throw error
        }
        this.#over()
      },
      cancel: () => this.#over(),
    })
  }

  /** Gives the reader what is next, as much as it takes; returns whether that was all. */
  async #give(controller: ReadableByteStreamController): Promise<boolean> {
    const { out } = this.#slices
    if (this.#given === out.length) {
      await this.#turn()
      if (this.#writeInto(controller.byobRequest)) return this.#isWritten
    }
    const rest = out.content.subarray(this.#given)
    if (rest.length > 0) this.#given += giveTo(controller, rest)
    return this.#isWritten && this.#given === out.length
  }

  /** Ends the slice. The next one has a turn of its own, however fast the reader is. */
  async #turn(): Promise<void> {
    await nextTurn()
    this.#slices.out.clear()
    this.#given = 0
  }

  /** Writes the next slice, into the reader's memory if it fits; returns whether the reader has it thereby. */
  #writeInto(request: ReadableStreamBYOBRequest | null): boolean {
    const { out } = this.#slices
    const view = request?.view
    // Streams take no shared memory.
    if (view instanceof Uint8Array) out.borrow(view as Uint8Array<ArrayBuffer>)
    this.#write()
    const { length } = out
    if (!out.giveBack()) return false
    if (length > 0) request!.respond(length)
    return true
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onOver()
  }

  #write(): void {
    if (this.#lines.write(this.#slices)) return
    this.#slices.out.text(this.#end)
    this.#isWritten = true
  }
}

/** Copies into the reader's own memory if it brought some; returns how much it got. */
function giveTo(controller: ReadableByteStreamController, bytes: Uint8Array): number {
  const request = controller.byobRequest
  const view = request?.view
  if (!(view instanceof Uint8Array)) {
    controller.enqueue(new Uint8Array(bytes))
    return bytes.length
  }
  const part = bytes.subarray(0, view.byteLength)
  view.set(part)
  request!.respond(part.length)
  return part.length
}
