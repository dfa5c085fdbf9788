// A file descriptor as a destination. Writing is synchronous, so that a line that was logged before a crash is a
// line that was written.

import { writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Destination } from './destination.ts'
import { property } from './property.ts'

/** Milliseconds without any progress after which a full pipe counts as stalled. */
const STALL_MS = 1000
const NEWLINE = Buffer.from('\n')

/**
 * A file descriptor, written to synchronously. A pipe whose reader is behind is waited for, at most
 * `STALL_MS` without progress; after that each line gets one try until the reader moves again, so that a dead
 * reader cannot stop the process line by line.
 */
export class FileDestination implements Destination {
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

const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** Blocks the thread: there is no event loop to wait on between two synchronous writes. */
function sleep(ms: number): void {
  Atomics.wait(sleeper, 0, 0, ms)
}
