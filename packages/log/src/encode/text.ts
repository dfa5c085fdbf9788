// Lines for people: `2026-11-23T12:00:00.000Z INFO  http  request done  status=200 path=/`. One physical
// line a record, whatever is in it, so that grep, tail and less see records. Values that are plain words stand
// bare, all others as JSON; an error's members stand side by side instead of in braces.

import { levelName } from '../level.ts'
import { oneLine, quote } from './escape.ts'
import type { LineFormat } from './json.ts'
import { takeKey } from './limits.ts'
import { TimeText } from './time.ts'
import type { KnownKey, ValueEncoder } from './value.ts'

const BARE_NAME = /^"[^\s"\\=]+"$/
const BARE = /^"[\w.:/@+\-[\]%&?,~#*;!$()]+"$/
const RESET = '\u001b[0m'
const DIM = '\u001b[2m'
const COLORS: Readonly<Record<string, string>> = {
  trace: '\u001b[90m',
  debug: '\u001b[36m',
  info: '\u001b[32m',
  warn: '\u001b[33m',
  error: '\u001b[31m',
  fatal: '\u001b[1;31m',
}

/** What comes before the value of a field. */
export function textLabel(colors: boolean): (name: string) => string {
  return (name) => {
    const quoted = quote(name)
    const key = BARE_NAME.test(quoted) ? name : quoted
    return colors ? ` ${DIM}${key}=${RESET}` : ` ${key}=`
  }
}

/** Text lines, with colours when they go to a terminal. */
export class TextFormat implements LineFormat {
  readonly #values: ValueEncoder
  readonly #colors: boolean
  readonly #label: (name: string) => string
  readonly #time = new TimeText((second) => new Date(second * 1000).toISOString().slice(0, -4))

  constructor(values: ValueEncoder, colors: boolean) {
    this.#values = values
    this.#colors = colors
    this.#label = textLabel(colors)
  }

  known(key: string): KnownKey {
    return this.#values.known(key)
  }

  field(source: object, key: string, known: KnownKey): string {
    const members = this.#values.encodeError(source, key, known, this.#values.redactor.paths)
    if (members !== undefined) {
      return members.map(({ name, json }) => this.#label(`${known.name}.${name}`) + bare(json)).join('')
    }
    if (!takeKey(key)) return ''
    const json = this.#values.encodeProperty(source, key, known.secret, this.#values.redactor.paths)
    return json === undefined ? '' : known.label + bare(json)
  }

  label(name: string): string {
    return name === '' ? '' : `  ${oneLine(name)}`
  }

  line(
    level: number,
    timeMs: number,
    label: string,
    fields: string,
    message: string | undefined,
    plain: boolean,
  ): string {
    const name = levelName(level)
    const tag = name.toUpperCase().padEnd(5)
    const time = `${this.#time.of(timeMs)}Z`
    const head = this.#colors ? `${DIM}${time}${RESET} ${COLORS[name]}${tag}${RESET}` : `${time} ${tag}`
    const text = message === undefined || message === '' ? '' : `  ${plain ? message : oneLine(message)}`
    return `${head}${label}${text}${fields === '' ? '' : ` ${fields}`}\n`
  }
}

/** A JSON value as it stands in a text line: strings that are one plain word lose their quotes. */
function bare(json: string): string {
  return BARE.test(json) ? json.slice(1, -1) : json
}
