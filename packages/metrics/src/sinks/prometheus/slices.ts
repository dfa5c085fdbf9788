/**
 * A long text in the making: encoded slice by slice, each in a turn of the event loop of its own.
 */

/** A slice ends when it has so many characters: some 100 microseconds of work. */
const sliceLength = 65_536

/** Collects text, and gives way to other work between slices. */
export class Slices {
  readonly #done: Uint8Array[] = []
  #text = ''

  /** Whether it is time for {@link next}. */
  get isFull(): boolean {
    return this.#text.length >= sliceLength
  }

  add(text: string): void {
    this.#text += text
  }

  /** Ends the slice, and continues in another turn. */
  next(): Promise<void> {
    this.#encode()
    return nextTurn()
  }

  /** All slices, as UTF-8. */
  end(): readonly Uint8Array[] {
    if (this.#text !== '' || this.#done.length === 0) this.#encode()
    return this.#done
  }

  #encode(): void {
    // Outside of the heap at once, so that a long page costs the garbage collector next to nothing.
    this.#done.push(Buffer.from(this.#text))
    this.#text = ''
  }
}

/** Lets everything else that is due run first. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
