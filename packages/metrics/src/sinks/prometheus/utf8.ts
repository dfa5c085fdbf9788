/**
 * Text as UTF-8 in the making. It is bytes from the start and not strings: most of a line stands in the line before and
 * is copied from there, and nothing is left behind for the garbage collector but the bytes themselves.
 */

import { finite } from '../../snapshot.ts'
import { isWhole, mostDigits, writeDigits } from './digits.ts'
import { escapeLabelValue } from './text.ts'

const newline = 10
const space = 32
const quote = 34
const backslash = 92
const closingBrace = 125
const firstBeyondAscii = 128

/** Longer label values are written by a call that takes all of their characters, where a loop would be slower. */
const fewCharacters = 64

/** More bytes are copied by a call, where a loop would be slower. */
const fewBytes = 256

/** So many bytes are copied at a time. */
const word = 8

/** ASCII that is written again and again, kept so that eight characters can be copied at a time. */
export class Fixed {
  readonly length: number
  readonly view: DataView

  constructor(text: string) {
    this.length = text.length
    this.view = new DataView(new ArrayBuffer(word * Math.ceil(text.length / word)))
    for (let i = 0; i < text.length; i++) this.view.setUint8(i, text.charCodeAt(i))
  }
}

/** Text that grows at its end. */
export class Utf8Writer {
  /** In bytes. */
  length = 0
  // Not #private: each piece of a page reads them, and such fields take longer.
  private readonly capacity: number
  private bytes: Buffer<ArrayBuffer>
  private view: DataView
  /** What {@link bytes} was before memory was borrowed. */
  #own: Buffer<ArrayBuffer> | undefined

  /** It grows beyond `capacity` when it has to. */
  constructor(capacity: number) {
    this.capacity = capacity
    this.bytes = Buffer.alloc(capacity)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Adds any text. Lone surrogates become U+FFFD. */
  text(text: string): void {
    this.#reserve(3 * text.length)
    this.length += this.bytes.write(text, this.length)
  }

  /** Adds text that was prepared. */
  fixed(text: Fixed): void {
    const { length } = text
    this.#reserve(length + word)
    copyWords(text.view, 0, this.view, this.length, length)
    this.length += length
  }

  /** Adds one ASCII character. */
  character(code: number): void {
    this.#reserve(1)
    this.bytes[this.length++] = code
  }

  /** Adds once more what stands from `start` up to `end`. */
  again(start: number, end: number): void {
    const count = end - start
    this.#reserve(count + word)
    if (count > fewBytes) this.bytes.copyWithin(this.length, start, end)
    else copyWords(this.view, start, this.view, this.length, count)
    this.length += count
  }

  /** Adds `count` bytes of another text from `from` on, which must go on for a word behind them. */
  copy(text: DataView, from: number, count: number): void {
    this.#reserve(count + word)
    copyWords(text, from, this.view, this.length, count)
    this.length += count
  }

  /** Adds once more the `shared` bytes that stand at `start`, and then as {@link copy} does. */
  spliced(start: number, shared: number, text: DataView, from: number, count: number): void {
    this.#reserve(shared + count + word)
    const { view } = this
    const at = this.length
    copyWords(view, start, view, at, shared)
    copyWords(text, from, view, at + shared, count)
    this.length = at + shared + count
  }

  /** Ends a line with a number that {@link writeDigits} takes: `} 1` where braces are open, else ` 1`. */
  lineEnd(braces: boolean, value: number): void {
    this.#reserve(mostDigits + 3)
    const { view } = this
    let at = this.length
    if (braces) view.setUint8(at++, closingBrace)
    view.setUint8(at++, space)
    at = writeDigits(view, at, value)
    view.setUint8(at, newline)
    this.length = at + 1
  }

  /** Adds the value of a label, escaped. */
  labelValue(value: string): void {
    if (value.length > fewCharacters || !this.#plain(value)) this.text(escapeLabelValue(value))
  }

  /** Adds a number in the syntax of both formats: finite, as in a snapshot, since rates of +Inf would be NaN for good. */
  number(value: number): void {
    if (isWhole(value)) {
      this.#reserve(mostDigits)
      this.length = writeDigits(this.view, this.length, value)
    } else this.#ascii(String(finite(value)))
  }

  /**
   * For who writes into the memory itself, from {@link length} on, and sets that at the end: room for `more` bytes, until
   * something else is added.
   */
  reserve(more: number): DataView {
    this.#reserve(more)
    return this.view
  }

  /** All that was added, in the writer's own memory, where it stays until {@link clear}. */
  get content(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length)
  }

  /** All that was added. */
  toString(): string {
    return this.bytes.toString('utf8', 0, this.length)
  }

  /** Begins anew, in the same memory. */
  clear(): void {
    this.length = 0
  }

  /** Goes on in the memory of somebody else until {@link giveBack}, if that has room for the capacity; must be empty. */
  borrow(memory: Uint8Array<ArrayBuffer>): void {
    if (memory.byteLength < this.capacity) return
    this.#own = this.bytes
    this.#use(Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength))
  }

  /**
   * Begins anew in its own memory, and leaves what was added in that which was borrowed. Returns false, and does nothing,
   * if there is none: because it was too little, or became so.
   */
  giveBack(): boolean {
    const own = this.#own
    this.#own = undefined
    if (own === undefined) return false
    this.length = 0
    this.#use(own)
    return true
  }

  /** All that was added, as the only content of its memory's beginning; the writer begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const { bytes, length, capacity } = this
    this.length = 0
    if (length < capacity / 2) return new Uint8Array(bytes.subarray(0, length))
    this.#use(Buffer.alloc(capacity))
    return new Uint8Array(bytes.buffer, 0, length)
  }

  #ascii(text: string): void {
    const { length } = text
    this.#reserve(length)
    const { bytes, length: at } = this
    for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i)
    this.length = at + length
  }

  /** Adds a label value of ASCII that needs no escapes; adds nothing and returns false if it is another. */
  #plain(value: string): boolean {
    const { length } = value
    this.#reserve(length)
    const { bytes, length: at } = this
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code >= firstBeyondAscii || code === backslash || code === quote || code === newline) return false
      bytes[at + i] = code
    }
    this.length = at + length
    return true
  }

  #reserve(more: number): void {
    if (this.length + more > this.bytes.length) this.#grow(more)
  }

  #grow(more: number): void {
    const { bytes, length } = this
    this.#own = undefined
    this.#use(Buffer.alloc(2 * (length + more)))
    this.bytes.set(bytes.subarray(0, length))
  }

  #use(bytes: Buffer<ArrayBuffer>): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
}

/**
 * Copies `count` bytes, and up to seven more, which are overwritten by what comes next. They go as doubles, whose bits arrive
 * as they are but for those of a NaN, and UTF-8 has none: it takes a byte from 0xf0 on with 0x7f behind it, or 0xff.
 * Behind the text stand zeros or older text, of which no character lacks its end.
 */
function copyWords(source: DataView, from: number, target: DataView, to: number, count: number): void {
  for (let i = 0; i < count; i += word) {
    target.setFloat64(to + i, source.getFloat64(from + i, true), true)
  }
}
