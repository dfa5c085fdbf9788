// JSON lines, in the shape of pino's. The encoded fields travel with the time, which pino puts into the line verbatim, so
// one pino instance serves all loggers of a tree, and a child of a child of a child costs a line what the root costs.

import { isUnsafe, neutralise, quote } from './escape.ts'
import { joinMembers } from './error.ts'
import type { FieldEncoder, FieldValue } from './fields.ts'
import { PinoLines } from './pino-lines.ts'
import { TimeText } from './time.ts'
import type { KnownKey, ValueEncoder } from './value.ts'

/** A way to spell lines. */
export interface LineFormat extends FieldEncoder {
  /**
   * One line, its line break included. `label` and `fields` are texts that this format made, `plain` says that the
   * message is known to be plain (`isPlain`).
   */
  line(
    level: number,
    timeMs: number,
    label: string,
    fields: string,
    message: string | undefined,
    plain: boolean,
  ): string
  /** The text of the logger's name. */
  label(name: string): string
  /** The logger's name whose text `label` is. */
  nameOf(label: string): string
}

/** What comes before the value of a field. */
export function jsonLabel(name: string): string {
  return `,${quote(name)}:`
}

/** Lines of `{"level":"info","time":1700000000000,"logger":"db",…,"msg":"…"}`. */
export class JsonFormat implements LineFormat {
  readonly keepsValues: boolean
  readonly #values: ValueEncoder
  readonly #lines = new PinoLines()
  readonly #time = new TimeText((second) => `,"time":${second}`)

  constructor(values: ValueEncoder, keepsValues: boolean) {
    this.#values = values
    this.keepsValues = keepsValues
  }

  known(key: string): KnownKey {
    return this.#values.known(key)
  }

  field(source: object, key: string, known: KnownKey, kept?: FieldValue[]): string {
    if (kept === undefined) return this.#values.encodeField(source, key, known)
    const found = this.#values.encodeTop(source, key, known)
    if (found === undefined) return ''
    const json = typeof found === 'string' ? found : joinMembers(found)
    kept.push({ name: known.name, json, isError: typeof found !== 'string' })
    return known.label + json
  }

  label(name: string): string {
    return name === '' ? '' : LOGGER + quote(name)
  }

  nameOf(label: string): string {
    return label === '' ? '' : (JSON.parse(label.slice(LOGGER.length)) as string)
  }

  line(
    level: number,
    timeMs: number,
    label: string,
    fields: string,
    message: string | undefined,
    plain: boolean,
  ): string {
    const time = timeMs >= 1000 && Number.isInteger(timeMs) ? this.#time.of(timeMs) : `,"time":${timeMs}`
    const line = this.#lines.line(level, time + label + fields, message, plain)
    return plain || message === undefined || !isUnsafe(message) ? line : neutralise(line)
  }
}

const LOGGER = jsonLabel('logger')
