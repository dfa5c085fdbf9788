/** R8: logging survives whatever happens to the place that the lines go to, and tells how many it missed. */

import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LoggingOrder, LoggingReport } from '../programs/logging.ts'
import { keeps, type Figure, type PublishedPromise, type Trial } from '../promise.ts'
import {
  brokenPipe,
  deletedFile,
  fullDevice,
  smallDisk,
  stalledPipe,
  type MakeTrouble,
} from '../tools/log-troubles.ts'
import { forkProgram, nextMessage } from '../tools/programs.ts'

const troubles: Readonly<Record<string, MakeTrouble>> = {
  'a full device': fullDevice,
  'a disk of 64 KiB': smallDisk,
  'a broken pipe': brokenPipe,
  'a stalled pipe': stalledPipe,
  'a deleted file': deletedFile,
}

const modes = { sync: false, async: true } as const

const standstillMs = 50

/** After so long without any sign of life a process hangs. */
const patienceMs = 10_000

/** Trials at one time; most of each is waiting. */
const atOnce = 3

export const promise: PublishedPromise = {
  id: 'R8',
  says: 'Logging to a full disk, a broken or stalled pipe or a deleted file throws nothing, holds nothing up, lets the process end, and tells how many lines were lost.',
  tiers: ['change', 'nightly'],
  needs: ['tmpfs', '/dev/full'],
  speaksOf: [
    'packages/log/src/fd-writer.ts',
    'packages/log/src/file-output.ts',
    'packages/log/src/output.ts',
    'packages/log/src/patience.ts',
    'packages/log/src/waiting-lines.ts',
  ],
  async run(trial) {
    const cases = Object.entries(troubles).flatMap(([name, make]) =>
      Object.entries(modes).flatMap(([mode, isAsync]) => [
        { what: `${name}, ${mode}`, make, isAsync, isLifted: true },
        { what: `${name} until the end, ${mode}`, make, isAsync, isLifted: false },
      ]),
    )
    // Of those that nothing makes well, and of those that are never ill to the process, one kind is all there is.
    const distinct = cases.filter(
      ({ make, isLifted }) =>
        isLifted === (make !== brokenPipe) || (make !== brokenPipe && make !== deletedFile),
    )
    const found = new Map<Case, Found>()
    let next = 0
    const worker = async (): Promise<void> => {
      for (let one = distinct[next++]; one !== undefined; one = distinct[next++]) {
        found.set(one, await tryUntilQuiet(trial, one))
        trial.progress(found.size, distinct.length, 'destinations')
      }
    }
    const results = await Promise.allSettled(Array.from({ length: atOnce }, worker))
    for (const result of results) if (result.status === 'rejected') throw result.reason
    report(trial, found)
  },
  plants: [
    {
      bug: 'a line that is lost is not counted',
      file: 'log/dist/output.js',
      find: 'stats.droppedLines += 1;',
      replace: '',
    },
    {
      bug: 'the notice of lost lines is not written',
      file: 'log/dist/output.js',
      find: '!this.#try(source.notice(told), restore, source.maxWaiting)',
      replace: 'false',
    },
    {
      bug: 'an error of the disk comes out of a timer',
      file: 'log/dist/fd-writer.js',
      find: 'if (!isOneOf(PASSING, error))',
      replace: 'throw error; if (false)',
    },
    {
      bug: 'what follows a line that was given up goes on in it',
      file: 'log/dist/fd-writer.js',
      find: 'this.#torn ||= this.#waiting.begun;',
      replace: '',
    },
    {
      bug: 'every line waits for a stalled reader',
      file: 'log/dist/fd-writer.js',
      find: 'this.#distrust = TRUST_BYTES;',
      replace: 'this.#distrust = 0;',
    },
    {
      bug: 'a deleted file is written on',
      file: 'log/dist/file-output.js',
      find: 'if (clock.now() >= this.#nextLook)',
      replace: 'if (false)',
    },
  ],
}

interface Case {
  readonly what: string
  readonly make: MakeTrouble
  readonly isAsync: boolean
  /** Whether it is well again before the process ends. */
  readonly isLifted: boolean
}

/** What one trial found. */
interface Found {
  readonly thrown: number
  readonly gapMs: number
  readonly exitMs: number
  readonly mixed: number
  readonly unaccounted: number
  readonly untold: number
}

/** The worst of each kind, and where it was if it is beyond its bound. */
function report(trial: Trial, found: ReadonlyMap<Case, Found>): void {
  const missed = new Set<string>()
  const tell = (figure: Figure, read: (one: Found, of: Case) => number): void => {
    const values = [...found].map(([of, one]) => ({ of, value: read(one, of) }))
    const whole = { ...figure, value: Math.max(...values.map(({ value }) => value)) }
    for (const { of, value } of values)
      if (!keeps({ ...figure, value })) missed.add(`${figure.what}: ${of.what}`)
    trial.figure(whole)
  }
  const figure = (what: string, unit: string, bound: Partial<Figure>): Figure => ({
    what,
    unit,
    value: 0,
    ...bound,
  })
  tell(figure('errors out of the logger', 'errors', { exactly: 0 }), ({ thrown }) => thrown)
  // A thread that writes synchronously can only wait for the reader: once, for a second, and then no more.
  tell(figure('longest standstill', 'ms', { atMost: standstillMs }), ({ gapMs }, of) =>
    waitsForReader(of) ? 0 : gapMs,
  )
  tell(
    figure('longest standstill for a stalled reader, when not async', 'ms', { atMost: 1500 }),
    ({ gapMs }, of) => (waitsForReader(of) ? gapMs : 0),
  )
  tell(figure('longest process.exit', 'ms', { atMost: 2000 }), ({ exitMs }) => exitMs)
  tell(
    figure('lines neither written nor counted as lost', 'lines', { exactly: 0 }),
    ({ unaccounted }) => unaccounted,
  )
  tell(
    figure('lost lines that the log does not tell of once it is well', 'lines', { exactly: 0 }),
    ({ untold }) => untold,
  )
  tell(figure('lines run together', 'lines', { exactly: 0 }), ({ mixed }) => mixed)
  if (missed.size > 0) throw new Error([...missed].join('; '))
}

function waitsForReader({ make, isAsync }: Case): boolean {
  return make === stalledPipe && !isAsync
}

/** A machine with other things to do holds a process up as well, in ways that it does not tell of. */
const attempts = 3

/** Tries again while the standstill is too long; all else counts at its worst. */
async function tryUntilQuiet(trial: Trial, one: Case): Promise<Found> {
  let found = await tryOne(trial, one)
  for (let attempt = 1; attempt < attempts && found.gapMs > standstillMs && !waitsForReader(one); attempt++) {
    const again = await tryOne(trial, one)
    found = {
      thrown: found.thrown + again.thrown,
      gapMs: Math.min(found.gapMs, again.gapMs),
      exitMs: Math.max(found.exitMs, again.exitMs),
      mixed: found.mixed + again.mixed,
      unaccounted: found.unaccounted + again.unaccounted,
      untold: found.untold + again.untold,
    }
  }
  return found
}

async function tryOne(trial: Trial, { make, isAsync, isLifted }: Case): Promise<Found> {
  const folder = mkdtempSync(join(trial.folder, 'log-'))
  const trouble = make(folder)
  const file = join(folder, 'report')
  const order: LoggingOrder = {
    destination: trouble.destination,
    isAsync,
    report: file,
    forMs: trial.pick({ change: 300, nightly: 10_000, release: 10_000 }),
  }
  const program = forkProgram('logging', [JSON.stringify(order)], {
    stdio: ['ignore', trouble.stdout, 'inherit', 'ipc'],
  })
  // One that hangs is no news from any more.
  const limit = setTimeout(() => program.kill('SIGKILL'), order.forMs + patienceMs)
  try {
    await nextMessage(program)
    trouble.begin()
    program.send('go')
    await nextMessage(program)
    if (isLifted) {
      trouble.lift?.()
      program.send('resume')
      await arrived(() => trouble.read(), '"msg":"after"')
    }
    const ended = once(program, 'exit')
    const startMs = performance.now()
    program.send('exit')
    await ended
    const exitMs = performance.now() - startMs
    const { logged, dropped, thrown, gapMs } = JSON.parse(readFileSync(file, 'utf8')) as LoggingReport
    const { written, told, mixed } = tally(trouble.read())
    return {
      thrown,
      gapMs,
      exitMs,
      mixed,
      unaccounted: Math.abs(logged - written - dropped),
      untold: isLifted ? Math.abs(dropped - told) : 0,
    }
  } finally {
    clearTimeout(limit)
    program.kill('SIGKILL')
    trouble.end()
  }
}

/** Resolves when this text has arrived. */
async function arrived(read: () => string, text: string): Promise<void> {
  const startMs = performance.now()
  while (!read().includes(text)) {
    if (performance.now() - startMs > patienceMs) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** A line that was cut when it was given up is none. */
function parsed(line: string): { msg: string; lost?: number } | undefined {
  try {
    return JSON.parse(line) as { msg: string; lost?: number }
  } catch {
    return undefined
  }
}

/** The lines that arrived whole, how many lost ones they tell of, and the lines that have a part of another. */
function tally(text: string): { written: number; told: number; mixed: number } {
  const lines = text.split('\n')
  const records = lines.flatMap((line) => parsed(line) ?? [])
  return {
    written: records.filter(({ msg }) => msg === 'line' || msg === 'after' || msg === 'first').length,
    told: records.reduce((sum, { lost = 0 }) => sum + lost, 0),
    mixed: lines.filter((line) => line.lastIndexOf('{"level"') > 0).length,
  }
}
