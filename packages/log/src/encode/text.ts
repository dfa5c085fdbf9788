// Lines for people: `2026-11-23T12:00:00.000Z INFO  http  request done  status=200 path=/`. One physical
// line a record, whatever is in it, so that grep, tail and less see records. Values that are plain words stand
// bare, all others as JSON; an error's members stand side by side instead of in braces.

import { levelName, SILENT } from '../level.ts'
import { joinMembers } from './error.ts'
import type { Member } from './error.ts'
import { oneLine, quote } from './escape.ts'
import type { FieldValue } from './fields.ts'
import type { LineFormat } from './json.ts'
import { TimeText } from './time.ts'
import type { KnownKey, ValueEncoder } from './value.ts'

const BARE_NAME = /^"[^\s"\\=]+"$/
/** Units of which a word consists that needs no quotes. */
const BARE: readonly boolean[] = Array.from({ length: 128 }, (_, unit) =>
  /[\w.:/@+\-[\]%&?,~#*;!$()]/.test(String.fromCharCode(unit)),
)
const QUOTE = 34
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
  readonly keepsValues: boolean
  readonly #values: ValueEncoder
  readonly #label: (name: string) => string
  /** What stands before the time, and behind it for each level. */
  readonly #start: string
  readonly #tags: readonly string[]
  readonly #time = new TimeText((second) => new Date(second * 1000).toISOString().slice(0, -4))

  constructor(values: ValueEncoder, colors: boolean, keepsValues: boolean) {
    this.#values = values
    this.keepsValues = keepsValues
    this.#label = textLabel(colors)
    this.#start = colors ? DIM : ''
    this.#tags = Array.from({ length: SILENT / 10 }, (_, at) => tagOf(levelName(at * 10), colors))
  }

  known(key: string): KnownKey {
    return this.#values.known(key)
  }

  field(source: object, key: string, known: KnownKey, kept?: FieldValue[]): string {
    const found = this.#values.encodeTop(source, key, known)
    if (found === undefined) return ''
    const isError = typeof found !== 'string'
    kept?.push({ name: known.name, json: isError ? joinMembers(found) : found, isError })
    return isError ? this.#members(known.name, found) : known.label + bare(found)
  }

  label(name: string): string {
    return name === '' ? '' : `  ${oneLine(name)}`
  }

  nameOf(label: string): string {
    return label.trimStart()
  }

  line(
    level: number,
    timeMs: number,
    label: string,
    fields: string,
    message: string | undefined,
    plain: boolean,
  ): string {
    let line = this.#start + this.#time.of(timeMs) + this.#tags[level / 10] + label
    if (message !== undefined && message !== '') line += `  ${plain ? message : oneLine(message)}`
    return fields === '' ? `${line}\n` : `${line} ${fields}\n`
  }

  /** The members of an error side by side. */
  #members(name: string, members: readonly Member[]): string {
    return members.map((member) => this.#label(`${name}.${member.name}`) + bare(member.json)).join('')
  }
}

/** What stands behind the milliseconds of a time: the zone and the level. */
function tagOf(name: string, colors: boolean): string {
  const tag = name.toUpperCase().padEnd(5)
  return colors ? `Z${RESET} ${COLORS[name]}${tag}${RESET}` : `Z ${tag}`
}

/** A JSON value as it stands in a text line: strings that are one plain word lose their quotes. */
function bare(json: string): string {
  const last = json.length - 1
  if (last < 2 || json.charCodeAt(0) !== QUOTE) return json
  for (let at = 1; at < last; at += 1) if (BARE[json.charCodeAt(at)] !== true) return json
  return json.slice(1, -1)
}
