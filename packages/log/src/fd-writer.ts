// Writes lines to a file descriptor. One writer a descriptor, whoever logs to it: the rest of a line that a system
// call has cut goes out before any other line. By default a line is written when the call returns, and waits, with
// an end, for a reader that is behind. In async mode a line joins those that wait, which are written when the turn
// of the event loop ends or a chunk is full; nothing ever waits then, and what exceeds the bound is refused.
//
// Both write from the thread itself and not from the pool of libuv: at exit it is known what is out and what is not,
// so nothing is lost, written twice or out of order, and no system call that never returns holds up the exit.

import { writeSync } from 'node:fs'
import { setImmediate } from 'node:timers'
import { clock } from '@kit/context'
import type { Sink, SinkEvents } from './output.ts'
import { Patience, sleepSync } from './patience.ts'
import { property } from './property.ts'
import { CHUNK_BYTES, WaitingLines } from './waiting-lines.ts'
import type { Page } from './waiting-lines.ts'

/** The system calls, replaceable to inject faults. */
export interface FdSystem {
  /** Writes some of the bytes between two places and returns how many. Throws as `writeSync` of `node:fs` does. */
  write(fd: number, bytes: Buffer, start: number, end: number): number
  /** Blocks the thread. */
  sleep(ms: number): void
}

const nodeSystem: FdSystem = {
  write: (fd, bytes, start, end) => writeSync(fd, bytes, start, end - start),
  sleep: sleepSync,
}

/** Errors after which the same bytes may be taken later. After all others what waits has nowhere to go. */
const PASSING: ReadonlySet<unknown> = new Set([
  'EAGAIN',
  'EINTR',
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'ENOBUFS',
  'ENOMEM',
])
/** Errors that a reader clears by reading, so that waiting makes sense. */
const BUSY: ReadonlySet<unknown> = new Set(['EAGAIN', 'EINTR'])
const LONGEST_RETRY_MS = 256
const LINE_BREAK = Buffer.from('\n')
/** What a pipe holds: a reader that let that much go by has moved. */
const TRUST_BYTES = 65_536

/** One for all, since lines are lost by the thousand where there is no time for stacks. */
const STALLED = new Error('The reader of the log is stalled')

/** A descriptor with lines on their way to it. */
export class FdWriter implements Sink {
  #fd: number
  readonly #system: FdSystem
  readonly #events: SinkEvents
  readonly #waiting = new WaitingLines()
  readonly #turn = (): void => this.#endTurn()
  /**
   * Bytes to go until the reader is waited for again, after it was waited for in vain; until then each line gets one
   * try. A single line says nothing: a pipe that is full for a long one takes a short one.
   */
  #distrust = 0
  /** The last write was refused: until a retry succeeds, lines are only queued. */
  #blocked = false
  /** Lines were refused for want of room. */
  #full = false
  #ended = false
  /** The latest bytes that were written are the beginning of a line that was given up. */
  #torn = false
  #scheduled = false
  #retryMs = 1
  #retrying = false
  #flushes: (() => void)[] = []

  constructor(fd: number, events: SinkEvents, system: FdSystem = nodeSystem) {
    this.#fd = fd
    this.#events = events
    this.#system = system
  }

  /** The descriptor that is written to. */
  get fd(): number {
    return this.#fd
  }

  /** Bytes that were accepted and are not written. */
  get waitingBytes(): number {
    return this.#waiting.bytes
  }

  /** Takes a line: at once if `maxWaiting` is 0, else into at most that many bytes. Throws if it is lost. */
  write(line: string, failed: () => void, maxWaiting: number): void {
    const watcher = failed === this.#events.lost ? undefined : failed
    if (maxWaiting > 0 && !this.#ended) this.#enqueue(line, watcher, maxWaiting)
    else this.#writeNow(line, watcher)
  }

  flush(done: () => void): void {
    this.#drain(undefined)
    if (this.#waiting.bytes === 0) done()
    else this.#flushes.push(done)
  }

  /** Writes what waits, with an end to the waiting, and gives up what is left. From now on every write is immediate. */
  end(): void {
    this.#ended = true
    if (this.#drain(this.#patience())) return
    this.#giveUp()
  }

  /** Goes on with another descriptor. What waits is tried on the old one first; a line begun there ends there. */
  redirect(fd: number): void {
    this.#drain(undefined)
    for (let lines = this.#waiting.giveUpBegun(); lines > 0; lines -= 1) this.#events.lost()
    this.#fd = fd
    this.#torn = false
    this.#distrust = 0
    this.#drain(undefined)
  }

  #writeNow(line: string, watcher: (() => void) | undefined): void {
    const waiting = this.#waiting
    if (waiting.bytes > 0 && !this.#drain(this.#patience())) throw STALLED
    const isTrusted = this.#distrust <= 0
    const { bytes, end } = waiting.encode(line)
    const size = waiting.encoded
    let count = this.#try(bytes, end, end + size)
    if (count === size) return
    const patience = isTrusted ? this.#newPatience() : undefined
    while (count === 0) {
      if (patience?.wait() !== true) {
        this.#stall(patience)
        throw STALLED
      }
      count = this.#try(bytes, end, end + size)
    }
    if (count < size) {
      patience?.progress()
      waiting.accept(watcher)
      waiting.took(count)
      this.#drain(patience)
    }
  }

  #enqueue(line: string, watcher: (() => void) | undefined, maxWaiting: number): void {
    const waiting = this.#waiting
    // Until half of the room is free again, so that losses come in few stretches and are told in few lines.
    if (this.#full && waiting.bytes > maxWaiting / 2) throw STALLED
    this.#full = false
    waiting.encode(line)
    if (waiting.bytes + waiting.encoded > maxWaiting) this.#makeRoom(line, maxWaiting)
    waiting.accept(watcher)
    if (this.#blocked) return
    if (waiting.bytes >= CHUNK_BYTES) this.#drain(undefined)
    else if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(this.#turn)
    }
  }

  /** Has a line encoded that there is room for once what waits is written. Throws if there is none. */
  #makeRoom(line: string, maxWaiting: number): void {
    if (this.#blocked || !this.#drain(undefined) || this.#waiting.encoded > maxWaiting) {
      this.#full = true
      throw STALLED
    }
    this.#waiting.encode(line)
  }

  #endTurn(): void {
    this.#scheduled = false
    if (!this.#blocked) this.#drain(undefined)
  }

  /** Writes what waits, until it is out (true) or the patience is at its end; without any, until it would block. */
  #drain(patience: Patience | undefined): boolean {
    let head = this.#waiting.head()
    if (head === undefined) return true
    for (; head !== undefined; head = this.#waiting.head()) {
      const count = this.#tryWaiting(head)
      if (count > 0) {
        this.#waiting.took(count)
        patience?.progress()
        this.#retryMs = 1
      } else if (this.#waiting.bytes > 0 && (count < 0 || patience?.wait() !== true)) {
        if (count === 0) this.#stall(patience)
        this.#blocked = true
        this.#retryLater()
        return false
      }
    }
    this.#drained()
    return true
  }

  #drained(): void {
    const wasBehind = this.#blocked || this.#full
    this.#blocked = false
    this.#full = false
    for (const done of this.#flushes.splice(0)) done()
    if (wasBehind) this.#events.resumed()
  }

  /** One system call for what waits: the bytes it took, 0 when the reader is behind, -1 for another error. */
  #tryWaiting({ bytes, start, end }: Page): number {
    try {
      return this.#try(bytes, start, end)
    } catch (error) {
      if (!isOneOf(PASSING, error)) this.#giveUp()
      return -1
    }
  }

  /** One system call: the bytes it took, 0 when the reader is behind. Throws other errors. */
  #try(bytes: Buffer, start: number, end: number): number {
    try {
      // Else the next line would be lost with the one that was given up.
      if (this.#torn && this.#system.write(this.#fd, LINE_BREAK, 0, 1) === 0) return 0
      this.#torn = false
      const count = this.#system.write(this.#fd, bytes, start, end)
      this.#distrust -= count
      return count
    } catch (error) {
      if (isOneOf(BUSY, error)) return 0
      throw error
    }
  }

  #giveUp(): void {
    this.#torn ||= this.#waiting.begun
    for (let lines = this.#waiting.giveUp(); lines > 0; lines -= 1) this.#events.lost()
    for (const done of this.#flushes.splice(0)) done()
  }

  #retryLater(): void {
    if (this.#retrying || this.#ended) return
    this.#retrying = true
    clock.setTimer(this.#retryMs, () => {
      this.#retrying = false
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS)
      this.#drain(undefined)
    })
  }

  /** The first line that meets a stalled reader waits for it, those after it do not. */
  #patience(): Patience | undefined {
    return this.#distrust > 0 ? undefined : this.#newPatience()
  }

  #newPatience(): Patience {
    return new Patience((ms) => this.#system.sleep(ms))
  }

  /** The patience, if there was any, is at its end. */
  #stall(patience: Patience | undefined): void {
    if (patience !== undefined) this.#distrust = TRUST_BYTES
  }
}

function isOneOf(codes: ReadonlySet<unknown>, error: unknown): boolean {
  return error instanceof Error && codes.has(property(error, 'code'))
}
