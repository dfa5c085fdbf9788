// Files and file descriptors as outputs. All loggers that name one file, or one descriptor, share its output, and
// with it the order of lines and the count of lost ones.

import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs'
import type { BigIntStats } from 'node:fs'
import { resolve } from 'node:path'
import { isatty } from 'node:tty'
import { isMainThread } from 'node:worker_threads'
import { clock } from '@kit/context'
import { LogError } from './errors.ts'
import { onExit } from './exit.ts'
import { FdWriter } from './fd-writer.ts'
import { Output } from './output.ts'
import type { Sink, SinkEvents } from './output.ts'
import { stats } from './stats.ts'

/** Milliseconds between two looks at whether the path still names the file that is open. */
const LOOK_MS = 1000
const STDOUT = 1
const STDERR = 2
// A FIFO without a reader is then an error and not an endless wait. Windows has no such flag.
const NON_BLOCKING: number = constants.O_NONBLOCK ?? 0
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | NON_BLOCKING

/**
 * Always so: Node 20 and 22 leave the answer about a pipe where the module loader looks for one about a link, and from
 * then on resolve no link any more (`fstatSync(1)` and then `require`), unless the numbers are of the other kind.
 */
const EXACT = { bigint: true } as const

const files = new Map<string, { readonly sink: FileSink; readonly output: Output }>()
const descriptors = new Map<number, { readonly file: FileIdentity; readonly output: Output }>()

/** The output of the file at `path`, opened for appending. Throws `LogError`: `KIT_LOG_BAD_DESTINATION`. */
export function outputOfFile(path: string): Output {
  const absolute = resolve(path)
  const known = files.get(absolute)
  if (known !== undefined && known.sink.isCurrent()) return known.output
  let fd: number
  try {
    fd = openSync(absolute, APPEND)
  } catch (error) {
    throw new LogError('KIT_LOG_BAD_DESTINATION', `Cannot open the log file ${path} for appending.`, {
      cause: error,
    })
  }
  if (known !== undefined) {
    known.sink.use(fd)
    return known.output
  }
  let sink: FileSink | undefined
  const output = lasting(isatty(fd), (events) => (sink = new FileSink(absolute, fd, events)))
  if (sink !== undefined) files.set(absolute, { sink, output })
  return output
}

/** The output of an open descriptor. Throws `LogError`: `KIT_LOG_BAD_DESTINATION`. */
export function outputOfDescriptor(fd: number): Output {
  let found: BigIntStats
  try {
    found = fstatSync(fd, EXACT)
  } catch (error) {
    throw new LogError('KIT_LOG_BAD_DESTINATION', `The file descriptor ${fd} is not open.`, { cause: error })
  }
  const known = descriptors.get(fd)
  // The number may have been closed and given to another file since.
  if (known !== undefined && isSame(known.file, found)) return known.output
  const output = lasting(isatty(fd), (events) => new FdWriter(nonBlocking(fd, found), events))
  descriptors.set(fd, { file: { dev: found.dev, ino: found.ino }, output })
  return output
}

function lasting(isTerminal: boolean, sink: (events: SinkEvents) => Sink): Output {
  const output = new Output(isTerminal, sink)
  onExit(() => output.end())
  return output
}

/** Which file, whatever its name. */
interface FileIdentity {
  readonly dev: bigint
  readonly ino: bigint
}

function isSame(a: FileIdentity, b: FileIdentity): boolean {
  return a.dev === b.dev && a.ino === b.ino
}

/**
 * A file that may be renamed, replaced or deleted while it is written. It is opened again by its path when that is
 * asked for, and when a look, once a second at most, finds that the path no longer names it: else the lines would go
 * where nobody reads them.
 */
class FileSink implements Sink {
  readonly #path: string
  readonly #writer: FdWriter
  #nextLook: number

  constructor(path: string, fd: number, events: SinkEvents) {
    this.#path = path
    this.#writer = new FdWriter(fd, events)
    this.#nextLook = clock.now() + LOOK_MS
  }

  write(line: string, failed: () => void, maxWaiting: number): void {
    if (clock.now() >= this.#nextLook) this.#look()
    this.#writer.write(line, failed, maxWaiting)
  }

  flush(done: () => void): void {
    this.#writer.flush(done)
  }

  end(): void {
    this.#writer.end()
  }

  reopen(): boolean {
    try {
      this.use(openSync(this.#path, APPEND))
      return true
    } catch {
      stats.failedReopens += 1
      return false
    }
  }

  /** Goes on with another descriptor, and closes the one before. */
  use(fd: number): void {
    const old = this.#writer.fd
    this.#writer.redirect(fd)
    closeSync(old)
  }

  /** Whether the path still names the file that is open. */
  isCurrent(): boolean {
    this.#nextLook = clock.now() + LOOK_MS
    const found = statSync(this.#path, { ...EXACT, throwIfNoEntry: false })
    return found !== undefined && isSame(found, fstatSync(this.#writer.fd, EXACT))
  }

  /** Looks, and does what is to be done. The line to be written must not be lost for it. */
  #look(): void {
    try {
      if (!this.isCurrent()) this.reopen()
    } catch {
      stats.failedReopens += 1
    }
  }
}

/**
 * A descriptor like `fd` that does not stop the process when its reader does, where there is a way to one. A pipe
 * on standard output is opened again, since the flag of the one that was inherited is shared with other processes.
 * For the rest Node's own streams set that flag, as they do in every program that uses `console`.
 */
function nonBlocking(fd: number, found: BigIntStats): number {
  if ((fd !== STDOUT && fd !== STDERR) || !(found.isFIFO() || found.isSocket())) return fd
  if (found.isFIFO()) {
    try {
      return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | NON_BLOCKING)
    } catch {
      // No such folder, no right to it, or nobody reads the pipe any more.
    }
  }
  if (isMainThread) void (fd === STDOUT ? process.stdout : process.stderr).writable
  return fd
}
