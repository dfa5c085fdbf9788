// Where the lines of loggers end. Nothing here throws once it is set up: a line that a destination does not take
// is counted, and the first line that gets through again is preceded by one that tells how many were lost.

import { clock } from '@kit/context'
import type { Destination } from './destination.ts'
import { callFlush } from './flush.ts'
import { stats } from './stats.ts'
import { isStream, StreamSink } from './stream-sink.ts'

/** What an output hands its lines to. */
export interface Sink {
  /** Takes a line. Throws if it is lost, and calls `failed` if that turns out later. */
  write(line: string, failed: () => void): void
  /** Calls `done` when everything is written or cannot be; more than once does no harm. May throw. */
  flush(done: () => void): void
}

/** The output of a destination. Loggers that write to one stream share it, and with it the count of lost lines. */
export function outputOf(destination: Destination): Output {
  if (!isStream(destination)) return new Output(destination)
  const output = streamOutputs.get(destination) ?? new Output(destination)
  streamOutputs.set(destination, output)
  return output
}

/** One per stream, so that many loggers on standard output do not mean as many listeners. */
const streamOutputs = new WeakMap<Destination, Output>()

/** Writes lines and keeps count of those that are lost. */
export class Output {
  readonly isTerminal: boolean
  readonly #sink: Sink
  readonly #drop: () => void
  #lost = 0
  /** A notice is being written: what that logs in turn needs no second one. */
  #telling = false

  constructor(destination: Destination) {
    this.#drop = () => {
      this.#lost += 1
      stats.droppedLines += 1
    }
    this.isTerminal = destination.isTTY === true
    this.#sink = isStream(destination) ? new StreamSink(destination, this.#drop) : new ObjectSink(destination)
  }

  /** Writes a line; `notice` makes the line that tells of lost ones. Never throws. */
  write(line: string, notice: (lost: number) => string): void {
    const behind = this.#lost > 0 && !this.#telling && !this.#tell(notice)
    if (behind || !this.#try(line, this.#drop)) this.#drop()
  }

  /** Resolves when the destination has written what it was given, at the latest after `timeoutMs`. Never rejects. */
  flush(timeoutMs: number, notice: (lost: number) => string): Promise<void> {
    if (this.#lost > 0) this.#tell(notice)
    return new Promise((resolve) => {
      // It holds the process: who waits for the last lines must not be cut off before they are given up.
      const timer = clock.setTimer(timeoutMs, resolve, { ref: true })
      const done = (): void => {
        timer.cancel()
        resolve()
      }
      try {
        this.#sink.flush(done)
      } catch {
        done()
      }
    })
  }

  #tell(notice: (lost: number) => string): boolean {
    const told = this.#lost
    this.#telling = true
    try {
      const restore = (): void => {
        this.#lost += told
      }
      if (!this.#try(notice(told), restore)) return false
      this.#lost -= told
      return true
    } catch {
      return false
    } finally {
      this.#telling = false
    }
  }

  #try(line: string, failed: () => void): boolean {
    try {
      this.#sink.write(line, failed)
      return true
    } catch {
      return false
    }
  }
}

/** An object with a `write` method, which may answer with a promise. */
class ObjectSink implements Sink {
  readonly #destination: Destination

  constructor(destination: Destination) {
    this.#destination = destination
  }

  write(line: string, failed: () => void): void {
    const result = this.#destination.write(line)
    // Most answer with nothing or a boolean; only what could be a promise is worth a closer look.
    if (typeof result === 'object' && result !== null) Promise.resolve(result).catch(failed)
  }

  flush(done: () => void): void {
    if (!callFlush(this.#destination, done)) done()
  }
}
