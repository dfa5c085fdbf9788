// A JSON parser that refuses what JSON.parse lets pass and log pipelines disagree about: one key twice in an
// object. It also keeps to the letter of RFC 8259 otherwise, by leaving every scalar to JSON.parse.

const SPACE = /[ \t\n\r]*/y
// oxlint-disable-next-line no-control-regex -- a string holds none of them unescaped
const STRING = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y
const SCALAR = /true|false|null|-?\d[\d.eE+-]*/y

/** The value of a JSON text; throws a SyntaxError, also for a key that occurs twice. Objects have no prototype. */
export function parseStrict(text: string): unknown {
  const parser = new Parser(text)
  const value = parser.value()
  parser.end()
  return value
}

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(): unknown {
    const next = this.#peek()
    if (next === '{') return this.#object()
    if (next === '[') return this.#array()
    return JSON.parse(this.#take(next === '"' ? STRING : SCALAR))
  }

  end(): void {
    if (this.#peek() !== undefined) throw this.#error('unexpected text after the value')
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = Object.create(null)
    this.#list('{', '}', () => {
      this.#peek()
      const key: string = JSON.parse(this.#take(STRING))
      if (key in object) throw this.#error(`the key ${JSON.stringify(key)} occurs twice`)
      this.#expect(':')
      object[key] = this.value()
    })
    return object
  }

  #array(): unknown[] {
    const array: unknown[] = []
    this.#list('[', ']', () => array.push(this.value()))
    return array
  }

  #list(open: string, close: string, item: () => void): void {
    this.#expect(open)
    if (this.#peek() !== close) {
      item()
      while (this.#peek() === ',') {
        this.#at += 1
        item()
      }
    }
    this.#expect(close)
  }

  #peek(): string | undefined {
    SPACE.lastIndex = this.#at
    SPACE.test(this.#text)
    this.#at = SPACE.lastIndex
    return this.#text[this.#at]
  }

  #take(token: RegExp): string {
    token.lastIndex = this.#at
    const match = token.exec(this.#text)
    if (match === null) throw this.#error('unexpected text')
    this.#at = token.lastIndex
    return match[0]
  }

  #expect(character: string): void {
    if (this.#peek() !== character) throw this.#error(`expected ${character}`)
    this.#at += 1
  }

  #error(what: string): SyntaxError {
    return new SyntaxError(`${what} at ${this.#at} of ${this.#text.slice(0, 200)}`)
  }
}
