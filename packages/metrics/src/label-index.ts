/**
 * From label values to cells: one Map per label, nested, keyed by the values themselves. No key string is built,
 * so a hit allocates nothing, and no two sets of labels can ever be mistaken for each other, whatever characters
 * they hold.
 */

type Level = Map<unknown, unknown>

/** Labels as they come from a caller: nothing about them is certain. */
export type LabelBag = Readonly<Record<string, unknown>>

/** The cells of one instrument by their label values. */
export class LabelIndex<C extends { readonly labelValues: readonly string[] }> {
  private readonly names: readonly string[]
  private readonly depth: number
  private readonly first: string
  private readonly second: string
  private readonly third: string
  private root: unknown

  constructor(names: readonly string[], cells: readonly C[] = []) {
    const [first = '', second = '', third = ''] = names
    this.names = names
    this.depth = names.length
    this.first = first
    this.second = second
    this.third = third
    this.root = names.length === 0 ? undefined : new Map()
    for (const cell of cells) this.add(cell)
  }

  /**
   * The cell of these very labels, raw as they are; undefined when there is none, or when there are other labels
   * besides. Throws what reading the labels throws. The first three levels are written out, with the names in
   * fields: that halves the time of a hit.
   */
  get(labels: LabelBag): C | undefined {
    const depth = this.depth
    let node = this.root
    if (depth > 0) node = (node as Level).get(labels[this.first])
    if (depth > 1 && node !== undefined) node = (node as Level).get(labels[this.second])
    if (depth > 2 && node !== undefined) node = (node as Level).get(labels[this.third])
    if (depth > 3) {
      for (let i = 3; i < depth && node !== undefined; i++) node = (node as Level).get(labels[this.names[i]!])
    }
    return node === undefined || countKeys(labels) !== depth ? undefined : (node as C)
  }

  /** The cell of canonical label values. */
  find(values: readonly string[]): C | undefined {
    let node = this.root
    for (const value of values) {
      if (node === undefined) return undefined
      node = (node as Level).get(value)
    }
    return node as C | undefined
  }

  /** Makes a cell findable by its label values. */
  add(cell: C): void {
    const values = cell.labelValues
    if (values.length === 0) {
      this.root = cell
      return
    }
    let level = this.root as Level
    for (let i = 0; i < values.length - 1; i++) {
      let next = level.get(values[i]) as Level | undefined
      if (next === undefined) level.set(values[i], (next = new Map()))
      level = next
    }
    level.set(values.at(-1), cell)
  }

  /**
   * Lets a cell be found by numbers and booleans without turning them into strings. They have one alias each.
   * Strings that canonical values replaced get none, or hostile ones could fill memory with aliases.
   */
  alias(values: readonly string[], labels: LabelBag): void {
    let level = this.root as Level
    values.forEach((value, i) => {
      const raw = labels[this.names[i]!]
      const next = level.get(value)
      if ((typeof raw === 'number' || typeof raw === 'boolean') && !level.has(raw)) level.set(raw, next)
      level = next as Level
    })
  }
}

/** How many labels a caller gave. Object.keys would allocate; a loop over the keys of a known shape is free. */
export function countKeys(labels: LabelBag): number {
  let count = 0
  for (const key in labels) if (key !== undefined) count++
  return count
}
