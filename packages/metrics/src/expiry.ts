/**
 * Series that nobody records into any more, for instruments with a `ttlMs`. A sweep takes them off every report and
 * out of the budget. Who kept a handle may record through it still: the series then comes back as it was, so no count
 * is lost, and two handles of one label set never mean two series.
 */

import { clock } from '@kit/context'
import type { Cell } from './cell.ts'

/** What was known of a cell when it was last looked at. */
interface Activity {
  mark: number
  at: number
}

interface Expired<C extends object> {
  readonly cell: WeakRef<C>
  readonly mark: number
}

/** Watches the cells of one instrument. */
export class Expiry<C extends Cell<C>> {
  readonly #ttlMs: number
  readonly #active = new Map<C, Activity>()
  /** By label values. Weak: what nobody can record into need not come back. */
  #expired = new Map<string, Expired<C>>()

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs
  }

  /** Watches a cell from now on, as one that was just recorded into. */
  watch(cell: C): void {
    this.#active.set(cell, { mark: cell.mark(), at: clock.now() })
  }

  /** The cells whose time is over, but for those that stay; they are watched no more. */
  sweep(stays: (cell: C) => boolean): readonly C[] {
    const now = clock.now()
    const over: C[] = []
    for (const [cell, activity] of this.#active) {
      const mark = cell.mark()
      if (mark !== activity.mark) {
        activity.mark = mark
        activity.at = now
      } else if (now - activity.at >= this.#ttlMs && !stays(cell)) {
        this.#active.delete(cell)
        this.#expired.set(keyOf(cell), { cell: new WeakRef(cell), mark })
        over.push(cell)
      }
    }
    return over
  }

  /** The expired cells that were recorded into since; they are expired no more. */
  revived(): readonly C[] {
    const found: C[] = []
    for (const [key, { cell: reference, mark }] of this.#expired) {
      const cell = reference.deref()
      if (cell === undefined || cell.mark() !== mark) this.#expired.delete(key)
      if (cell !== undefined && cell.mark() !== mark) found.push(cell)
    }
    return found
  }

  /** The expired cell of a label set, if somebody may still hold it; it is expired no more. */
  take(labelValues: readonly string[]): C | undefined {
    if (this.#expired.size === 0) return undefined
    const key = JSON.stringify(labelValues)
    const cell = this.#expired.get(key)?.cell.deref()
    this.#expired.delete(key)
    return cell
  }

  /** Finds the expired cells by other label values from now on: those which they have after `relabel`. */
  relabel(relabel: (cell: C) => void): void {
    const renamed = new Map<string, Expired<C>>()
    for (const expired of this.#expired.values()) {
      const cell = expired.cell.deref()
      if (cell === undefined) continue
      relabel(cell)
      renamed.set(keyOf(cell), expired)
    }
    this.#expired = renamed
  }

  /** Every expired cell that somebody may still hold. */
  expired(): readonly C[] {
    return [...this.#expired.values()].flatMap(({ cell }) => cell.deref() ?? [])
  }
}

function keyOf<C extends Cell<C>>(cell: C): string {
  return JSON.stringify(cell.labelValues)
}
