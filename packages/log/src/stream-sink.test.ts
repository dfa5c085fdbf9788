import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { Writable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { manualClock } from '@kit/context/testing'
import { createLogger, logStats } from './index.ts'
import { MAX_WAITING_BYTES } from './stream-sink.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const entry = JSON.stringify(new URL('../dist/index.js', import.meta.url).href)

interface Held {
  readonly stream: Writable
  readonly lines: string[]
  /** Lets go of what waits, and of what comes. */
  release(): void
}

/** A stream that writes nothing until it is released. */
function held(options: { objectMode?: boolean; decodeStrings?: boolean } = {}): Held {
  const lines: string[] = []
  let isOpen = false
  let waiting: (() => void) | undefined
  const stream = new Writable({
    ...options,
    write(chunk: Buffer | string, _encoding, done) {
      lines.push(String(chunk))
      if (isOpen) done()
      else waiting = done
    },
  })
  return {
    stream,
    lines,
    release() {
      isOpen = true
      waiting?.()
    },
  }
}

/** The messages of JSON lines. */
function messages(lines: readonly string[]): string[] {
  return lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
}

test('standard output into a reader that goes away neither ends the process nor hides what is lost', async () => {
  const process_ = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { createLogger, logStats } from ${entry}
       const log = createLogger({ format: 'json', destination: process.stdout })
       log.info('hello')
       process.on('message', () => {
         for (let i = 0; i < 50; i += 1) log.info({ i }, 'x')
         setImmediate(() => {
           for (let i = 0; i < 50; i += 1) log.info({ i }, 'x')
           setImmediate(() => {
             process.send(logStats().droppedLines)
             process.disconnect()
           })
         })
       })
       process.send('ready')`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
  )
  await once(process_, 'message')
  process_.stdout?.destroy()
  await once(process_.stdout!, 'close')
  const exited = once(process_, 'exit')
  process_.send('go')
  expect(await once(process_, 'message')).toEqual([100, undefined])
  expect(await exited).toEqual([0, null])
})

test.each([{}, { objectMode: true }, { decodeStrings: false }])(
  'what waits in a stalled stream with %j is bounded, and what is lost is told when it moves again',
  async (options) => {
    const { stream, lines, release } = held(options)
    const log = createLogger({ format: 'json', destination: stream })
    const before = logStats().droppedLines
    const pad = 'x'.repeat(16_000)
    const count = Math.ceil((2 * MAX_WAITING_BYTES) / pad.length)
    for (let i = 0; i < count; i += 1) log.info({ pad }, 'line')
    const dropped = logStats().droppedLines - before
    const kept = count - dropped
    expect(kept * pad.length).toBeGreaterThan(0.9 * MAX_WAITING_BYTES)
    expect(kept * pad.length).toBeLessThan(1.1 * MAX_WAITING_BYTES)
    release()
    await log.flush()
    log.info('after')
    await log.flush()
    expect(messages(lines)).toEqual([
      ...Array<string>(kept).fill('line'),
      `${dropped} lines dropped`,
      'after',
    ])
    expect(logStats().droppedLines).toBe(before + dropped)
  },
)

test('a burst that a stream takes at once is not held against it', () => {
  const stream = new Writable({
    highWaterMark: 1,
    write(_chunk, _encoding, done) {
      done()
    },
  })
  const log = createLogger({ format: 'json', destination: stream })
  const before = logStats().droppedLines
  const pad = 'x'.repeat(16_000)
  for (let bytes = 0; bytes < 2 * MAX_WAITING_BYTES; bytes += pad.length) log.info({ pad }, 'line')
  expect(logStats().droppedLines).toBe(before)
})

test('each line that a stream fails to write is counted once, also those that waited in it', async () => {
  let fail: ((error: Error) => void) | undefined
  const stream = new Writable({
    write(_chunk, _encoding, done) {
      fail = done
    },
  })
  const log = createLogger({ format: 'json', destination: stream })
  const before = logStats().droppedLines
  for (let i = 0; i < 5; i += 1) log.info('lost')
  fail?.(new Error('disk'))
  await log.flush()
  expect(logStats().droppedLines).toBe(before + 5)
  for (let i = 0; i < 3; i += 1) log.info('lost too')
  expect(logStats().droppedLines).toBe(before + 8)
})

test('a notice that is lost as well is given again, and counts as no line', async () => {
  const lines: string[] = []
  let broken = true
  // Goes on after an error, as standard output does.
  class Lasting extends EventEmitter {
    readonly writableLength: number = 0
    write(line: string, done: (error?: Error) => void): boolean {
      if (!broken) lines.push(line)
      setImmediate(done, broken ? new Error('busy') : undefined)
      return true
    }
  }
  const log = createLogger({ format: 'json', destination: new Lasting() as never })
  const before = logStats().droppedLines
  for (let i = 0; i < 3; i += 1) {
    log.info('lost')
    // oxlint-disable-next-line no-await-in-loop -- each failure is to be known before the next line
    await new Promise(setImmediate)
  }
  broken = false
  log.info('after')
  await log.flush()
  expect(logStats().droppedLines).toBe(before + 3)
  expect(messages(lines)).toEqual(['3 lines dropped', 'after'])
})

test('flush waits for a stream that has no flush of its own', async () => {
  const clock = manualClock()
  const { stream, lines, release } = held()
  const log = createLogger({ format: 'json', destination: stream })
  for (let i = 0; i < 3; i += 1) log.info('x')
  const flushed = log.flush()
  await new Promise(setImmediate)
  expect(clock.pendingTimers).toBe(1)
  release()
  await flushed
  expect(lines).toHaveLength(3)
  expect(clock.pendingTimers).toBe(0)
  clock[Symbol.dispose]()
})

test('loggers on one stream share its listeners and its losses', async () => {
  const { stream, lines, release } = held()
  const logs = Array.from({ length: 20 }, () => createLogger({ format: 'json', destination: stream }))
  expect([stream.listenerCount('error'), stream.listenerCount('drain')]).toEqual([1, 0])
  const pad = 'x'.repeat(16_000)
  const before = logStats().droppedLines
  for (let i = 0; i < 1000 && logStats().droppedLines === before; i += 1) logs[0]?.info({ pad }, 'line')
  release()
  await logs[1]?.flush()
  logs[2]?.info('after')
  await logs[2]?.flush()
  expect(messages(lines).slice(-2)).toEqual(['1 lines dropped', 'after'])
})

test('a stream that only resembles those of Node is bounded until it drains, and its errors are counted', async () => {
  class Other extends EventEmitter {
    readonly lines: string[] = []
    full = true
    write(line: string): boolean {
      this.lines.push(line)
      return !this.full
    }
  }
  const stream = new Other()
  const log = createLogger({ format: 'json', destination: stream })
  const before = logStats().droppedLines
  const pad = 'x'.repeat(16_000)
  for (let i = 0; i < 1000 && logStats().droppedLines === before; i += 1) log.info({ pad }, 'line')
  expect(stream.lines.length * pad.length).toBeGreaterThan(0.9 * MAX_WAITING_BYTES)
  expect(stream.lines.length * pad.length).toBeLessThan(1.1 * MAX_WAITING_BYTES)
  stream.lines.length = 0
  stream.full = false
  stream.emit('drain')
  log.info('after')
  stream.emit('error', new Error('x'))
  log.info('end')
  expect(messages(stream.lines)).toEqual(['1 lines dropped', 'after', '1 lines dropped', 'end'])
  expect(logStats().droppedLines).toBe(before + 2)
  await log.flush()
})
