// Lines by pino. pino owns the level, the message and the end of the line, and publishes each line on its diagnostics
// channel. Where it would do no more than put four texts together (nobody listens to the channel, nobody has replaced the
// function that makes its lines, the message needs no escaping) that is done here, in half of the time, after the first
// line of each level was compared with pino's.

import { tracingChannel } from 'node:diagnostics_channel'
import { pino } from 'pino'
import { levelName } from '../level.ts'

const asJsonSym: typeof pino.symbols.asJsonSym = pino.symbols.asJsonSym

/** What an instance of pino has behind this symbol, which its documentation gives to libraries that build on it. */
interface Instance {
  [asJsonSym](fields: object, message: string | undefined, level: number, time: string): string
}

const NONE: object = Object.freeze({})
const MESSAGE = ',"msg":"'
const END = '"}\n'
const BARE_END = '}\n'
/** Levels are multiples of this. */
const STEP = 10
/** Where pino publishes, whichever copy of it. */
const channel = tracingChannel('pino_asJson')

/** Makes lines with one instance of pino, however many loggers write them. */
export class PinoLines {
  readonly #pino: Instance
  /** The function of all instances of pino. Tools that trace put another one into those that they see being made. */
  readonly #asJson: Instance[typeof asJsonSym]
  /** How lines begin, by level; null where pino makes other lines than this does. */
  readonly #starts: (string | null | undefined)[] = []

  constructor() {
    const root = pino(
      { level: 'trace', base: null, formatters: { level: (label) => ({ level: label }) } },
      { write() {} },
    )
    // A child, since V8 reads the root of a tree of pino's, a prototype, far more slowly.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pino's types name the symbol, not what it holds
    this.#pino = root.child({}) as unknown as Instance
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    this.#asJson = (Object.getPrototypeOf(root) as Instance)[asJsonSym]
  }

  /**
   * One line, its line break included. `middle` is text for the place of the time; `plain` says that the message needs
   * no escaping (`isPlain`).
   */
  line(level: number, middle: string, message: string | undefined, plain: boolean): string {
    // Who listens must not hear of the lines that are made to compare.
    if (!channel.hasSubscribers && this.#pino[asJsonSym] === this.#asJson) {
      let start = this.#starts[level / STEP]
      if (start === undefined) start = this.#starts[level / STEP] = startOf(this.#pino, level)
      if (start !== null) {
        if (plain) return start + middle + MESSAGE + message + END
        if (message === undefined) return start + middle + BARE_END
      }
    }
    return this.#pino[asJsonSym](NONE, message, level, middle)
  }
}

/** How lines of a level begin, null if pino's are not the usual ones. */
function startOf(instance: Instance, level: number): string | null {
  const start = `{"level":"${levelName(level)}"`
  const usual =
    instance[asJsonSym](NONE, 'm', level, ',"time":1') === `${start},"time":1${MESSAGE}m${END}` &&
    instance[asJsonSym](NONE, undefined, level, ',"time":1') === `${start},"time":1${BARE_END}`
  return usual ? start : null
}
