/**
 * A series of a gauge, or of an observed counter, that workers have a share in. The cell goes on taking what this
 * thread records, and shows it combined with what the workers said. For that the one cell becomes a view: its value,
 * and what its recordings go to, are fields no longer but this object's. All other cells stay as fast as they were.
 */

import type { CounterCell, GaugeCell } from '../cell.ts'
import type { GaugeRule } from './gauge-rule.ts'

/** How values become one. */
export type Combination = Exclude<GaugeRule, 'worker'>

/** A cell that holds one number. */
export type NumberCell = CounterCell | GaugeCell

const shared = new WeakMap<NumberCell, SharedCell>()

/** The shared view of a cell, made if need be. `hasOwn` tells whether this thread has a value in it. */
export function shareCell(cell: NumberCell, combination: Combination, hasOwn: boolean): SharedCell {
  let found = shared.get(cell)
  if (found === undefined) {
    found = new SharedCell()
    found.takeOver(cell, hasOwn)
  }
  found.combination = combination
  return found
}

/** Whether somebody recorded into a gauge. */
export function isRecorded(cell: GaugeCell): boolean {
  return cell.touched || cell.marks > 0
}

interface Value {
  readonly value: number
  /** Orders the values by the time they changed. */
  readonly order: number
}

let changes = 0

/** The values of one series, here and in the workers. */
export class SharedCell {
  combination: Combination = 'sum'
  readonly #shares = new Map<object, Value>()
  readonly #own = new OwnValue()
  /** What counters of workers added up to, if there are any; it stays when they are gone. */
  #added: number | undefined

  /** Makes a cell a view of this. An observed series that vanished may come back as another cell. */
  takeOver(cell: NumberCell, hasOwn: boolean): void {
    if (shared.get(cell) === this) return
    shared.set(cell, this)
    const own = this.#own
    if (hasOwn) own.value = cell.value
    let aim: object = cell.target
    Object.defineProperties(cell, {
      value: {
        get: () => this.value,
        set: (value: number) => {
          own.value = value
        },
      },
      // A cell that aims at itself aims here; a filter or the end may aim it elsewhere.
      target: {
        get: () => (aim === cell ? own : aim),
        set: (target: object) => {
          aim = target
        },
      },
    })
    if (!('touched' in cell)) return
    Object.defineProperty(cell, 'touched', {
      get: () => own.touched,
      set: (touched: boolean) => {
        own.touched = touched
      },
    })
  }

  /** What a worker says that its value is. */
  set(share: object, value: number): void {
    if (this.#shares.get(share)?.value !== value) this.#shares.set(share, { value, order: ++changes })
    // So that it counts as recorded where series expire.
    this.#own.touched = true
  }

  /** What a worker said counts no more. */
  delete(share: object): void {
    this.#shares.delete(share)
  }

  /** Adds what a counter of some worker grew by. */
  add(amount: number): void {
    this.#added = (this.#added ?? 0) + amount
  }

  /** Whether workers have something to say here. */
  get isShared(): boolean {
    return this.#shares.size > 0 || this.#added !== undefined
  }

  /**
   * Within a collection, after this thread's observables: what is written until {@link endReport} is there to show
   * the series, and no value of this thread's.
   */
  beginReport(): void {
    this.#own.endCollection()
    this.#own.ignores = true
  }

  endReport(): void {
    this.#own.ignores = false
  }

  /** All values as one. */
  get value(): number {
    const values = [...this.#shares.values()]
    if (this.#own.exists) values.push(this.#own)
    return combine(this.combination, values) + (this.#added ?? 0)
  }
}

/** What this thread itself records or reports. */
class OwnValue implements Value {
  touched = false
  ignores = false
  order = 0
  #value = 0
  #reported = false
  #reportedBefore = false

  get exists(): boolean {
    return this.#reported || this.#reportedBefore
  }

  get value(): number {
    return this.#value
  }

  set value(value: number) {
    if (this.ignores) return
    this.#value = value
    this.#reported = true
    this.order = ++changes
  }

  /** What an observable does not report again is no value any more. */
  endCollection(): void {
    this.#reportedBefore = this.#reported
    this.#reported = false
  }
}

function combine(combination: Combination, values: readonly Value[]): number {
  if (values.length === 0) return 0
  const numbers = values.map(({ value }) => value)
  if (combination === 'sum') return numbers.reduce((sum, value) => sum + value)
  if (combination === 'max') return numbers.reduce((most, value) => Math.max(most, value))
  if (combination === 'min') return numbers.reduce((least, value) => Math.min(least, value))
  return values.reduce((last, next) => (next.order > last.order ? next : last)).value
}
