// Where the lines of loggers end. Nothing here throws once it is set up: a line that a destination does not take
// is counted, and the first line that gets through again is preceded by one that tells how many were lost.

import { clock } from '@kit/context'
import type { Destination } from './destination.ts'
import { callFlush } from './flush.ts'
import { stats } from './stats.ts'
import { isStream, StreamSink } from './stream-sink.ts'

/** What an output hands its lines to. */
export interface Sink {
  /**
   * Takes a line. Throws if it is lost, and calls `failed` if that turns out later. `maxWaiting` is the number of
   * bytes that may wait in a sink of our own; 0 means that the line is written when this returns.
   */
  write(line: string, failed: () => void, maxWaiting: number): void
  /** Calls `done` when everything is written or cannot be; more than once does no harm. May throw. */
  flush(done: () => void): void
  /** Writes what waits, now or never. Called when the process exits; later lines are written at once. */
  end?(): void
  /** Opens the file again by its name. False if that failed, or there is no file. */
  reopen?(): boolean
}

/** What an output is told by those that it writes for. */
export interface LineSource {
  /** Bytes that may wait in a sink of our own; 0 for none. */
  readonly maxWaiting: number
  /** Makes the line that tells of lost ones. */
  notice(lost: number): string
}

/** The output of an object. Loggers that write to one stream share it, and with it the count of lost lines. */
export function outputOf(destination: Destination): Output {
  const isTerminal = destination.isTTY === true
  if (!isStream(destination)) return new Output(isTerminal, () => new ObjectSink(destination))
  const output =
    streamOutputs.get(destination) ?? new Output(isTerminal, ({ lost }) => new StreamSink(destination, lost))
  streamOutputs.set(destination, output)
  return output
}

/** One per stream, so that many loggers on standard output do not mean as many listeners. */
const streamOutputs = new WeakMap<Destination, Output>()

/** What a sink tells its output. */
export interface SinkEvents {
  /** A line that was accepted is lost after all. Lines given with another `failed` are told by that. */
  readonly lost: () => void
  /** Everything that waited is written, after some time in which nothing could be. */
  readonly resumed: () => void
}

/** Writes lines and keeps count of those that are lost. */
export class Output {
  readonly isTerminal: boolean
  readonly #sink: Sink
  readonly #drop: () => void
  #lost = 0
  /** Who the latest line came from: tells of losses when there is no line to do it before. */
  #source: LineSource | undefined
  /** A notice is being written: what that logs in turn needs no second one. */
  #telling = false

  constructor(isTerminal: boolean, sink: (events: SinkEvents) => Sink) {
    this.#drop = () => {
      this.#lost += 1
      stats.droppedLines += 1
    }
    this.isTerminal = isTerminal
    this.#sink = sink({ lost: this.#drop, resumed: () => this.#tellIfLost() })
  }

  /** Writes a line. Never throws. */
  write(line: string, source: LineSource): void {
    this.#source = source
    const behind = this.#lost > 0 && !this.#telling && !this.#tell(source)
    if (behind || !this.#try(line, this.#drop, source.maxWaiting)) this.#drop()
  }

  /** Resolves when the destination has written what it was given, at the latest after `timeoutMs`. Never rejects. */
  flush(timeoutMs: number, source: LineSource): Promise<void> {
    this.#source = source
    this.#tellIfLost()
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

  /** Writes what waits, and tells what is lost, before the process is gone. */
  end(): void {
    this.#sink.end?.()
    this.#tellIfLost()
  }

  /** Opens the file again by its name. False if that failed, or there is no file. */
  reopen(): boolean {
    return this.#sink.reopen?.() ?? false
  }

  #tellIfLost(): void {
    if (this.#lost > 0 && !this.#telling && this.#source !== undefined) this.#tell(this.#source)
  }

  #tell(source: LineSource): boolean {
    const told = this.#lost
    this.#telling = true
    try {
      const restore = (): void => {
        this.#lost += told
      }
      if (!this.#try(source.notice(told), restore, source.maxWaiting)) return false
      this.#lost -= told
      return true
    } catch {
      return false
    } finally {
      this.#telling = false
    }
  }

  #try(line: string, failed: () => void, maxWaiting: number): boolean {
    try {
      this.#sink.write(line, failed, maxWaiting)
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
