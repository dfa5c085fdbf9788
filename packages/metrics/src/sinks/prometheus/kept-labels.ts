/**
 * The label text of a list of series, kept from page to page while the list is the same: of each series only what it does
 * not share with the one before, since neighbours share most of it.
 */

/** So much text may be kept of a series on average, in bytes. Of a list that takes more nothing is kept. */
const mostBytes = 64

/** In fewer series is nothing to be gained. */
const fewSeries = 64

/** Longer text is not kept: how much is shared must fit into 16 bits. */
const longestText = 65_535

/** Who reads whole words goes beyond the end. */
const margin = 8

const none = new Uint8Array(0)

/**
 * What is kept of one list of series at a time, told from others by identity. Takes 6 bytes a series and at most 64 more; the
 * text of series that share all but their last label takes a dozen.
 */
export class KeptLabels {
  // Not private: each line reads them.
  /** How many series can be written from what is kept: the first ones of the list. */
  count = 0
  /** Of each series, how many bytes it shares with the one before. */
  shared: Uint16Array = new Uint16Array(0)
  /** Where in {@link bytes} the rest of each series ends, and that of the next one begins. */
  ends: Uint32Array = new Uint32Array(0)
  bytes: DataView = new DataView(none.buffer)
  /** Weak, since a list that is replaced would take its series along. */
  #list: WeakRef<object> | undefined
  /** How many series are to be kept; 0 if none are. */
  #wanted = 0
  /** The text of the series that was kept last. */
  #last = none
  #lastLength = 0

  /**
   * Takes the list of a page that begins. Its text is kept from the second page on: a list that is another one for each page
   * is not worth the trouble.
   */
  begin(list: readonly object[]): void {
    const { length } = list
    if (this.#list?.deref() !== list) {
      this.#forget()
      this.#list = new WeakRef(list)
    } else if (this.#wanted === 0 && length >= fewSeries && this.bytes.byteLength === 0) {
      this.#wanted = length
      this.shared = new Uint16Array(length)
      this.ends = new Uint32Array(length)
      this.#resize(16 * length)
    }
  }

  /** Whether this is the list that {@link begin} took last. */
  has(list: readonly object[]): boolean {
    return this.#list?.deref() === list
  }

  /** Keeps the text of the series at `index`, if it is the next one to be kept. */
  keep(index: number, text: Uint8Array): void {
    if (index !== this.count || index >= this.#wanted) return
    const shared = this.#sharedWithLast(text)
    const from = index === 0 ? 0 : this.ends[index - 1]!
    const end = from + text.length - shared
    const most = mostBytes * this.#wanted
    if (text.length > longestText || end > most) {
      this.#giveUp()
      return
    }
    if (end + margin > this.bytes.byteLength) this.#resize(Math.min(2 * end, most))
    new Uint8Array(this.bytes.buffer).set(text.subarray(shared), from)
    this.shared[index] = shared
    this.ends[index] = end
    this.count++
    if (this.count === this.#wanted) {
      this.#last = none
      this.#resize(end)
    } else this.#remember(text)
  }

  #sharedWithLast(text: Uint8Array): number {
    const last = this.#last
    const most = Math.min(text.length, this.#lastLength)
    let shared = 0
    while (shared < most && text[shared] === last[shared]) shared++
    return shared
  }

  #remember(text: Uint8Array): void {
    if (text.length > this.#last.length) this.#last = new Uint8Array(2 * text.length)
    this.#last.set(text)
    this.#lastLength = text.length
  }

  #resize(length: number): void {
    const bytes = new Uint8Array(length + margin)
    bytes.set(new Uint8Array(this.bytes.buffer).subarray(0, length))
    this.bytes = new DataView(bytes.buffer)
  }

  /** Keeps nothing of this list, now and later. */
  #giveUp(): void {
    this.#forget()
    this.#resize(0)
  }

  #forget(): void {
    this.count = 0
    this.#wanted = 0
    this.shared = new Uint16Array(0)
    this.ends = new Uint32Array(0)
    this.bytes = new DataView(none.buffer)
    this.#last = none
    this.#lastLength = 0
  }
}
