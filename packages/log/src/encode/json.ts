// JSON lines, made by pino: it owns the level, the message and the end of the line, and publishes on its diagnostics
// channel as it does for everybody. The encoded fields travel with its time, which it puts into the line verbatim. One
// pino instance therefore serves all loggers of a tree, and a child of a child of a child costs a line what the root
// costs. That instance is a child: V8 reads the root of a tree of pino's, a prototype, far more slowly.

import { pino } from 'pino'
import { isUnsafe, neutralise, quote } from './escape.ts'
import type { FieldEncoder } from './fields.ts'
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

const asJsonSym: typeof pino.symbols.asJsonSym = pino.symbols.asJsonSym

/** What an instance of pino has behind this symbol, which its documentation gives to libraries that build on it. */
interface Instance {
  [asJsonSym](fields: object, message: string | undefined, level: number, time: string): string
}

/** Lines of `{"level":"info","time":1700000000000,"logger":"db",…,"msg":"…"}`. */
export class JsonFormat implements LineFormat {
  readonly #values: ValueEncoder
  readonly #pino: Instance
  readonly #time = new TimeText((second) => `,"time":${second}`)

  constructor(values: ValueEncoder) {
    this.#values = values
    const root = pino(
      { level: 'trace', base: null, formatters: { level: (label) => ({ level: label }) } },
      { write() {} },
    )
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pino's types name the symbol, not what it holds
    this.#pino = root.child({}) as unknown as Instance
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
    const line = this.#pino[asJsonSym](NONE, message, level, time + label + fields)
    return plain || message === undefined || !isUnsafe(message) ? line : neutralise(line)
  }
}

const NONE: object = Object.freeze({})
