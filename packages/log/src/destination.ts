// What lines can be written to, and what the option `destination` stands for.

import { fstatSync, openSync } from 'node:fs'
import { LogError } from './errors.ts'
import { FileDestination } from './file-destination.ts'

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
 * The destination that an option stands for: a path is opened for appending, a number is an open file
 * descriptor, an object is used as it is, nothing is standard output. Throws `LogError`:
 * `KIT_LOG_BAD_DESTINATION`, `KIT_LOG_BAD_OPTION`.
 */
export function resolveDestination(destination: Destination | string | number | undefined): Destination {
  if (destination === undefined) return new FileDestination(STDOUT)
  if (typeof destination === 'number') {
    if (!Number.isInteger(destination) || destination < 0) {
      throw new LogError('KIT_LOG_BAD_OPTION', `destination is no file descriptor: ${destination}.`)
    }
    checkOpen(destination)
    return new FileDestination(destination)
  }
  if (typeof destination === 'string') return new FileDestination(open(destination))
  if (typeof destination !== 'object' || destination === null || typeof destination.write !== 'function') {
    throw new LogError(
      'KIT_LOG_BAD_OPTION',
      'destination is an object with a write(line) method, the path of a file, or a file descriptor.',
    )
  }
  return destination
}

function checkOpen(fd: number): void {
  try {
    fstatSync(fd)
  } catch (error) {
    throw new LogError('KIT_LOG_BAD_DESTINATION', `The file descriptor ${fd} is not open.`, { cause: error })
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'a')
  } catch (error) {
    throw new LogError('KIT_LOG_BAD_DESTINATION', `Cannot open the log file ${path} for appending.`, {
      cause: error,
    })
  }
}
