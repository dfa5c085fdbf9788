// Lines that were accepted and are not written yet. They are kept as bytes from the moment a system call may take
// only a part of them: the rest of a line goes out before any other, so that no line is torn or mixed with another.

/** UTF-16 units of lines that are joined for one system call. */
export const CHUNK_UNITS = 65_536

const NEWLINE = 10
const EMPTY = Buffer.alloc(0)

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
  #added = 0
  #head: Buffer = EMPTY
  /** The head starts within a line, whose beginning is out. */
  #begun = false
  #chunks: string[] = []
  #last = ''
  #watched: Watched[] = []

  /** Whether the first line that waits is partly written. */
  get begun(): boolean {
    return this.#begun
  }

  /** Adds a line of `size` bytes. `failed` is called if it is given up; a line without counts for `giveUp`. */
  push(line: string, size: number, failed?: () => void): void {
    this.#last += line
    this.bytes += size
    this.#added += size
    if (failed !== undefined) this.#watched.push({ end: this.#added, failed })
    if (this.#last.length < CHUNK_UNITS) return
    this.#chunks.push(this.#last)
    this.#last = ''
  }

  /** The bytes to write next, at least one; `undefined` when nothing waits. */
  head(): Buffer | undefined {
    if (this.#head.length > 0) return this.#head
    let next = this.#chunks.shift()
    if (next === undefined) {
      next = this.#last
      this.#last = ''
    }
    if (next === '') return undefined
    this.#head = Buffer.from(next)
    return this.#head
  }

  /** Says that the first `count` bytes of the head are written. */
  took(count: number): void {
    this.#begun = this.#head[count - 1] !== NEWLINE
    this.#head = this.#head.subarray(count)
    this.bytes -= count
    const taken = this.#added - this.bytes
    while (this.#watched[0] !== undefined && this.#watched[0].end <= taken) this.#watched.shift()
  }

  /** Gives up the rest of a line that is partly written. Returns how many lines without a `failed` that were. */
  giveUpBegun(): number {
    if (!this.#begun) return 0
    const size = this.#head.indexOf(NEWLINE) + 1
    const watched = this.#watched[0]
    const isWatched = watched?.end === this.#added - this.bytes + size
    this.took(size)
    if (isWatched) watched?.failed()
    return isWatched ? 0 : 1
  }

  /** Gives up everything. Returns how many lines without a `failed` that were. */
  giveUp(): number {
    const watched = this.#watched
    const lines =
      countLines(this.#head.toString('latin1')) + countLines([...this.#chunks, this.#last].join(''))
    this.#head = EMPTY
    this.#begun = false
    this.#chunks = []
    this.#last = ''
    this.#watched = []
    this.bytes = 0
    for (const { failed } of watched) failed()
    return lines - watched.length
  }
}

/** Every line ends with its only line break. */
function countLines(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) count += 1
  return count
}
