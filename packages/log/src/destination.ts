// Where lines go. Writing is synchronous, so that a line that was logged before a crash is a line that was
// written. Nothing here throws once it is set up: a line that a destination does not take is counted, and the
// first line that gets through again is preceded by one that tells how many were lost.

import { openSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import { clock } from '@kit/context'
import { LogError } from './errors.ts'
import { property } from './property.ts'
import { stats } from './stats.ts'

/** Anything that takes lines: a pino destination, a stream, an array in a test. */
export interface Destination {
  /** Gets one line, its line break included. A throw or a rejected promise counts as a lost line. */
  write(line: string): unknown
  /** Called by `logger.flush`; calls back when everything is written (as in sonic-boom). */
  flush?(done: (error?: Error | null) => void): unknown
  /** Whether this is a terminal, as streams say it. Lets the format `auto` choose text. */
  readonly isTTY?: boolean
}

/** The output of one `createLogger`. */
export class Output {
  readonly isTerminal: boolean
  readonly #destination: Destination
  #lost = 0

  constructor(destination: Destination) {
    this.#destination = destination
    this.isTerminal = destination.isTTY === true
  }

  /** Writes a line; `notice` makes the line that tells of lost ones. Never throws. */
  write(line: string, notice: (lost: number) => string): void {
    if (this.#lost > 0 && !this.#tell(notice)) {
      this.#drop()
      return
    }
    if (!this.#try(line)) this.#drop()
  }

  /** Resolves when the destination has written what it was given, at the latest after `timeoutMs`. Never rejects. */
  flush(timeoutMs: number, notice: (lost: number) => string): Promise<void> {
    if (this.#lost > 0) this.#tell(notice)
    const destination = this.#destination
    if (typeof destination.flush !== 'function') return Promise.resolve()
    return new Promise((resolve) => {
      const timer = clock.setTimer(timeoutMs, resolve)
      const done = (): void => {
        timer.cancel()
        resolve()
      }
      try {
        destination.flush?.(done)
      } catch {
        done()
      }
    })
  }

  #tell(notice: (lost: number) => string): boolean {
    const told = this.#lost
    if (!this.#try(notice(told))) return false
    this.#lost -= told
    return true
  }

  #try(line: string): boolean {
    try {
      const result = this.#destination.write(line)
      // Streams answer with a boolean; only what could be a promise is worth a closer look.
      if (typeof result === 'object' && result !== null) {
        Promise.resolve(result).catch(() => this.#drop())
      }
      return true
    } catch {
      return false
    }
  }

  #drop(): void {
    this.#lost += 1
    stats.droppedLines += 1
  }
}

/**
 * The destination that an option stands for: a path is opened for appending, a number is a file descriptor,
 * an object is used as it is. Throws `LogError`: `KIT_LOG_BAD_DESTINATION`, `KIT_LOG_BAD_OPTION`.
 */
export function resolveDestination(destination: Destination | string | number): Destination {
  if (typeof destination === 'number') {
    if (!Number.isInteger(destination) || destination < 0) {
      throw new LogError('KIT_LOG_BAD_OPTION', `destination is no file descriptor: ${destination}.`)
    }
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

/** Milliseconds without any progress after which a full pipe counts as stalled. */
const STALL_MS = 1000
const NEWLINE = Buffer.from('\n')

/**
 * A file descriptor, written to synchronously. A pipe whose reader is behind is waited for, at most
 * `STALL_MS` without progress; after that each line gets one try until the reader moves again, so that a dead
 * reader cannot stop the process line by line.
 */
class FileDestination implements Destination {
  readonly isTTY: boolean
  readonly #fd: number
  #stalled = false
  /** The last line was cut in the middle: what follows must start on a line of its own. */
  #torn = false

  constructor(fd: number) {
    this.#fd = fd
    this.isTTY = isatty(fd)
  }

  write(line: string): void {
    const bytes = Buffer.from(line)
    this.#writeAll(this.#torn ? Buffer.concat([NEWLINE, bytes]) : bytes)
  }

  #writeAll(bytes: Buffer): void {
    let written = 0
    let waitMs = 1
    let waitedMs = 0
    while (written < bytes.length) {
      const count = this.#writeSome(bytes, written)
      if (count > 0) {
        written += count
        waitMs = 1
        waitedMs = 0
        this.#stalled = false
      } else if (this.#stalled || waitedMs >= STALL_MS) {
        this.#stalled = true
        this.#torn ||= written > 0
        throw new Error('The reader of the log is stalled')
      } else {
        sleep(waitMs)
        waitedMs += waitMs
        waitMs = Math.min(waitMs * 2, 16)
      }
    }
    this.#torn = false
  }

  /** One system call: how many bytes went out, 0 when the pipe is full. */
  #writeSome(bytes: Buffer, from: number): number {
    try {
      return writeSync(this.#fd, bytes, from)
    } catch (error) {
      if (error instanceof Error && property(error, 'code') === 'EAGAIN') return 0
      this.#torn ||= from > 0
      throw error
    }
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

const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** Blocks the thread: there is no event loop to wait on between two synchronous writes. */
function sleep(ms: number): void {
  Atomics.wait(sleeper, 0, 0, ms)
}
