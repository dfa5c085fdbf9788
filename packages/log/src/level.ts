// The levels themselves: their names, their numbers, and the aliases that other tools use for them.

import { LogError } from './errors.ts'

/** A threshold: lines of this level and above are written. `silent` writes none. */
export type Level = LineLevel | 'silent'

/** The level of a line. */
export type LineLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** Numbers of the levels, those of pino. They are what a gate is compared with. */
export const TRACE = 10
export const DEBUG = 20
export const INFO = 30
export const WARN = 40
export const ERROR = 50
export const FATAL = 60
/** Above every line. A small integer and not `Infinity`, which would turn the gate into a boxed double. */
export const SILENT = 100

/** Every level from the most talkative to none. */
export const levelNames: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** The number of a level, by name. Aliases included, lower case only. */
const numbers: ReadonlyMap<string, number> = new Map([
  ['trace', TRACE],
  ['debug', DEBUG],
  ['info', INFO],
  ['warn', WARN],
  ['warning', WARN],
  ['error', ERROR],
  ['fatal', FATAL],
  ['silent', SILENT],
  ['off', SILENT],
])

/**
 * The number of a level's name in any case, or `undefined` when there is no such level, whatever `name` is.
 * `warning` is `warn` (syslog, zap) and `off` is `silent` (log4j, Spring).
 */
export function levelNumber(name: unknown): number | undefined {
  if (typeof name !== 'string') return undefined
  return numbers.get(name) ?? numbers.get(name.toLowerCase())
}

/** The number of a level's name; throws a `LogError` with code `KIT_LOG_BAD_LEVEL` when there is no such level. */
export function requireLevel(name: unknown): number {
  const number = levelNumber(name)
  if (number === undefined) {
    throw new LogError(
      'KIT_LOG_BAD_LEVEL',
      `Unknown level ${shown(name)}. The levels are: ${levelNames.join(', ')}.`,
    )
  }
  return number
}

/** The name of a level's number. */
export function levelName(number: number): Level {
  switch (number) {
    case TRACE:
      return 'trace'
    case DEBUG:
      return 'debug'
    case INFO:
      return 'info'
    case WARN:
      return 'warn'
    case ERROR:
      return 'error'
    case FATAL:
      return 'fatal'
    default:
      return 'silent'
  }
}

function shown(name: unknown): string {
  return typeof name === 'string' ? JSON.stringify(name.slice(0, 64)) : `of type ${typeof name}`
}
