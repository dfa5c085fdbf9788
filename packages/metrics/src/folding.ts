/**
 * Folding: showing several series as one where the filter took off the labels that told them apart. Gauges and
 * observed counters fold. What is recorded with an increment is redirected instead, but that would let a gauge that
 * went up here come down there, and would let one reported total overwrite another.
 *
 * Gauges show the sum of what is there now. Counters show all that was ever counted: a total that somebody no longer reports
 * was counted all the same, and a sum that fell would look like a restart, after which what the others counted counts again.
 * What a total grew by is known from one collection to the next, so each collection is taken in as it ends: it does not
 * matter which sinks read the sum, or when.
 */

import { Remembered } from './remembered.ts'
import type { NumberSeries } from './sink.ts'

/** How a table shows cells whose labels the filter took off. */
export interface Fold<C, V> {
  /** The series to show: cells that keep their labels as they are, the others in sums by what `strip` returns. */
  list(cells: readonly C[], strip: (labelValues: readonly string[]) => readonly string[]): readonly (C | V)[]
  /** Takes in what the cells listed last show now: to be called after each collection. */
  takeIn(): void
  /** Forgets the sums, because other labels are blocked now. */
  clear(): void
}

/** Makes the sum of series that differ only in labels which the filter took off. */
export type MakeSum = (labelValues: readonly string[], members: readonly NumberSeries[]) => FoldedSeries

/** Sums cells. The same labels are the same object each time, so that readers can keep state by identity. */
export class Folding<C extends NumberSeries> implements Fold<C, NumberSeries> {
  readonly #makeSum: MakeSum
  readonly #idle: Remembered<FoldedSeries>
  #shown = new Map<string, FoldedSeries>()

  /** Sums that are not shown now are remembered up to `limit`. */
  constructor(makeSum: MakeSum, limit: number) {
    this.#makeSum = makeSum
    this.#idle = new Remembered(limit)
  }

  list(
    cells: readonly C[],
    strip: (labelValues: readonly string[]) => readonly string[],
  ): readonly (C | NumberSeries)[] {
    const groups = new Map<string, { labelValues: readonly string[]; members: C[]; altered: boolean }>()
    for (const cell of cells) {
      const own = cell.labelValues
      const labelValues = strip(own)
      const key = JSON.stringify(labelValues)
      let group = groups.get(key)
      if (group === undefined) groups.set(key, (group = { labelValues, members: [], altered: false }))
      group.members.push(cell)
      if (labelValues !== own) group.altered = true
    }
    const before = this.#shown
    this.#shown = new Map()
    const listed = [...groups].map(([key, { labelValues, members, altered }]) => {
      const known = before.get(key) ?? this.#idle.take(key)
      if (!altered && known === undefined) return members[0]!
      const series = known ?? this.#makeSum(labelValues, members)
      series.setMembers(members)
      this.#shown.set(key, series)
      return series
    })
    for (const [key, series] of before) {
      if (this.#shown.has(key)) continue
      series.letGo()
      this.#idle.put(key, series)
    }
    return listed
  }

  takeIn(): void {
    for (const series of this.#shown.values()) series.takeIn()
  }

  clear(): void {
    this.#shown.clear()
    this.#idle.clear()
  }
}

/** The sum of series that differ only in labels which the filter took off. */
export abstract class FoldedSeries implements NumberSeries {
  readonly labelValues: readonly string[]
  readonly startTime: number
  abstract readonly value: number

  constructor(labelValues: readonly string[], members: readonly NumberSeries[]) {
    this.labelValues = labelValues
    this.startTime = members.reduce((least, { startTime }) => Math.min(least, startTime), Infinity)
  }

  abstract setMembers(members: readonly NumberSeries[]): void

  /** Takes in what the members show now. */
  abstract takeIn(): void

  /** Holds its value without its members, for readers that are still at it. */
  abstract letGo(): void
}

/** What gauges add up to now. */
export class FoldedGauge extends FoldedSeries {
  #members: readonly NumberSeries[] = []
  #last = 0

  get value(): number {
    return this.#members.reduce((sum, member) => sum + member.value, this.#last)
  }

  setMembers(members: readonly NumberSeries[]): void {
    this.#last = 0
    this.#members = members
  }

  /** Nothing: it is the members' sum whenever it is read. */
  takeIn(): void {}

  letGo(): void {
    this.#last = this.value
    this.#members = []
  }
}

/**
 * What counters counted that were members since the sum is there: all of it, also before they began anew and when they have
 * left. It never falls.
 */
export class FoldedCounter extends FoldedSeries {
  #members: readonly NumberSeries[] = []
  #sum = 0
  /** What each was last seen at. Who left is held by nobody but the table, which may forget it. */
  readonly #seen = new WeakMap<NumberSeries, number>()

  get value(): number {
    return this.#sum
  }

  /** Who leaves was taken in with the last collection that it was in. */
  setMembers(members: readonly NumberSeries[]): void {
    this.#members = members
    this.takeIn()
  }

  /** Adds what members grew by, and never takes anything off, not even the rounding error of another order. */
  takeIn(): void {
    for (const member of this.#members) {
      const { value } = member
      const before = this.#seen.get(member) ?? 0
      if (value === before) continue
      this.#seen.set(member, value)
      this.#sum += value > before ? value - before : value
    }
  }

  letGo(): void {
    this.#members = []
  }
}
