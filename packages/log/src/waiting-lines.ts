// Lines that were accepted and are not written yet, as bytes from the moment they come: each is encoded once, into the place
// it is written from. The rest of a line goes out before any other, so that no line is torn or mixed with another.

/** Bytes of lines that are joined for one system call. */
export const CHUNK_BYTES = 65_536

/** Room for a chunk, and for a line of ordinary length behind it. */
const PAGE_BYTES = 2 * CHUNK_BYTES
/** UTF-8 has at most so many for one UTF-16 unit. */
const BYTES_A_UNIT = 3
const NEWLINE = 10

/** A stretch of memory with whole lines; the first may be partly written. */
export class Page {
  readonly bytes: Buffer
  /** What lies between these waits. */
  start = 0
  end = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
  }
}

/** A line that somebody wants to hear of if it is given up. */
interface Watched {
  /** The position of the line's end among all bytes ever added. */
  readonly end: number
  readonly failed: () => void
}

/** A queue of lines, read as bytes. The writer bounds it. */
export class WaitingLines {
  /** Bytes that wait. */
  bytes = 0
  /** Bytes of the line that was encoded last. */
  encoded = 0
  #added = 0
  /** Pages that are full, the oldest first. */
  #full: Page[] = []
  /** Where lines are added. */
  #page: Page | undefined
  /** The first line that waits is partly written. */
  #begun = false
  #watched: Watched[] = []

  /** Whether the first line that waits is partly written. */
  get begun(): boolean {
    return this.#begun
  }

  /** Encodes a line behind the end of the page that it returns; it waits once it is accepted, and not before. */
  encode(line: string): Page {
    const room = line.length * BYTES_A_UNIT
    let page = this.#page
    if (page === undefined || page.bytes.length - page.end < room) page = this.#newPage(page, room)
    this.encoded = page.bytes.write(line, page.end)
    return page
  }

  /** Adds the line that was encoded last. `failed` is called if it is given up; a line without counts for `giveUp`. */
  accept(failed?: () => void): void {
    const size = this.encoded
    if (this.#page !== undefined) this.#page.end += size
    this.bytes += size
    this.#added += size
    if (failed !== undefined) this.#watched.push({ end: this.#added, failed })
  }

  /** The page to write next, with at least one byte that waits; `undefined` when nothing does. */
  head(): Page | undefined {
    return this.#full[0] ?? (this.bytes > 0 ? this.#page : undefined)
  }

  /** Says that the first `count` bytes of the head are written. */
  took(count: number): void {
    const page = this.head()
    if (page === undefined) return
    page.start += count
    this.#begun = page.bytes[page.start - 1] !== NEWLINE
    this.bytes -= count
    const taken = this.#added - this.bytes
    while (this.#watched[0] !== undefined && this.#watched[0].end <= taken) this.#watched.shift()
    if (page.start < page.end) return
    if (page !== this.#page) this.#full.shift()
    else if (page.bytes.length > PAGE_BYTES) this.#page = undefined
    page.start = 0
    page.end = 0
  }

  /** Gives up the rest of a line that is partly written. Returns how many lines without a `failed` that were. */
  giveUpBegun(): number {
    const page = this.head()
    if (!this.#begun || page === undefined) return 0
    const size = page.bytes.indexOf(NEWLINE, page.start) + 1 - page.start
    const watched = this.#watched[0]
    const isWatched = watched?.end === this.#added - this.bytes + size
    this.took(size)
    if (isWatched) watched?.failed()
    return isWatched ? 0 : 1
  }

  /** Gives up everything. Returns how many lines without a `failed` that were. */
  giveUp(): number {
    const watched = this.#watched
    const pages = this.#page === undefined ? this.#full : [...this.#full, this.#page]
    const lines = pages.reduce((sum, page) => sum + countLines(page), 0)
    this.#full = []
    if (this.#page !== undefined) {
      this.#page.start = 0
      this.#page.end = 0
    }
    this.#begun = false
    this.#watched = []
    this.bytes = 0
    for (const { failed } of watched) failed()
    return lines - watched.length
  }

  /** A page with so much room, behind the one there is. */
  #newPage(page: Page | undefined, room: number): Page {
    if (page !== undefined && page.end > page.start) this.#full.push(page)
    const made = new Page(Math.max(room, PAGE_BYTES))
    this.#page = made
    return made
  }
}

/** Every line ends with its only line break. */
function countLines({ bytes, start, end }: Page): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE, start); at !== -1 && at < end; at = bytes.indexOf(NEWLINE, at + 1)) {
    count += 1
  }
  return count
}
