/**
 * Text as UTF-8 in the making. It is bytes from the start and not strings: most of a line stands in the line before and
 * is copied from there, and nothing is left behind for the garbage collector but the bytes themselves.
 */

import { finite } from '../../snapshot.ts'
import { escapeLabelValue } from './text.ts'

const newline = 10
const quote = 34
const zero = 48
const backslash = 92
const firstBeyondAscii = 128

/** Longer label values are written by a call that takes all of their characters, where a loop would be slower. */
const fewCharacters = 64

/** More bytes are copied by a call, where a loop would be slower. */
const fewBytes = 256

/** ASCII that is written again and again, kept so that eight characters can be copied at a time. */
export class Fixed {
  readonly length: number
  readonly view: DataView

  constructor(text: string) {
    this.length = text.length
    this.view = new DataView(new ArrayBuffer(8 * Math.ceil(text.length / 8)))
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
    const { length, view: source } = text
    this.#reserve(length + 8)
    const { length: at, view } = this
    // As doubles. No eight characters of ASCII are a NaN, whose bits might not arrive as they are.
    for (let i = 0; i < length; i += 8) view.setFloat64(at + i, source.getFloat64(i, true), true)
    this.length = at + length
  }

  /** Adds one ASCII character. */
  character(code: number): void {
    this.#reserve(1)
    this.bytes[this.length++] = code
  }

  /** Adds once more what stands from `start` up to `end`. */
  again(start: number, end: number): void {
    const count = end - start
    this.#reserve(count + 8)
    const { length: at, view } = this
    // As doubles, whose bits arrive as they are but for those of a NaN, and UTF-8 has none: it takes a byte from 0xf0 on with
    // 0x7f behind it, or 0xff. Behind the text stand zeros or older text, of which no character lacks its end.
    if (count > fewBytes) this.bytes.copyWithin(at, start, end)
    else for (let i = 0; i < count; i += 8) view.setFloat64(at + i, view.getFloat64(start + i, true), true)
    this.length = at + count
  }

  /** Adds the value of a label, escaped. */
  labelValue(value: string): void {
    if (value.length > fewCharacters || !this.#plain(value)) this.text(escapeLabelValue(value))
  }

  /** Adds a number in the syntax of both formats: finite, as in a snapshot, since rates of +Inf would be NaN for good. */
  number(value: number): void {
    if (value >= 0 && (value | 0) === value) this.#integer(value)
    else this.#ascii(String(finite(value)))
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

  /** All that was added, as the only content of its memory's beginning; the writer begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const { bytes, length, capacity } = this
    this.length = 0
    if (length < capacity / 2) return new Uint8Array(bytes.subarray(0, length))
    this.#use(Buffer.alloc(capacity))
    return new Uint8Array(bytes.buffer, 0, length)
  }

  /** Adds an integer that is not negative and has at most 31 bits. */
  #integer(value: number): void {
    this.#reserve(10)
    const { bytes, length: at } = this
    let end = at + 1
    for (let rest = value; rest >= 10; rest = (rest / 10) | 0) end++
    this.length = end
    let rest = value | 0
    do {
      const tenth = (rest / 10) | 0
      bytes[--end] = zero + rest - 10 * tenth
      rest = tenth
    } while (rest > 0)
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
    this.#use(Buffer.alloc(2 * (length + more)))
    this.bytes.set(bytes.subarray(0, length))
  }

  #use(bytes: Buffer<ArrayBuffer>): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }
}
