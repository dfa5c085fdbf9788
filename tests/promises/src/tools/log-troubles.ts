/** Destinations of logs that fail, each with the way to make it well again. */

import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

/** A destination that is in trouble from `begin` on. */
export interface Trouble {
  /** What the process logs to: a path, or 1, which then is `stdout`. */
  readonly destination: string | 1
  readonly stdout: number | 'ignore'
  /** Called when the process has started and logged a line. */
  begin(): void
  /** Makes it well again; undefined where nothing can. */
  readonly lift: (() => void) | undefined
  /** All that has arrived so far. */
  read(): string
  /** Gives back what it took of the system. */
  end(): void
}

/** Makes a trouble in a folder of its own. */
export type MakeTrouble = (folder: string) => Trouble

function nothing(): void {}

/** `/dev/full`, until another file takes its name. */
export function fullDevice(folder: string): Trouble {
  const path = join(folder, 'log')
  const well = join(folder, 'well')
  symlinkSync('/dev/full', path)
  let isWell = false
  return {
    destination: path,
    stdout: 'ignore',
    begin: nothing,
    lift: () => {
      writeFileSync(well, '')
      renameSync(well, path)
      isWell = true
    },
    // Until then there are no lines, and no end to what can be read.
    read: () => (isWell ? readFileSync(path, 'utf8') : ''),
    end: nothing,
  }
}

/** A file system of 64 KiB, until it grows. */
export function smallDisk(folder: string): Trouble {
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])
  const path = join(disk, 'log')
  return {
    destination: path,
    stdout: 'ignore',
    begin: nothing,
    lift: () => void execFileSync('mount', ['-o', 'remount,size=64m', disk]),
    read: () => readFileSync(path, 'utf8'),
    end: () => void execFileSync('umount', ['-l', disk]),
  }
}

/** A pipe that nobody reads, until somebody does. */
export function stalledPipe(folder: string): Trouble {
  const { reader, writer } = pipe(folder)
  let text = ''
  let reading: NodeJS.Timeout | undefined
  const read = (): string => (text += drained(reader))
  return {
    destination: 1,
    stdout: writer,
    begin: nothing,
    lift: () => {
      reading = setInterval(read, 5)
    },
    read,
    end: () => {
      clearInterval(reading)
      closeSync(reader)
      closeSync(writer)
    },
  }
}

/** A pipe whose reader has gone: EPIPE, for good. */
export function brokenPipe(folder: string): Trouble {
  const { reader, writer } = pipe(folder)
  let text = ''
  return {
    destination: 1,
    stdout: writer,
    begin: () => {
      text += drained(reader)
      closeSync(reader)
    },
    lift: undefined,
    read: () => text,
    end: () => closeSync(writer),
  }
}

/** A file that somebody deletes. Its lines are there as long as somebody has it open. */
export function deletedFile(folder: string): Trouble {
  const path = join(folder, 'log')
  writeFileSync(path, '')
  const old = openSync(path, 'r')
  return {
    destination: path,
    stdout: 'ignore',
    begin: () => unlinkSync(path),
    lift: nothing,
    read: () => {
      const bytes = Buffer.alloc(fstatSync(old).size)
      const size = bytes.length === 0 ? 0 : readSync(old, bytes, 0, bytes.length, 0)
      return bytes.toString('utf8', 0, size) + readIfThere(path)
    },
    end: () => closeSync(old),
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** A pipe as shells make them, where Node makes sockets. */
function pipe(folder: string): { reader: number; writer: number } {
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return { reader, writer: openSync(path, constants.O_WRONLY) }
}

function drained(reader: number): string {
  const bytes = Buffer.alloc(65_536)
  let text = ''
  try {
    for (let size = readSync(reader, bytes); size > 0; size = readSync(reader, bytes))
      text += bytes.toString('latin1', 0, size)
  } catch {
    // Nothing there for the moment.
  }
  return text
}
