// What lines can be written to, and what the option `destination` stands for.

import { LogError } from './errors.ts'
import { outputOfDescriptor, outputOfFile } from './file-output.ts'
import { outputOf } from './output.ts'
import type { Output } from './output.ts'

/**
 * Anything that takes lines: a pino destination, a stream, an array in a test. One that has `on` as well is
 * treated as a stream: its errors are listened to, and lines are dropped and counted while 8 MiB wait in it.
 */
export interface Destination {
  /** Gets one line, its line break included. A throw or a rejected promise counts as a lost line. */
  write(line: string): unknown
  /**
   * Called by `logger.flush`. Calls back when everything is written (as in sonic-boom), or returns a promise
   * of it; what comes first counts, and a failure ends the waiting too.
   */
  flush?: ((done: (error?: Error | null) => void) => unknown) | undefined
  /** Whether this is a terminal, as streams say it. Lets the format `auto` choose text. */
  readonly isTTY?: boolean | undefined
}

const STDOUT = 1

/**
 * The output that an option stands for: a path is opened for appending, a number is an open file
 * descriptor, an object is used as it is, nothing is standard output. Throws `LogError`:
 * `KIT_LOG_BAD_DESTINATION`, `KIT_LOG_BAD_OPTION`.
 */
export function resolveDestination(destination: Destination | string | number | undefined): Output {
  if (destination === undefined) return outputOfDescriptor(STDOUT)
  if (typeof destination === 'number') {
    if (!Number.isInteger(destination) || destination < 0) {
      throw new LogError('KIT_LOG_BAD_OPTION', `destination is no file descriptor: ${destination}.`)
    }
    return outputOfDescriptor(destination)
  }
  if (typeof destination === 'string') return outputOfFile(destination)
  if (typeof destination !== 'object' || destination === null || typeof destination.write !== 'function') {
    throw new LogError(
      'KIT_LOG_BAD_OPTION',
      'destination is an object with a write(line) method, the path of a file, or a file descriptor.',
    )
  }
  return outputOf(destination)
}
