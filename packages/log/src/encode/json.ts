// JSON lines, written by pino: it owns the level, the message and the end of the line, and publishes on
// its diagnostics channel as it does for everybody. The encoded fields travel in the slot that pino keeps
// for its timestamp, which it puts into the line verbatim. One pino instance therefore serves all loggers of
// a tree, and a child of a child of a child costs a line what the root costs.

import { pino } from 'pino'
import type { Logger as PinoLogger } from 'pino'
import { DEBUG, ERROR, INFO, TRACE, WARN } from '../level.ts'
import { isUnsafe, neutralise, quote } from './escape.ts'
import type { FieldEncoder } from './fields.ts'
import type { KnownKey, ValueEncoder } from './value.ts'

/** A way to spell lines. */
export interface LineFormat extends FieldEncoder {
  /** One line, its line break included. `label` and `fields` are texts that this format made. */
  line(level: number, timeMs: number, label: string, fields: string, message: string | undefined): string
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
  readonly #pino: PinoLogger
  #slot = ''
  #line = ''

  constructor(values: ValueEncoder) {
    this.#values = values
    this.#pino = pino(
      {
        level: 'trace',
        base: null,
        timestamp: () => this.#slot,
        formatters: { level: (label) => ({ level: label }) },
      },
      {
        write: (line) => {
          this.#line = line
        },
      },
    )
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

  /**
   * Subscribers of pino's diagnostics channel run within, and may log: the state kept here is theirs from then
   * on. pino has read the slot before, and writes the line after; what else a line needs stays in this call.
   */
  line(level: number, timeMs: number, label: string, fields: string, message: string | undefined): string {
    this.#slot = `,"time":${timeMs}${label}${fields}`
    // Without a message pino is given undefined, which its types do not foresee, and writes none.
    this.#give(level, message!)
    return message !== undefined && isUnsafe(message) ? neutralise(this.#line) : this.#line
  }

  #give(level: number, text: string): void {
    switch (level) {
      case TRACE:
        return this.#pino.trace(text)
      case DEBUG:
        return this.#pino.debug(text)
      case INFO:
        return this.#pino.info(text)
      case WARN:
        return this.#pino.warn(text)
      case ERROR:
        return this.#pino.error(text)
      default:
        return this.#pino.fatal(text)
    }
  }
}
