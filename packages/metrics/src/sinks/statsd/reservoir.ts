/**
 * The raw samples of one histogram series since they were last sent: all of them while they are few, a uniform choice
 * (Vitter's algorithm R) when they are many. How many there were is never forgotten.
 */

import type { Tap } from '../../sink.ts'

/** What was kept of what was seen. `seen` is at least the number of values. */
export interface Sample {
  readonly values: number[]
  readonly seen: number
}

/** Keeps at most `size` samples: 8 bytes each, allocated as they come. */
export class Reservoir implements Tap {
  readonly #size: number
  readonly random: () => number
  readonly #onNegative: (() => void) | undefined
  #values: number[] = []
  #seen = 0

  /** `onNegative` is told of a negative sample, which is then not kept; without it they are like all others. */
  constructor(size: number, random: () => number, onNegative: (() => void) | undefined) {
    this.#size = size
    this.random = random
    this.#onNegative = onNegative
  }

  observe(value: number): void {
    if (value < 0 && this.#onNegative !== undefined) {
      this.#onNegative()
      return
    }
    const seen = ++this.#seen
    if (this.#values.length < this.#size) {
      this.#values.push(value)
      return
    }
    const slot = Math.floor(this.random() * seen)
    if (slot < this.#size) this.#values[slot] = value
  }

  /** How many samples are due. */
  get seen(): number {
    return this.#seen
  }

  /** Hands everything over and begins anew. */
  take(): Sample {
    const sample = { values: this.#values, seen: this.#seen }
    this.#values = []
    this.#seen = 0
    return sample
  }

  /** Takes back what could not be sent. Where both do not fit, each side keeps values in proportion to what it saw. */
  putBack(sample: Sample): void {
    const ours = this.#values
    const theirs = sample.values
    this.#values = ours.length + theirs.length <= this.#size ? [...ours, ...theirs] : this.#merge(sample)
    this.#seen += sample.seen
  }

  #merge(sample: Sample): number[] {
    const one = { values: this.#values, left: this.#seen }
    const other = { values: sample.values.slice(), left: sample.seen }
    const merged: number[] = []
    while (merged.length < this.#size) {
      const first = this.random() * (one.left + other.left) < one.left
      const side = (first && one.values.length > 0) || other.values.length === 0 ? one : other
      const index = Math.floor(this.random() * side.values.length)
      merged.push(side.values[index]!)
      side.values[index] = side.values.at(-1)!
      side.values.pop()
      side.left--
    }
    return merged
  }
}

/** Values that stand for `weight` samples each. */
export interface Weighted {
  readonly values: number[]
  readonly weight: number
}

/**
 * A sample as groups of whole weights, which add up to what was seen. One rate for all, kept / seen, would be as
 * honest, but the Datadog Agent and Telegraf count `int(1 / rate)` for each value, and lose up to half.
 */
export function weigh({ values, seen }: Sample, random: () => number): readonly Weighted[] {
  const weight = Math.floor(seen / values.length)
  const heavier = seen - weight * values.length
  if (heavier === 0) return [{ values, weight }]
  // Early samples sit in early slots, so where the heavier ones begin is left to chance.
  const start = Math.floor(random() * values.length)
  const turned = [...values.slice(start), ...values.slice(0, start)]
  return [
    { values: turned.slice(heavier), weight },
    { values: turned.slice(0, heavier), weight: weight + 1 },
  ]
}

/** The sample rate for a weight, with its mark; '' for a weight of one. Servers read no exponent here. */
export function rateText(weight: number): string {
  if (weight === 1) return ''
  let rate = 1 / weight
  // Rounded the wrong way, the server would find one less than the weight when it cuts the fraction off.
  while (1 / rate < weight) rate *= 1 - Number.EPSILON
  const text = String(rate)
  if (!text.includes('e')) return `|@${text}`
  const [digits = '', exponent] = rate.toExponential(16).split('e-')
  return `|@0.${'0'.repeat(Number(exponent) - 1)}${digits.replace('.', '')}`
}
