/**
 * The series of one instrument: finding the cell of a set of labels, creating it within the budget, and saying
 * which series are to be reported.
 */

import type { Cell } from './cell.ts'
import { Expiry } from './expiry.ts'
import { countKeys, LabelIndex, type LabelBag } from './label-index.ts'
import { canonicalLabelValue, overflowLabelValue, ownText } from './labels.ts'
import { Remembered } from './remembered.ts'
import type { TableOptions } from './table-options.ts'

/**
 * How many series of an observable are remembered after they made room for others, or as many as it may have if
 * that is more. One that returns is the same object then, and sinks that report differences go on from it.
 */
export const maxRemembered = 4096

/**
 * Fewer series are put in order whenever one is new. Of more, the new ones stand at the end of the list until they are a
 * sixteenth of it: to put 100,000 in order takes as long as everything else that a scrape does in one turn.
 */
const manySeries = 4096
const latecomers = 1 / 16

/** Finds, creates and lists the cells of one instrument; `V` is what folded series look like. */
export class SeriesTable<C extends Cell<C>, V = never> {
  labelNames: readonly string[]
  readonly #options: TableOptions<C, V>
  readonly #void: C
  readonly #evicted: Remembered<C>
  private index: LabelIndex<C>
  #cells: C[] = []
  #overflow: C | undefined
  #pinned: C | undefined
  /** Those that code declared: they cost nothing of the budget, and stay. */
  readonly #declared = new Set<C>()
  readonly #expiry: Expiry<C> | undefined
  /** How many cells count against the budget. */
  #counted = 0
  #visible: readonly (C | V)[] | undefined
  /** All cells as they were last listed, of which so many are in order. */
  #listed: readonly C[] = []
  #inOrder = 0
  #shown: ReadonlySet<C> = new Set()
  #reported = new Set<C>()
  #blockedLabels: ReadonlySet<string> = new Set()
  /** Whether recordings go nowhere. */
  voided = false

  constructor(options: TableOptions<C, V>) {
    this.labelNames = options.labelNames
    this.index = new LabelIndex(options.labelNames)
    this.#options = options
    this.#void = options.make([])
    this.#evicted = new Remembered(Math.max(maxRemembered, options.maxSeries))
    this.#expiry = options.ttlMs < Infinity && !options.observed ? new Expiry(options.ttlMs) : undefined
  }

  /** The cell of `labels`, created if need be; undefined when they do not fit. Never throws. */
  find(labels: LabelBag): C | undefined {
    try {
      return this.index.get(labels) ?? this.#findSlowly(labels, this.#options.open)
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

  /** Adds label names; the series that exist do not have these labels. The names come last: a full stack may interrupt this. */
  extend(names: readonly string[]): void {
    const all = [...this.labelNames, ...names]
    const widen = (cell: C): void => {
      const filler = cell === this.#overflow ? overflowLabelValue : ''
      cell.labelValues = all.map((_name, i) => cell.labelValues[i] ?? filler)
    }
    for (const cell of this.#cells) widen(cell)
    this.#expiry?.relabel(widen)
    this.index = new LabelIndex(all, this.#cells)
    this.labelNames = all
    this.#inOrder = 0
    this.#changed()
  }

  /** The cell of an instrument without labels. Costs nothing of the budget: there is one, and code declared it. */
  pin(): C {
    return (this.#pinned ??= this.#add([]))
  }

  /** Makes a series that is there from the start and stays; false when the labels do not fit. Costs no budget. */
  declare(labels: LabelBag): boolean {
    const values = this.#read(labels, this.#options.open)
    if (values === undefined || values.length === 0) return false
    const cell = this.index.find(values) ?? this.#add(values)
    this.#declared.add(cell)
    this.#recount()
    return true
  }

  /** Takes off what nobody recorded into for the `ttlMs` of the instrument. */
  sweep(): void {
    if (this.#expiry === undefined) return
    this.revive()
    const over = new Set(this.#expiry.sweep((cell) => this.#stays(cell)))
    if (over.size === 0) return
    this.#cells = this.#cells.filter((cell) => !over.has(cell))
    this.#recount()
    this.#reindex()
  }

  /** Shows expired series again that were recorded into through a handle. */
  revive(): void {
    for (const cell of this.#expiry?.revived() ?? []) {
      this.#put(cell)
      this.#recount()
    }
  }

  /** The series to report, those that share their first labels next to each other; of many, the newest come last. */
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
    if (cell !== undefined && cell !== this.#void) this.#reported.add(cell)
    return cell
  }

  /** Ends a collection: exactly the reported series are shown from now on. */
  endCollection(): void {
    const before = this.#shown
    const now = this.#reported
    this.#shown = now
    if (before.size !== now.size || ![...now].every((cell) => before.has(cell))) this.#changed()
    this.#takeIn()
  }

  /** Lets all series go that the latest collection did not report, or has not yet if it is still running. */
  evictUnreported(): void {
    if (this.#reported.size === this.#cells.length) return
    const before = this.#cells
    this.#cells = before.filter((cell) => this.#reported.has(cell))
    for (const cell of before) {
      if (!this.#reported.has(cell)) this.#evicted.put(JSON.stringify(cell.labelValues), cell)
    }
    this.#recount()
    this.#reindex()
  }

  /** Sends all recordings into the void, or lets them count again. */
  setVoided(voided: boolean): void {
    this.voided = voided
    this.#aimAll()
  }

  /** Takes these labels off all series, or gives them back. */
  setBlockedLabels(labels: ReadonlySet<string>): void {
    const blocked = new Set(this.labelNames.filter((name) => labels.has(name)))
    const before = this.#blockedLabels
    if (blocked.size === before.size && [...blocked].every((name) => before.has(name))) return
    this.#blockedLabels = blocked
    this.#options.fold?.clear()
    this.#recount()
    this.#aimAll()
    this.#changed()
    this.#takeIn()
  }

  #findSlowly(labels: LabelBag, loosely: boolean): C | undefined {
    const values = this.#read(labels, loosely)
    if (values === undefined) return undefined
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

  /** The canonical values of all labels; undefined when they do not fit. */
  #read(labels: LabelBag, loosely: boolean): string[] | undefined {
    if (typeof labels !== 'object' || labels === null) return undefined
    if (!loosely && countKeys(labels) !== this.labelNames.length) return undefined
    if (loosely && this.#options.open && this.#hasStrangers(labels)) return undefined
    const values: string[] = []
    for (const name of this.labelNames) {
      const raw = loosely && !Object.hasOwn(labels, name) ? '' : labels[name]
      const value = canonicalLabelValue(raw, this.#options.drops)
      if (value === undefined) return undefined
      values.push(value)
    }
    return values
  }

  #hasStrangers(labels: LabelBag): boolean {
    const known = this.labelNames.filter((name) => Object.hasOwn(labels, name))
    return countKeys(labels) !== known.length
  }

  #resolve(values: readonly string[]): C {
    const known = this.index.find(values)
    if (known !== undefined) return known
    if (!this.#hasRoom()) this.#makeRoom()
    if (!this.#hasRoom()) {
      this.#options.drops.count('overflow')
      return this.#options.observed ? this.#void : this.#overflowCell()
    }
    this.#options.budget.used++
    this.#counted++
    return this.#add(values)
  }

  #hasRoom(): boolean {
    const { budget, maxSeries } = this.#options
    return this.#counted < maxSeries && budget.used < budget.max
  }

  #makeRoom(): void {
    const { budget, observed } = this.#options
    if (observed) this.evictUnreported()
    if (budget.used >= budget.max) budget.reclaim()
  }

  #overflowCell(): C {
    return (this.#overflow ??= this.#add(this.labelNames.map(() => overflowLabelValue)))
  }

  #add(values: readonly string[]): C {
    const returning = this.#options.observed
      ? this.#evicted.take(JSON.stringify(values))
      : this.#expiry?.take(values)
    return this.#put(returning ?? this.#options.make(values.map(ownText)))
  }

  #put(cell: C): C {
    this.index.add(cell)
    this.#cells.push(cell)
    this.#expiry?.watch(cell)
    this.#aim(cell)
    this.#changed()
    return cell
  }

  #reindex(): void {
    this.index = new LabelIndex(this.labelNames, this.#cells)
    this.#listed = []
    this.#inOrder = 0
    this.#changed()
  }

  /**
   * Counts the cells anew. Those that a blocked label hides do not count, or they would leave no room for the
   * series that take their place.
   */
  #recount(): void {
    const counted = this.#cells.filter((cell) => this.#counts(cell)).length
    this.#options.budget.used += counted - this.#counted
    this.#counted = counted
  }

  #counts(cell: C): boolean {
    if (this.#stays(cell)) return false
    return this.#options.fold !== undefined || !this.#isBlocked(cell.labelValues)
  }

  #stays(cell: C): boolean {
    return cell === this.#overflow || cell === this.#pinned || this.#declared.has(cell)
  }

  #changed(): void {
    this.#visible = undefined
    this.#options.changes.count++
  }

  /** Lets the sums go on from what there is now. */
  #takeIn(): void {
    const { fold, observed } = this.#options
    if (fold === undefined || !observed || this.#blockedLabels.size === 0) return
    this.visible()
    fold.takeIn()
  }

  #aimAll(): void {
    // Aiming may create the series that others are redirected to, which is itself already aimed.
    for (const cell of this.#cells.slice()) this.#aim(cell)
    for (const cell of this.#expiry?.expired() ?? []) this.#aim(cell)
  }

  #aim(cell: C): void {
    if (this.voided) cell.target = this.#void
    else if (this.#options.fold !== undefined || !this.#isBlocked(cell.labelValues)) cell.target = cell
    else cell.target = this.#resolve(this.#stripped(cell.labelValues))
  }

  #isBlocked(values: readonly string[]): boolean {
    if (this.#blockedLabels.size === 0 || (!this.#options.observed && isOverflow(values))) return false
    return values.some((value, i) => value !== '' && this.#blockedLabels.has(this.labelNames[i]!))
  }

  #stripped(values: readonly string[]): readonly string[] {
    return values.map((value, i) => (this.#blockedLabels.has(this.labelNames[i]!) ? '' : value))
  }

  #list(): readonly (C | V)[] {
    const all = this.#all()
    const cells = this.#options.observed ? all.filter((cell) => this.#shown.has(cell)) : all
    if (this.#blockedLabels.size === 0) return cells
    const { fold } = this.#options
    if (fold === undefined) return cells.filter((cell) => !this.#isBlocked(cell.labelValues))
    return fold.list(cells, (values) => (this.#isBlocked(values) ? this.#stripped(values) : values))
  }

  #all(): readonly C[] {
    const cells = this.#cells
    const { length } = cells
    if (length < manySeries || length - this.#inOrder > latecomers * length) {
      this.#listed = this.index.list()
      this.#inOrder = length
    } else if (length > this.#listed.length) {
      this.#listed = this.#listed.concat(cells.slice(this.#listed.length))
    }
    return this.#listed
  }
}

function isOverflow(values: readonly string[]): boolean {
  return values.length > 0 && values.every((value) => value === overflowLabelValue)
}
