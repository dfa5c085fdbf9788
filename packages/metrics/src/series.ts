/**
 * The series of one instrument: finding the cell of a set of labels, creating it within the budget, and saying
 * which series are to be reported.
 */

import type { Cell } from './cell.ts'
import type { Drops } from './drops.ts'
import { countKeys, LabelIndex, type LabelBag } from './label-index.ts'
import { canonicalLabelValue, overflowLabelValue } from './labels.ts'

/** The series that a set of instruments may have together. */
export interface Budget {
  used: number
  readonly max: number
}

/** Counts changes of anything that a reader may have cached a list of. */
export interface Changes {
  count: number
}

/** How one instrument's table makes and limits its cells. */
export interface TableOptions<C, V> {
  readonly labelNames: readonly string[]
  readonly maxSeries: number
  readonly budget: Budget
  readonly changes: Changes
  readonly drops: Drops
  make(labelValues: readonly string[]): C
  /**
   * Shows several series as one where a blocked label made them equal. Kinds without it redirect recordings
   * instead, which would let a gauge that went up here come down there.
   */
  readonly fold?: (labelValues: readonly string[], members: readonly C[]) => V
  /** Only series reported in the latest collection are shown; others make room when the budget is used up. */
  readonly observed: boolean
}

/** Finds, creates and lists the cells of one instrument; `V` is what folded series look like. */
export class SeriesTable<C extends Cell<C>, V = never> {
  labelNames: readonly string[]
  readonly #options: TableOptions<C, V>
  readonly #void: C
  private index: LabelIndex<C>
  #cells: C[] = []
  #overflow: C | undefined
  #visible: readonly (C | V)[] | undefined
  #shown: ReadonlySet<C> = new Set()
  #reported = new Set<C>()
  #blockedLabels: ReadonlySet<string> = new Set()
  #voided = false

  constructor(options: TableOptions<C, V>) {
    this.labelNames = options.labelNames
    this.index = new LabelIndex(options.labelNames)
    this.#options = options
    this.#void = options.make([])
  }

  /** The cell of `labels`, created if need be; undefined when they do not fit. Never throws. */
  find(labels: LabelBag): C | undefined {
    try {
      return this.index.get(labels) ?? this.#findSlowly(labels, false)
    } catch {
      return undefined
    }
  }

  /** Like {@link find}, but labels that are missing count as absent (''). Always takes the slow way. */
  findLoosely(labels: LabelBag): C | undefined {
    try {
      return this.#findSlowly(labels, true)
    } catch {
      return undefined
    }
  }

  /** Adds label names; the series that exist do not have these labels. */
  extend(names: readonly string[]): void {
    this.labelNames = [...this.labelNames, ...names]
    for (const cell of this.#cells) {
      const filler = names.map(() => (cell === this.#overflow ? overflowLabelValue : ''))
      cell.labelValues = [...cell.labelValues, ...filler]
    }
    this.#reindex()
  }

  /** The cell of an instrument without labels. Costs nothing of the budget: there is one, and code declared it. */
  pin(): C {
    return this.index.find([]) ?? this.#add([])
  }

  /** The series to report. */
  visible(): readonly (C | V)[] {
    return (this.#visible ??= this.#list())
  }

  /** Every cell, reported or not. */
  cells(): readonly C[] {
    return this.#cells
  }

  /** Starts a collection: the cells found until {@link endCollection} are the ones it reported. */
  beginCollection(): void {
    this.#reported = new Set()
  }

  /** The cell of a label set that the running collection reports; undefined when the labels do not fit. */
  report(labels: LabelBag): C | undefined {
    const cell = this.find(labels)
    if (cell !== undefined) this.#reported.add(cell)
    return cell
  }

  /** Ends a collection: exactly the reported series are shown from now on. */
  endCollection(): void {
    const before = this.#shown
    const now = this.#reported
    this.#shown = now
    if (before.size !== now.size || ![...now].every((cell) => before.has(cell))) this.#changed()
  }

  /** Sends all recordings into the void, or lets them count again. */
  setVoided(voided: boolean): void {
    this.#voided = voided
    this.#aimAll()
  }

  /** Takes these labels off all series, or gives them back. */
  setBlockedLabels(labels: ReadonlySet<string>): void {
    this.#blockedLabels = new Set(this.labelNames.filter((name) => labels.has(name)))
    this.#aimAll()
    this.#changed()
  }

  #findSlowly(labels: LabelBag, loosely: boolean): C | undefined {
    if (typeof labels !== 'object' || labels === null) return undefined
    if (!loosely && countKeys(labels) !== this.labelNames.length) return undefined
    const values: string[] = []
    for (const name of this.labelNames) {
      const raw = loosely && !Object.hasOwn(labels, name) ? '' : labels[name]
      const value = canonicalLabelValue(raw, this.#options.drops)
      if (value === undefined) return undefined
      values.push(value)
    }
    const known = this.index.find(values)
    if (known !== undefined) {
      this.index.alias(values, labels)
      return known
    }
    // Whoever sends the very values of the overflow series gets that series, not a twin of it.
    if (!this.#options.observed && isOverflow(values)) return this.#overflowCell()
    if (this.#options.fold === undefined && this.#isBlocked(values))
      return this.#resolve(this.#stripped(values))
    const cell = this.#resolve(values)
    if (this.index.find(values) === cell) this.index.alias(values, labels)
    return cell
  }

  #resolve(values: readonly string[]): C {
    const known = this.index.find(values)
    if (known !== undefined) return known
    const { budget, drops, observed, maxSeries } = this.#options
    if (this.#cells.length >= maxSeries || budget.used >= budget.max) {
      if (observed) this.#evictUnreported()
      if (this.#cells.length >= maxSeries || budget.used >= budget.max) {
        drops.count('overflow')
        return observed ? this.#void : this.#overflowCell()
      }
    }
    budget.used++
    return this.#add(values)
  }

  #overflowCell(): C {
    return (this.#overflow ??= this.#add(this.labelNames.map(() => overflowLabelValue)))
  }

  #add(values: readonly string[]): C {
    const cell = this.#options.make(values)
    this.index.add(cell)
    this.#cells.push(cell)
    this.#aim(cell)
    this.#changed()
    return cell
  }

  #reindex(): void {
    this.index = new LabelIndex(this.labelNames, this.#cells)
    this.#changed()
  }

  #evictUnreported(): void {
    const kept = this.#cells.filter((cell) => this.#reported.has(cell))
    if (kept.length === this.#cells.length) return
    this.#options.budget.used -= this.#cells.length - kept.length
    this.#cells = kept
    this.#reindex()
  }

  #changed(): void {
    this.#visible = undefined
    this.#options.changes.count++
  }

  #aimAll(): void {
    // Aiming may create the series that others are redirected to, which is itself already aimed.
    for (const cell of this.#cells.slice()) this.#aim(cell)
  }

  #aim(cell: C): void {
    if (this.#voided) cell.target = this.#void
    else if (this.#options.fold !== undefined || !this.#isBlocked(cell.labelValues)) cell.target = cell
    else cell.target = this.#resolve(this.#stripped(cell.labelValues))
  }

  #isBlocked(values: readonly string[]): boolean {
    if (this.#blockedLabels.size === 0 || isOverflow(values)) return false
    return values.some((value, i) => value !== '' && this.#blockedLabels.has(this.labelNames[i]!))
  }

  #stripped(values: readonly string[]): readonly string[] {
    return values.map((value, i) => (this.#blockedLabels.has(this.labelNames[i]!) ? '' : value))
  }

  #list(): readonly (C | V)[] {
    const cells = this.#options.observed
      ? this.#cells.filter((cell) => this.#shown.has(cell))
      : this.#cells.slice()
    if (this.#blockedLabels.size === 0) return cells
    const fold = this.#options.fold
    if (fold === undefined) return cells.filter((cell) => !this.#isBlocked(cell.labelValues))
    const groups = new Map<string, C[]>()
    for (const cell of cells) {
      const values = cell.labelValues
      const key = JSON.stringify(this.#isBlocked(values) ? this.#stripped(values) : values)
      const members = groups.get(key)
      if (members === undefined) groups.set(key, [cell])
      else members.push(cell)
    }
    return [...groups].map(([key, members]) =>
      members.length === 1 && !this.#isBlocked(members[0]!.labelValues)
        ? members[0]!
        : fold(JSON.parse(key) as string[], members),
    )
  }
}

function isOverflow(values: readonly string[]): boolean {
  return values.length > 0 && values.every((value) => value === overflowLabelValue)
}
