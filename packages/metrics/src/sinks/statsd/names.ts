/**
 * The spelling of instruments and series in one dialect, such that no two series share a line: neither by their label
 * values nor, where labels are segments of the name, by the name of another instrument.
 */

import type { SourceInstrument } from '../../sink.ts'
import type { Dialect, Spelled } from './dialects.ts'
import { dodged } from './spelling.ts'

/** What every line has, whatever its series. */
export interface Frame {
  readonly dialect: Dialect
  readonly prefix: string
  readonly suffix: string
  /** Labels for every series, name and value as they are to be spelled. */
  readonly labels: readonly (readonly [string, string])[]
  /** What ends every line. */
  readonly fields: string
}

/** One instrument, spelled. Another object whenever its series have to be spelled anew. */
export interface Family {
  /** One name, or those of count and sum. */
  readonly names: readonly string[]
  readonly labels: readonly string[]
  /** Segments that a first label value must not be, for each name. */
  readonly taken: readonly ReadonlySet<string>[]
}

interface Labels {
  readonly labels: readonly string[]
  readonly values: readonly string[]
}

/** What `.count` adds to a name, and one more where that is taken. */
const derivedBytes = 7

const noSegments: ReadonlySet<string> = new Set()

/** Spells the instruments of one sink. */
export class Names {
  readonly #frame: Frame
  readonly #totals: boolean
  readonly #families = new WeakMap<SourceInstrument, { family: Family; key: string }>()
  #taken = new Map<string, Set<string>>()
  #names = new Set<string>()

  /** `totals` when histograms are two counters. */
  constructor(frame: Frame, totals: boolean) {
    this.#frame = frame
    this.#totals = totals
  }

  /** Looks at all instruments before any is spelled. */
  survey(instruments: readonly SourceInstrument[]): void {
    this.#names = new Set(instruments.map(({ name }) => this.#full(name)))
    this.#taken = new Map()
    if (!this.#frame.dialect.dotted) return
    for (const instrument of instruments) {
      for (const name of this.#namesOf(instrument)) {
        for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) {
          const next = this.#taken.get(name.slice(0, dot)) ?? new Set()
          this.#taken.set(name.slice(0, dot), next.add(name.slice(dot + 1).split('.', 1)[0]!))
        }
      }
    }
  }

  /** The family of an instrument: the same object as long as its series are spelled the same. */
  family(instrument: SourceInstrument): Family {
    const names = this.#namesOf(instrument)
    const taken = names.map((name) => this.#taken.get(name) ?? noSegments)
    const key = JSON.stringify([names, instrument.labelNames, taken.map((set) => [...set])])
    const known = this.#families.get(instrument)
    if (known?.key === key) return known.family
    const { dialect } = this.#frame
    const family = { names, labels: instrument.labelNames.map((label) => dialect.label(label)), taken }
    this.#families.set(instrument, { family, key })
    return family
  }

  /** The lines of a series, one for each name of its family. Loops, since thousands may be spelled in one flush. */
  spell(family: Family, labelValues: readonly string[]): readonly Spelled[] {
    const { dialect, suffix, fields } = this.#frame
    const spelled: Spelled[] = []
    for (let i = 0; i < family.names.length; i++) {
      const { labels, values } = dialect.dotted
        ? this.#segments(labelValues, family.taken[i]!)
        : this.#pairs(family.labels, labelValues)
      const { head, tail } = dialect.line(family.names[i]! + suffix, labels, values)
      spelled.push({ head, tail: tail + fields })
    }
    return spelled
  }

  /** The labels that are there, after those that every series has unless it has its own. */
  #pairs(names: readonly string[], labelValues: readonly string[]): Labels {
    const labels: string[] = []
    const values: string[] = []
    for (const [label, value] of this.#frame.labels) {
      const at = names.indexOf(label)
      if (at !== -1 && labelValues[at] !== '') continue
      labels.push(label)
      values.push(value)
    }
    for (let i = 0; i < names.length; i++) {
      const value = labelValues[i]!
      if (value === '') continue
      labels.push(names[i]!)
      values.push(this.#frame.dialect.value(value, names[i]!))
    }
    return { labels, values }
  }

  /** Label values as segments. An absent one is `_`, or every value behind it would move up. */
  #segments(labelValues: readonly string[], taken: ReadonlySet<string>): Labels {
    const values: string[] = []
    for (const value of labelValues) {
      const segment = value === '' ? '_' : this.#frame.dialect.value(value, '')
      if (values.length > 0 || !taken.has(segment)) values.push(segment)
      else values.push(segment === '_' ? '_x_' : dodged(segment))
    }
    return { labels: [], values }
  }

  #namesOf({ name, kind }: SourceInstrument): readonly string[] {
    const full = this.#full(name)
    if (kind !== 'histogram' || !this.#totals) return [full]
    return [`${full}.count`, `${full}.sum`].map((derived) => {
      let free = derived
      while (this.#names.has(free)) free += '_'
      return free
    })
  }

  #full(name: string): string {
    const { dialect, prefix, suffix } = this.#frame
    return prefix + dialect.name(name, prefix.length + suffix.length + (this.#totals ? derivedBytes : 0))
  }
}
