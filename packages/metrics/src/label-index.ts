/**
 * From label values to cells: one Map per label, nested, keyed by the values themselves. No key string is built,
 * so a hit allocates nothing, and no two sets of labels can ever be mistaken for each other, whatever characters
 * they hold. The innermost level, of which there are many with few entries each, is a flat list while it is short:
 * a Map of one entry takes 200 bytes.
 */

type Level = Map<unknown, unknown>

/** How many entries a list may have. */
const longestList = 8

/** Labels as they come from a caller: nothing about them is certain. */
export type LabelBag = Readonly<Record<string, unknown>>

/** The cells of one instrument by their label values. */
export class LabelIndex<C extends { readonly labelValues: readonly string[] }> {
  private readonly names: readonly string[]
  private readonly depth: number
  private readonly first: string
  private readonly second: string
  private readonly last: string
  /** The outermost level, a leaf where there is one label, the cell where there is none. */
  private root: unknown

  constructor(names: readonly string[], cells: readonly C[] = []) {
    const [first = '', second = ''] = names
    this.names = names
    this.depth = names.length
    this.first = first
    this.second = second
    this.last = names.at(-1) ?? ''
    this.root = names.length > 1 ? new Map() : names.length === 1 ? new Leaf() : undefined
    for (const cell of cells) this.add(cell)
  }

  /**
   * The cell of these very labels, raw as they are; undefined when there is none, or when there are other labels
   * besides. Throws what reading the labels throws. The first levels are written out, with the names in fields: that
   * halves the time of a hit.
   */
  get(labels: LabelBag): C | undefined {
    const depth = this.depth
    let node = this.root
    if (depth > 1) node = (node as Level).get(labels[this.first])
    if (depth > 2 && node !== undefined) node = (node as Level).get(labels[this.second])
    if (depth > 3) {
      for (let i = 2; i < depth - 1 && node !== undefined; i++)
        node = (node as Level).get(labels[this.names[i]!])
    }
    if (depth > 0 && node !== undefined) node = (node as Leaf).get(labels[this.last])
    return node === undefined || countKeys(labels) !== depth ? undefined : (node as C)
  }

  /** The cell of canonical label values. */
  find(values: readonly string[]): C | undefined {
    const last = values.length - 1
    let node = this.root
    for (let i = 0; i < last && node !== undefined; i++) node = (node as Level).get(values[i])
    return (node === undefined || last < 0 ? node : (node as Leaf).get(values[last]!)) as C | undefined
  }

  /** Makes a cell findable by its label values. */
  add(cell: C): void {
    const values = cell.labelValues
    if (values.length === 0) this.root = cell
    else this.#leaf(values).set(values.at(-1), cell)
  }

  /**
   * Lets a cell be found by numbers and booleans without turning them into strings. They have one alias each.
   * Strings that canonical values replaced get none, or hostile ones could fill memory with aliases.
   */
  alias(values: readonly string[], labels: LabelBag): void {
    let level = this.root as Level | Leaf
    values.forEach((value, i) => {
      const raw = labels[this.names[i]!]
      const next = level.get(value)
      if (isAlias(raw) && level.get(raw) === undefined) level.set(raw, next)
      level = next as Level | Leaf
    })
  }

  /** All cells, those that share their first labels next to each other. */
  list(): C[] {
    const cells: C[] = []
    collect(this.root, this.depth, cells)
    return cells
  }

  #leaf(values: readonly string[]): Leaf {
    const innermost = values.length - 1
    let level = this.root
    for (let i = 0; i < innermost; i++) {
      let next = (level as Level).get(values[i])
      if (next === undefined) {
        next = i === innermost - 1 ? new Leaf() : new Map()
        ;(level as Level).set(values[i], next)
      }
      level = next
    }
    return level as Leaf
  }
}

/** The innermost level: keys and cells in turn, or a Map once there are many. */
class Leaf {
  private entries: readonly unknown[] | Level = []

  get(key: unknown): unknown {
    const { entries } = this
    if (!Array.isArray(entries)) return (entries as Level).get(key)
    for (let i = 0; i < entries.length; i += 2) if (entries[i] === key) return entries[i + 1]
    return undefined
  }

  collect(cells: unknown[]): void {
    const { entries } = this
    if (Array.isArray(entries)) {
      for (let i = 0; i < entries.length; i += 2) if (!isAlias(entries[i])) cells.push(entries[i + 1])
    } else {
      for (const [key, cell] of entries as Level) if (!isAlias(key)) cells.push(cell)
    }
  }

  /** Adds an entry. Another list each time, by `concat`: one that grows, as a spread does, keeps room to grow into. */
  set(key: unknown, cell: unknown): void {
    const { entries } = this
    if (!Array.isArray(entries)) {
      ;(entries as Level).set(key, cell)
      return
    }
    const list = entries as readonly unknown[]
    if (list.length < 2 * longestList) {
      this.entries = list.concat([key, cell])
      return
    }
    const map: Level = new Map([[key, cell]])
    for (let i = 0; i < list.length; i += 2) map.set(list[i], list[i + 1])
    this.entries = map
  }
}

/** Adds the cells below `node`, which is `depth` labels above them. */
function collect(node: unknown, depth: number, cells: unknown[]): void {
  if (depth === 0) {
    if (node !== undefined) cells.push(node)
  } else if (depth === 1) {
    ;(node as Leaf).collect(cells)
  } else {
    for (const [key, below] of node as Level) if (!isAlias(key)) collect(below, depth - 1, cells)
  }
}

function isAlias(raw: unknown): boolean {
  return (typeof raw === 'number' && !Number.isNaN(raw)) || typeof raw === 'boolean'
}

/** How many labels a caller gave. Object.keys would allocate; a loop over the keys of a known shape is free. */
export function countKeys(labels: LabelBag): number {
  let count = 0
  for (const key in labels) if (key !== undefined) count++
  return count
}
