// The text of a moment. Lines come in the order of time, so all but the milliseconds is made once a second.

/** Spells moments the way `spell` spells their second, with the three digits of the milliseconds behind it. */
export class TimeText {
  readonly #spell: (second: number) => string
  #second = Number.NaN
  #secondText = ''
  #ms = Number.NaN
  #text = ''

  /** `spell` is given a whole second since the Unix epoch. */
  constructor(spell: (second: number) => string) {
    this.#spell = spell
  }

  /** The text of a moment in milliseconds since the Unix epoch; what is less than one is cut off. */
  of(timeMs: number): string {
    if (timeMs === this.#ms) return this.#text
    const second = Math.floor(timeMs / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#secondText = this.#spell(second)
    }
    this.#ms = timeMs
    this.#text = this.#secondText + (thousandths[Math.floor(timeMs) - second * 1000] ?? '000')
    return this.#text
  }
}

const thousandths: readonly string[] = Array.from({ length: 1000 }, (_, ms) => String(ms).padStart(3, '0'))
