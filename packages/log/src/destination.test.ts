import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { manualClock } from '@kit/context/testing'
import { createLogger, logStats } from './index.ts'
import type { LogError } from './index.ts'
import { memoryDestination } from './testing.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kit-log-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('files', () => {
  test('are appended to, by path and by descriptor', () => {
    const path = join(folder, 'a.log')
    createLogger({ format: 'text', destination: path }).info('first')
    const fd = openSync(path, 'a')
    createLogger({ format: 'text', destination: fd }).info('second é')
    closeSync(fd)
    expect(readFileSync(path, 'utf8')).toMatch(/ first\n.* second é\n$/)
  })

  test('that cannot be opened are refused at once', () => {
    expect(() => createLogger({ destination: join(folder, 'no', 'a.log') })).toThrow(
      expect.objectContaining({
        code: 'KIT_LOG_BAD_DESTINATION',
        cause: expect.objectContaining({ code: 'ENOENT' }) as unknown,
      }) as LogError,
    )
  })

  test('that are full or closed lose counted lines and throw nothing', () => {
    const log = createLogger({ format: 'json', destination: '/dev/full' })
    const before = logStats().droppedLines
    for (let i = 0; i < 10; i += 1) log.error({ i }, 'x')
    expect(logStats().droppedLines).toBe(before + 10)
    const fd = openSync(join(folder, 'b.log'), 'a')
    const closed = createLogger({ format: 'json', destination: fd })
    closeSync(fd)
    closed.fatal('x')
    expect(logStats().droppedLines).toBe(before + 11)
  })
})

describe.each(['json', 'text'] as const)('an object that fails for a while, in %s', (format) => {
  test('gets one line that tells how many were lost, before the first that gets through', async () => {
    const lines: string[] = []
    let broken = false
    const write = (line: string): void => {
      if (broken) throw new Error('no')
      lines.push(line)
    }
    const log = createLogger({ format, destination: { write }, base: { service: 'shop' } })
    const before = logStats().droppedLines
    log.info('one')
    broken = true
    for (let i = 0; i < 7; i += 1) log.info('lost')
    broken = false
    log.info('\u009btwo')
    log.info('three')
    broken = true
    log.info('lost')
    broken = false
    await log.flush()
    expect(logStats().droppedLines).toBe(before + 8)
    expect(lines).toHaveLength(5)
    expect(lines[1]).toContain('7 lines dropped')
    expect(lines[1]).toContain('shop')
    expect(lines[2]).toContain('two')
    expect(lines[2]).not.toContain('\u009b')
    expect(lines[3]).toContain('three')
    expect(lines[4]).toContain('1 lines dropped')
  })
})

test('a write that rejects later is counted and not left unhandled', async () => {
  const log = createLogger({ destination: { write: () => Promise.reject(new Error('later')) } })
  const before = logStats().droppedLines
  log.info('x')
  await expect.poll(() => logStats().droppedLines).toBe(before + 1)
})

test('a destination that logs does not go round for ever', () => {
  const destination = memoryDestination()
  const log = createLogger({
    format: 'json',
    destination: {
      write: (line) => {
        destination.write(line)
        log.info('from within')
      },
    },
  })
  log.info('x')
  expect(destination.lines).toHaveLength(4)
  expect(destination.records.map(({ msg }) => msg)).toEqual([
    'x',
    'from within',
    'from within',
    'from within',
  ])
})

describe('flush', () => {
  test('waits for the destination, but not for ever, and never rejects', async () => {
    const clock = manualClock()
    let finish: (() => void) | undefined
    const log = createLogger({
      destination: {
        write: () => true,
        flush: (done) => {
          finish = () => done()
        },
      },
    })
    const flushed = log.flush()
    finish?.()
    await flushed
    expect(clock.pendingTimers).toBe(0)
    const late = log.flush(100)
    clock.advance(100)
    await late
    await createLogger({
      destination: {
        write: () => true,
        flush: () => {
          throw new Error('x')
        },
      },
    }).flush()
    await createLogger({ destination: { write: () => true, flush: (done) => done(new Error('x')) } }).flush()
    expect(clock.pendingTimers).toBe(0)
    clock[Symbol.dispose]()
  })

  test('awaits a promise, and takes a rejected one for an end', async () => {
    const clock = manualClock()
    let finish: (() => void) | undefined
    const flushed = vi.fn<() => void>()
    const flush = (): Promise<void> =>
      new Promise((resolve) => {
        finish = resolve
      })
    const done = createLogger({ destination: { write: () => true, flush } })
      .flush()
      .then(flushed)
    await new Promise(setImmediate)
    expect(flushed).not.toHaveBeenCalled()
    finish?.()
    await done
    const broken = { write: () => true, flush: () => Promise.reject(new Error('x')) }
    await createLogger({ destination: broken }).flush()
    expect(clock.pendingTimers).toBe(0)
    clock[Symbol.dispose]()
  })

  test('that is awaited keeps the process until it is given up', async () => {
    const process_ = child(`
      const log = createLogger({ destination: { write() {}, flush() {} } })
      await log.flush(20)
      process.send('resolved')
      process.disconnect()
    `)
    const message = once(process_, 'message')
    expect(await once(process_, 'exit')).toEqual([0, null])
    expect(await message).toEqual(['resolved', undefined])
  })
})

test('a destination that logs while it is told of lost lines does not spoil the count', async () => {
  const lines: string[] = []
  let broken = true
  let nested = false
  const log = createLogger({
    format: 'json',
    destination: {
      write: (line) => {
        if (broken) throw new Error('no')
        lines.push(line)
        if (nested) return
        nested = true
        log.info('from within')
      },
    },
  })
  for (let i = 0; i < 3; i += 1) log.info('lost')
  broken = false
  log.info('after')
  broken = true
  log.info('lost')
  broken = false
  await log.flush()
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    '3 lines dropped',
    'from within',
    'after',
    '1 lines dropped',
  ])
})

const entry = JSON.stringify(new URL('../dist/index.js', import.meta.url).href)

function child(script: string): ChildProcess {
  const source = `import { createLogger, logStats } from ${entry}\n${script}`
  return spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
}

test('a reader that has gone away does not end or stop the process', async () => {
  const process_ = child(`
    const log = createLogger({ format: 'json' })
    log.info('hello')
    process.on('message', () => {
      for (let i = 0; i < 500; i += 1) log.info({ i }, 'x')
      process.send(logStats().droppedLines)
      process.disconnect()
    })
    process.send('ready')
  `)
  await once(process_, 'message')
  process_.stdout?.destroy()
  await once(process_.stdout!, 'close')
  const exited = once(process_, 'exit')
  process_.send('go')
  const [dropped] = (await once(process_, 'message')) as [number]
  expect(dropped).toBe(500)
  expect(await exited).toEqual([0, null])
})

test('a reader that stalls costs lines, all of them counted, and hears how many, with no line cut, when it is back', () => {
  const path = join(folder, 'pipe')
  execFileSync('/usr/bin/env', ['mkfifo', path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  const log = createLogger({ format: 'json', destination: writer })
  const before = logStats().droppedLines
  // More than a pipe takes, in lines that it takes in pieces.
  for (let i = 0; i < 50; i += 1) log.info({ i, pad: 'x'.repeat(6000) }, 'line')
  const dropped = logStats().droppedLines - before
  expect(dropped).toBeGreaterThan(0)
  const bytes = Buffer.alloc(1_000_000)
  const size = readSync(reader, bytes)
  log.info('after')
  const text = bytes.toString('utf8', 0, size + readSync(reader, bytes, size, bytes.length - size, null))
  closeSync(writer)
  closeSync(reader)

  const lines = text.split('\n')
  expect(lines.pop()).toBe('')
  const records = lines.map((line) => JSON.parse(line) as unknown)
  expect(records).toMatchObject([
    ...Array.from({ length: 50 - dropped }, (_, i) => ({ i })),
    { level: 'warn', lost: dropped, msg: `${dropped} lines dropped` },
    { msg: 'after' },
  ])
})

test('a reader that is slower than the writer loses nothing', async () => {
  const process_ = child(`
    process.stdout // makes the pipe non-blocking
    const log = createLogger({ format: 'json' })
    for (let i = 0; i < 500; i += 1) log.info({ i, pad: 'x'.repeat(6000) }, 'line')
    process.send(logStats().droppedLines)
    process.disconnect()
  `)
  let text = ''
  process_.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const closed = once(process_, 'close')
  expect(await once(process_, 'message')).toEqual([0, undefined])
  await closed
  const numbers = text
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { i: number }).i)
  expect(numbers).toEqual(Array.from({ length: 500 }, (_, i) => i))
})

test('lines logged before the process is killed are written', async () => {
  const process_ = child(`
    const log = createLogger({ format: 'json' })
    for (let i = 0; i < 200; i += 1) log.info({ i }, 'x')
    process.kill(process.pid, 'SIGKILL')
  `)
  let text = ''
  process_.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await once(process_, 'close')
  expect(text.split('\n')).toHaveLength(201)
})
