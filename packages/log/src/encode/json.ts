// JSON lines, in the shape of pino's. The encoded fields travel with the time, which pino puts into the line verbatim, so
// one pino instance serves all loggers of a tree, and a child of a child of a child costs a line what the root costs.

import { isUnsafe, neutralise, quote } from './escape.ts'
import type { FieldEncoder } from './fields.ts'
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
}

/** What comes before the value of a field. */
export function jsonLabel(name: string): string {
  return `,${quote(name)}:`
}

/** Lines of `{"level":"info","time":1700000000000,"logger":"db",…,"msg":"…"}`. */
export class JsonFormat implements LineFormat {
  readonly #values: ValueEncoder
  readonly #lines = new PinoLines()
  readonly #time = new TimeText((second) => `,"time":${second}`)

  constructor(values: ValueEncoder) {
    this.#values = values
  }

  known(key: string): KnownKey {
    return this.#values.known(key)
  }

  field(source: object, key: string, known: KnownKey): string {
    return this.#values.encodeField(source, key, known)
  }

  label(name: string): string {
    return name === '' ? '' : jsonLabel('logger') + quote(name)
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
