/**
 * A page of Prometheus text 0.0.4 or OpenMetrics 1.0 as a list of its samples, read one character after the other, with
 * nothing forgiven that could make two readers see two pages.
 */

/** One sample. */
export interface PageSample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

/** Reads a page; throws a SyntaxError for a line that is none, and for a series that is there twice. */
export function readPage(page: string, format: 'text' | 'openmetrics'): PageSample[] {
  const lines = page.split('\n')
  if (lines.pop() !== '') throw new SyntaxError('a page that does not end with a line feed')
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new SyntaxError('a page without an end')
  const samples: PageSample[] = []
  const seen = new Set<string>()
  let family = ''
  for (const line of lines) {
    if (line.startsWith('#')) {
      const [, keyword, name = ''] = /^# (HELP|TYPE|UNIT) ([A-Za-z_:][\w:]*)(?: .*)?$/s.exec(line) ?? []
      if (keyword === undefined) throw new SyntaxError(`no metadata: ${JSON.stringify(line)}`)
      family = name
      continue
    }
    const sample = new LineReader(line).sample()
    if (!sample.name.startsWith(family))
      throw new SyntaxError(`outside of its family: ${JSON.stringify(line)}`)
    const key = JSON.stringify([sample.name, ...[...sample.labels].toSorted(([a], [b]) => (a < b ? -1 : 1))])
    if (seen.has(key)) throw new SyntaxError(`twice: ${key}`)
    seen.add(key)
    samples.push(sample)
  }
  return samples
}

class LineReader {
  readonly #line: string
  #at = 0

  constructor(line: string) {
    this.#line = line
  }

  sample(): PageSample {
    const name = this.#match(/[A-Za-z_:][\w:]*/y)
    const labels = new Map<string, string>()
    if (this.#line[this.#at] === '{') {
      do {
        this.#at += 1
        const label = this.#match(/[A-Za-z_]\w*/y)
        if (labels.has(label)) throw this.#error(`the label ${label} twice`)
        this.#match(/="/y)
        labels.set(label, this.#value())
      } while (this.#line[this.#at] === ',')
      this.#match(/\}/y)
    }
    this.#match(/ /y)
    const value = this.#match(/[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|Inf)|NaN/y)
    if (this.#at !== this.#line.length) throw this.#error('text after the value')
    return { name, labels, value: Number(value.replace('Inf', 'Infinity')) }
  }

  /** Up to the quote, which it passes over. */
  #value(): string {
    let value = ''
    for (;;) {
      const character = this.#line[this.#at++]
      if (character === undefined) throw this.#error('a value without an end')
      if (character === '"') return value
      if (character !== '\\') {
        value += character
        continue
      }
      const escaped = this.#line[this.#at++]
      if (escaped !== 'n' && escaped !== '"' && escaped !== '\\') throw this.#error('an escape that is none')
      value += escaped === 'n' ? '\n' : escaped
    }
  }

  #match(what: RegExp): string {
    what.lastIndex = this.#at
    const found = what.exec(this.#line)
    if (found === null) throw this.#error(`no ${what.source}`)
    this.#at = what.lastIndex
    return found[0]
  }

  #error(what: string): SyntaxError {
    return new SyntaxError(`${what} at ${this.#at} of ${JSON.stringify(this.#line.slice(0, 300))}`)
  }
}
