/**
 * A reader of JSON (RFC 8259) that refuses a key that stands twice in one object: readers disagree about which of the two
 * counts, so who can place the second one can forge the first. By recursive descent, one character after the other.
 */

/** The value of a text; throws a SyntaxError for what is no JSON, or has a key twice. Objects are maps. */
export function readJson(text: string): unknown {
  const reader = new Reader(text)
  const value = reader.value(0)
  reader.space()
  if (!reader.atEnd) throw reader.error('text after the value')
  return value
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
const deepest = 500

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length
  }

  value(depth: number): unknown {
    if (depth > deepest) throw this.error('too deep')
    this.space()
    const first = this.#text[this.#at]
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#array(depth)
    if (first === '"') return this.#string()
    for (const [word, value] of words) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    }
    return this.#number()
  }

  space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'x')) this.#at += 1
  }

  error(what: string): SyntaxError {
    return new SyntaxError(`${what} at ${this.#at} of ${JSON.stringify(this.#text.slice(0, 300))}`)
  }

  #object(depth: number): Map<string, unknown> {
    const members = new Map<string, unknown>()
    this.#items('}', () => {
      this.space()
      const key = this.#string()
      if (members.has(key)) throw this.error(`the key ${JSON.stringify(key)} for the second time`)
      this.space()
      this.#take(':')
      members.set(key, this.value(depth + 1))
    })
    return members
  }

  #array(depth: number): unknown[] {
    const values: unknown[] = []
    this.#items(']', () => values.push(this.value(depth + 1)))
    return values
  }

  #items(close: string, item: () => void): void {
    this.#at += 1
    this.space()
    if (this.#text[this.#at] === close) {
      this.#at += 1
      return
    }
    for (;;) {
      item()
      this.space()
      if (this.#text[this.#at] === close) {
        this.#at += 1
        return
      }
      this.#take(',')
    }
  }

  #string(): string {
    this.#take('"')
    let value = ''
    for (;;) {
      const character = this.#text[this.#at++]
      if (character === undefined || character < ' ') throw this.error('a string that does not end')
      if (character === '"') return value
      value += character === '\\' ? this.#escape() : character
    }
  }

  #escape(): string {
    const character = this.#text[this.#at++] ?? ''
    if (character !== 'u') {
      const meant = Object.hasOwn(escapes, character) ? escapes[character] : undefined
      if (meant === undefined) throw this.error('an escape that is none')
      return meant
    }
    const digits = this.#text.slice(this.#at, this.#at + 4)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.error('an escape without four digits')
    this.#at += 4
    return String.fromCharCode(Number.parseInt(digits, 16))
  }

  #number(): number {
    const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
    number.lastIndex = this.#at
    const found = number.exec(this.#text)
    if (found === null) throw this.error('no value')
    this.#at = number.lastIndex
    return Number(found[0])
  }

  #take(character: string): void {
    if (this.#text[this.#at] !== character) throw this.error(`no ${character}`)
    this.#at += 1
  }
}

const words: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]
