// Streams as destinations: those of Node, and what behaves like them (sonic-boom, thread-stream). A stream keeps
// what it cannot write yet and fails later than it was written to, so three things are added here: an 'error'
// event does not end the process, each line that the stream gives up is counted, and what waits in it is bounded.

import type { Destination } from './destination.ts'
import { callFlush } from './flush.ts'
import type { Sink } from './output.ts'

/** What is used of a stream. Only `on` and `write` need to be there. */
export interface Stream extends Destination {
  on(event: 'error' | 'drain', listener: () => void): unknown
  write(line: string, callback?: (error?: Error | null) => void): unknown
  readonly writable?: boolean | undefined
  readonly writableLength?: number | undefined
  readonly writableObjectMode?: boolean | undefined
}

/** Bytes that may wait in a stream. What is logged while there are more is dropped. */
export const MAX_WAITING_BYTES: number = 8 * 1024 * 1024

/** Whether a destination is to be treated as a stream. */
export function isStream(destination: Destination): destination is Stream {
  return 'on' in destination && typeof destination.on === 'function'
}

/** A stream, listened to and bounded. */
export class StreamSink implements Sink {
  readonly #stream: Stream
  /** Node's own streams call back for each line; those that do not tell of a loss by their 'error' event alone. */
  readonly #callsBack: boolean
  /** Whether the stream itself knows how many bytes wait in it; in object mode it counts lines. */
  readonly #measures: boolean
  /** For a stream that does not: whether it has asked to wait for 'drain', and the bytes it was given since. */
  #full = false
  #bytes = 0
  /** Lines given to a stream that calls back, and those of them that it has called back for, in order. */
  #given = 0
  #settled = 0
  #flushes: { readonly at: number; readonly done: () => void }[] = []

  constructor(stream: Stream, lost: () => void) {
    this.#stream = stream
    this.#callsBack = typeof stream.writableLength === 'number'
    this.#measures = this.#callsBack && stream.writableObjectMode !== true
    stream.on('error', this.#callsBack ? ignore : lost)
    if (this.#measures) return
    stream.on('drain', () => {
      this.#full = false
      this.#bytes = 0
    })
  }

  write(line: string, failed: () => void): void {
    const stream = this.#stream
    if (stream.writable === false) throw new Error('The stream of the log has ended')
    if (this.#waiting() > MAX_WAITING_BYTES) throw new Error('The reader of the log is stalled')
    const more = this.#callsBack ? this.#give(line, failed) : stream.write(line)
    if (this.#measures) return
    if (more === false) this.#full = true
    if (this.#full) this.#bytes += Buffer.byteLength(line)
  }

  flush(done: () => void): void {
    if (callFlush(this.#stream, done)) return
    if (this.#settled < this.#given && this.#stream.writableLength !== 0) {
      this.#flushes.push({ at: this.#given, done })
    } else done()
  }

  #waiting(): number {
    return this.#measures ? (this.#stream.writableLength ?? 0) : this.#bytes
  }

  #give(line: string, failed: () => void): unknown {
    const more = this.#stream.write(line, (error) => {
      if (error) failed()
      this.#settle()
    })
    this.#given += 1
    return more
  }

  #settle(): void {
    this.#settled += 1
    while (this.#flushes[0] !== undefined && this.#flushes[0].at <= this.#settled)
      this.#flushes.shift()?.done()
  }
}

/** The callbacks of the lines say what was lost; the event must only not stay unheard. */
function ignore(): void {}
