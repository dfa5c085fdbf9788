/**
 * Entries: one for each series, each knowing what the server was told of it. Saying something claims it, so that it is
 * said once; a packet that fails gives the claim back.
 */

import type { NumberSeries } from '../../sink.ts'
import { finite } from '../../snapshot.ts'
import type { SampleType, Spelled } from './dialects.ts'
import type { Packer, Speaker } from './packet.ts'
import { rateText, weigh, type Reservoir, type Weighted } from './reservoir.ts'

/** How the lines of a series look: one spelling, or those of count and sum. Worked out when a line is written. */
export interface Spelling {
  spelled(): readonly Spelled[]
}

/** One series, as the sink knows it. */
export interface Entry {
  /** Sets how its lines look from now on. Thousands may be told so in one turn, so nothing is spelled here. */
  spell(spelling: Spelling): void
  /** Puts what is due into packets; returns how many lines were too long for any. */
  write(packer: Packer): number
  /** Whether there is something that would be lost if the series were forgotten now. */
  due(): boolean
}

/** A number that only grows, told by its growth. */
export class CounterEntry implements Entry, Speaker {
  readonly #series: Pick<NumberSeries, 'value'>
  readonly #whole: boolean
  readonly #signed: boolean
  #head = ''
  #tail = ''
  #fixed = 0
  #told = 0
  /** Until the next line, which spells it. */
  #spelling: Spelling | undefined

  /** `whole` holds fractions back until they add up; `signed` is for sums, which may shrink. */
  constructor(series: Pick<NumberSeries, 'value'>, whole: boolean, signed: boolean) {
    this.#series = series
    this.#whole = whole
    this.#signed = signed
  }

  spell(spelling: Spelling): void {
    this.#spelling = spelling
  }

  write(packer: Packer): number {
    const growth = this.#growth()
    if (growth === 0) return 0
    if (this.#spelling !== undefined) this.#spell(this.#spelling)
    const number = String(growth)
    this.#told += growth
    const text = this.#head + number + this.#tail
    return packer.add(text, this.#fixed + number.length, 1, this, growth) ? 0 : 1
  }

  due(): boolean {
    return this.#growth() !== 0
  }

  unsaid(growth: number): void {
    this.#told -= growth
  }

  #spell(spelling: Spelling): void {
    const { head, tail } = spelling.spelled()[0]!
    this.#head = head
    this.#tail = `|c${tail}`
    this.#fixed = Buffer.byteLength(head) + Buffer.byteLength(this.#tail)
    this.#spelling = undefined
  }

  #growth(): number {
    const now = finite(this.#series.value)
    const growth = finite(now - this.#told)
    if (growth < 0 && !this.#signed) {
      // An observed total that began anew. What it lost meanwhile is unknown; what it has gained since will be told.
      this.#told = now
      return 0
    }
    return this.#whole ? Math.trunc(growth) + 0 : growth
  }
}

/** A number told as it is, in every flush: a gauge lost on the way is right again with the next. */
export class GaugeEntry implements Entry {
  readonly #series: NumberSeries
  readonly #zeroFirst: boolean
  #head = ''
  #tail = ''
  #fixed = 0
  #spelling: Spelling | undefined

  constructor(series: NumberSeries, zeroFirst: boolean) {
    this.#series = series
    this.#zeroFirst = zeroFirst
  }

  spell(spelling: Spelling): void {
    this.#spelling = spelling
  }

  write(packer: Packer): number {
    if (this.#spelling !== undefined) this.#spell(this.#spelling)
    const value = finite(this.#series.value)
    const number = String(value)
    const line = this.#head + number + this.#tail
    const bytes = this.#fixed + number.length
    if (value >= 0 || !this.#zeroFirst) return packer.add(line, bytes, 1, undefined, 0) ? 0 : 1
    const zero = `${this.#head}0${this.#tail}\n`
    return packer.add(zero + line, this.#fixed + 2 + bytes, 2, undefined, 0) ? 0 : 1
  }

  due(): boolean {
    return false
  }

  #spell(spelling: Spelling): void {
    const { head, tail } = spelling.spelled()[0]!
    this.#head = head
    this.#tail = `|g${tail}`
    this.#fixed = Buffer.byteLength(head) + Buffer.byteLength(this.#tail)
    this.#spelling = undefined
  }
}

/** What the lines of samples look like beyond their {@link Spelled}. */
export interface SampleShape {
  readonly type: SampleType
  /** What each value is multiplied by. */
  readonly factor: number
  /** Whether one line may hold several values. */
  readonly packs: boolean
}

/** Samples of a histogram. */
export class SampleEntry implements Entry {
  readonly reservoir: Reservoir
  readonly #shape: SampleShape
  #head = ''
  #tail = ''
  #spelling: Spelling | undefined

  constructor(reservoir: Reservoir, shape: SampleShape) {
    this.reservoir = reservoir
    this.#shape = shape
  }

  spell(spelling: Spelling): void {
    this.#spelling = spelling
  }

  write(packer: Packer): number {
    if (this.reservoir.seen === 0) return 0
    if (this.#spelling !== undefined) this.#spell(this.#spelling)
    let tooLong = 0
    for (const weighted of weigh(this.reservoir.take(), this.reservoir.random))
      tooLong += this.#writeGroup(packer, weighted)
    return tooLong
  }

  due(): boolean {
    return this.reservoir.seen > 0
  }

  #spell(spelling: Spelling): void {
    const { head, tail } = spelling.spelled()[0]!
    // Packed values bring their colons along.
    this.#head = head.slice(0, -1)
    this.#tail = tail
    this.#spelling = undefined
  }

  #writeGroup(packer: Packer, { values, weight }: Weighted): number {
    const { type, factor, packs } = this.#shape
    const tail = `|${type}${rateText(weight)}${this.#tail}`
    const fixed = Buffer.byteLength(this.#head) + Buffer.byteLength(tail)
    let tooLong = 0
    let begin = 0
    while (begin < values.length) {
      const room = packer.room(fixed + 32) - fixed
      let body = ''
      let end = begin
      while (end < values.length) {
        const piece = `:${finite(values[end]! * factor)}`
        if (body !== '' && (!packs || body.length + piece.length > room)) break
        body += piece
        end++
      }
      const speaker = new Said(this.reservoir, values.slice(begin, end), weight)
      if (!packer.add(this.#head + body + tail, fixed + body.length, 1, speaker, 0)) tooLong++
      begin = end
    }
    return tooLong
  }
}

/** The samples of one line, on their way. */
class Said implements Speaker {
  readonly #reservoir: Reservoir
  readonly #values: number[]
  readonly #weight: number

  constructor(reservoir: Reservoir, values: number[], weight: number) {
    this.#reservoir = reservoir
    this.#values = values
    this.#weight = weight
  }

  unsaid(): void {
    this.#reservoir.putBack({ values: this.#values, seen: this.#values.length * this.#weight })
  }
}

/** Count and sum of a histogram, as two counters. */
export class TotalsEntry implements Entry {
  readonly count: CounterEntry
  readonly sum: CounterEntry

  constructor(series: { readonly count: number; readonly sum: number }, whole: boolean) {
    const count = {
      get value() {
        return series.count
      },
    }
    const sum = {
      get value() {
        return series.sum
      },
    }
    this.count = new CounterEntry(count, whole, false)
    this.sum = new CounterEntry(sum, whole, true)
  }

  spell(spelling: Spelling): void {
    this.count.spell(spelling)
    this.sum.spell({ spelled: () => spelling.spelled().slice(1) })
  }

  write(packer: Packer): number {
    return this.count.write(packer) + this.sum.write(packer)
  }

  due(): boolean {
    return this.count.due() || this.sum.due()
  }
}
