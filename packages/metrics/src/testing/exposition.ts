/**
 * A strict reader of Prometheus text 0.0.4 and OpenMetrics 1.0. Servers forgive much, and the stock checkers let
 * duplicate series and inverted buckets pass; this one forgives nothing, so that a test of a page means something.
 */

import { exemplarStart, readExemplar, readLabels, unescape, valueOf } from './exposition-line.ts'
import { checkFamily } from './exposition-rules.ts'

/** One line with a number. */
export interface ExpositionSample {
  /** The name as written, with `_total`, `_bucket` and the like. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** OpenMetrics only, and only of buckets and counters. */
  readonly exemplar?: ExpositionExemplar
}

/** One observation behind a number. */
export interface ExpositionExemplar {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** In seconds since the Unix epoch. */
  readonly timestamp?: number
}

/** A metric family: its metadata and samples. */
export interface ExpositionFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  /** OpenMetrics only; '' elsewhere. */
  readonly unit: string
  readonly samples: readonly ExpositionSample[]
}

/** A family being read. */
export interface OpenFamily {
  name: string
  type: string
  help: string
  unit: string
  samples: ExpositionSample[]
}

/**
 * Reads a page. Throws an Error that names the line for anything that either specification forbids, and for
 * duplicate series, families without help or type, buckets out of order, counts that do not add up, and exemplars that
 * are too long or outside of their bucket.
 */
export function parseExposition(page: string, format: 'text' | 'openmetrics' = 'text'): ExpositionFamily[] {
  return new Reader(format).read(page)
}

const nameSyntax = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const types = {
  text: /^(counter|gauge|histogram|summary|untyped)$/,
  openmetrics: /^(counter|gauge|histogram|summary|unknown)$/,
}

class Reader {
  readonly #format: 'text' | 'openmetrics'
  readonly #families = new Map<string, OpenFamily>()
  readonly #series = new Set<string>()
  #current: OpenFamily | undefined
  #line = 0

  constructor(format: 'text' | 'openmetrics') {
    this.#format = format
  }

  read(page: string): ExpositionFamily[] {
    if (/\p{Surrogate}/u.test(page)) throw this.#error('a lone surrogate')
    const lines = page.split('\n')
    if (lines.pop() !== '') throw this.#error('the page does not end with a line feed')
    if (this.#format === 'openmetrics' && lines.pop() !== '# EOF') throw this.#error('no # EOF at the end')
    for (const line of lines) {
      this.#line++
      if (line.startsWith('#')) this.#metadata(line)
      else this.#sample(line)
    }
    this.#close()
    return [...this.#families.values()]
  }

  #metadata(line: string): void {
    const [, keyword = '', name = '', rest = ''] = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/s.exec(line) ?? []
    if (keyword === '') throw this.#error(`no metadata: ${JSON.stringify(line)}`)
    if (!nameSyntax.test(name)) throw this.#error(`bad name ${JSON.stringify(name)}`)
    const family = this.#familyForMetadata(name)
    if (family.samples.length > 0) throw this.#error(`${keyword} of ${name} after its samples`)
    if (keyword === 'HELP') {
      if (family.help !== '') throw this.#error(`second HELP of ${name}`)
      family.help = this.#try(() => unescape(rest, this.#format === 'openmetrics' ? '\\n"' : '\\n'))
    } else if (keyword === 'TYPE') {
      if (family.type !== '') throw this.#error(`second TYPE of ${name}`)
      if (!types[this.#format].test(rest)) throw this.#error(`unexpected type ${JSON.stringify(rest)}`)
      family.type = rest
    } else {
      if (this.#format === 'text') throw this.#error('UNIT in the text format')
      if (family.unit !== '' || rest === '' || !name.endsWith(`_${rest}`))
        throw this.#error(`bad UNIT of ${name}`)
      family.unit = rest
    }
  }

  #familyForMetadata(name: string): OpenFamily {
    if (this.#current?.name === name) return this.#current
    this.#close()
    if (this.#families.has(name)) throw this.#error(`the family ${name} is there twice`)
    const family: OpenFamily = { name, type: '', help: '', unit: '', samples: [] }
    this.#families.set(name, family)
    this.#current = family
    return family
  }

  #sample(line: string): void {
    const start = this.#format === 'openmetrics' ? exemplarStart(line) : -1
    const plain = start < 0 ? line : line.slice(0, start)
    const [, name = '', labelText = '', number = ''] =
      /^([^\s{]+)(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})? (\S+)$/s.exec(plain) ?? []
    if (!nameSyntax.test(name)) throw this.#error(`no sample: ${JSON.stringify(line)}`)
    const value = this.#try(() => valueOf(number))
    const labels = this.#try(() => readLabels(labelText))
    const key = JSON.stringify([name, ...Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))])
    if (this.#series.has(key)) throw this.#error(`the series ${key} is there twice`)
    this.#series.add(key)
    if (this.#current === undefined) throw this.#error(`the sample ${name} belongs to no family`)
    const exemplar = start < 0 ? undefined : this.#try(() => readExemplar(line.slice(start)))
    this.#current.samples.push({ name, labels, value, ...(exemplar === undefined ? {} : { exemplar }) })
  }

  #close(): void {
    if (this.#current === undefined) return
    const problem = checkFamily(this.#current, this.#format)
    if (problem !== '') throw this.#error(`${this.#current.name}: ${problem}`)
    this.#current = undefined
  }

  #try<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw this.#error((error as Error).message)
    }
  }

  #error(what: string): Error {
    return new Error(`line ${this.#line}: ${what}`)
  }
}
