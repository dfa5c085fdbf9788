import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, unlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { manualClock } from '@kit/context/testing'
import type { ManualClock } from '@kit/context/testing'
import { createLogger, logStats } from './index.ts'
import type { LogError, LoggerOptions } from './index.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const entry = JSON.stringify(new URL('../dist/index.js', import.meta.url).href)

let folder: string
let path: string
let clock: ManualClock
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kit-log-'))
  path = join(folder, 'a.log')
  clock = manualClock()
})
afterEach(() => {
  clock[Symbol.dispose]()
  rmSync(folder, { recursive: true, force: true })
})

function open(options?: LoggerOptions) {
  return createLogger({ format: 'json', destination: path, ...options })
}

function messages(file: string): string[] {
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg)
}

describe('loggers of one file', () => {
  test('keep the order of their lines, in whatever mode they are', async () => {
    const slow = open({ async: true })
    const fast = open()
    slow.info('1')
    slow.info('2')
    fast.info('3')
    slow.info('4')
    expect(messages(path)).toEqual(['1', '2', '3'])
    await slow.flush()
    expect(messages(path)).toEqual(['1', '2', '3', '4'])
  })

  test('open it once, by whatever name', () => {
    const opened = (): number => Number(execFileSync('/bin/sh', ['-c', `ls /proc/${process.pid}/fd | wc -l`]))
    open()
    const before = opened()
    for (let i = 0; i < 100; i += 1) open({ destination: join(folder, 'x', '..', 'a.log') })
    expect(opened()).toBeLessThan(before + 50)
  })
})

describe('a file that is rotated', () => {
  test('is opened again when asked, with what waits going to the old one', () => {
    const log = open({ async: true })
    const other = open()
    log.info('old')
    renameSync(path, `${path}.1`)
    log.info('still old')
    expect(other.reopen()).toBe(true)
    log.info('new')
    other.info('newer')
    expect(messages(`${path}.1`)).toEqual(['old', 'still old'])
    expect(messages(path)).toEqual(['new', 'newer'])
  })

  test('is noticed within a second of logging, whether it was renamed, replaced or deleted', () => {
    const log = open()
    log.info('1')
    renameSync(path, `${path}.1`)
    log.info('2')
    clock.advance(1000)
    log.info('3')
    expect(messages(`${path}.1`)).toEqual(['1', '2'])
    expect(messages(path)).toEqual(['3'])
    renameSync(path, `${path}.2`)
    closeSync(openSync(path, 'w'))
    clock.advance(1000)
    log.info('4')
    expect(messages(path)).toEqual(['4'])
    unlinkSync(path)
    clock.advance(1000)
    log.info('5')
    expect(messages(path)).toEqual(['5'])
  })

  test('is noticed at once by a new logger', () => {
    const old = open()
    renameSync(path, `${path}.1`)
    const log = open()
    log.info('new')
    old.info('as well')
    expect(messages(path)).toEqual(['new', 'as well'])
  })

  test('whose folder is gone is written on, and counted', () => {
    const log = open()
    rmSync(folder, { recursive: true })
    const before = logStats()
    expect(log.reopen()).toBe(false)
    clock.advance(1000)
    log.info('x')
    log.info('y')
    const after = logStats()
    expect(after.failedReopens).toBe(before.failedReopens + 2)
    expect(after.droppedLines).toBe(before.droppedLines)
    expect(() => open()).toThrow(expect.objectContaining({ code: 'KIT_LOG_BAD_DESTINATION' }) as LogError)
  })

  test('is opened again on a signal, which ends nothing', async () => {
    const process_ = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { createLogger } from ${entry}
         import { renameSync } from 'node:fs'
         const path = ${JSON.stringify(path)}
         const loggers = [path, path, path + '.other'].map((destination) =>
           createLogger({ format: 'json', destination, reopenOnSignal: 'SIGHUP' }))
         for (const log of loggers) log.info('old')
         renameSync(path, path + '.1')
         process.once('SIGHUP', () => {
           for (const log of loggers) log.info('new')
           console.log(process.listenerCount('SIGHUP'))
         })
         process.kill(process.pid, 'SIGHUP')
         setTimeout(() => {}, 60_000)
         process.once('SIGHUP', () => setImmediate(() => process.exit(0)))`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let text = ''
    process_.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    expect(await once(process_, 'close')).toEqual([0, null])
    expect(messages(`${path}.1`)).toEqual(['old', 'old'])
    expect(messages(path)).toEqual(['new', 'new'])
    expect(messages(`${path}.other`)).toEqual(['old', 'new'])
    // Ours, once for all; of the two others, one has been taken off and one is about to be.
    expect(text).toBe('2\n')
  })
})

test('what is no file is not opened again', () => {
  expect(createLogger({ destination: 1 }).reopen()).toBe(false)
  expect(createLogger({ destination: { write: () => true } }).reopen()).toBe(false)
})

test('a FIFO without a reader is refused instead of waited for', () => {
  execFileSync('/usr/bin/env', ['mkfifo', path])
  expect(() => open()).toThrow(
    expect.objectContaining({
      code: 'KIT_LOG_BAD_DESTINATION',
      cause: expect.objectContaining({ code: 'ENXIO' }) as unknown,
    }) as LogError,
  )
})

test('a descriptor whose number is given to another file is another destination', () => {
  const first = openSync(path, 'a')
  const before = logStats().droppedLines
  const lost = createLogger({ format: 'json', destination: first })
  closeSync(first)
  lost.info('lost')
  const second = openSync(join(folder, 'b.log'), 'a')
  expect(second).toBe(first)
  createLogger({ format: 'json', destination: second }).info('found')
  expect(messages(join(folder, 'b.log'))).toEqual(['found'])
  expect(logStats().droppedLines).toBe(before + 1)
  closeSync(second)
})
