import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { manualClock } from '@kit/context/testing'
import { FdWriter } from './fd-writer.ts'
import { logStats } from './index.ts'
import { Output } from './output.ts'

/** What one system call does: takes everything, some bytes, or nothing with an error. */
type Fault = number | 'EAGAIN' | 'EINTR' | 'ENOSPC' | 'EIO' | 'EPIPE'

const FAULTS: readonly Fault[] = ['EAGAIN', 'EINTR', 'ENOSPC', 'EIO', 'EPIPE', 0, 1, 17]

/** A descriptor whose system calls fail by plan, with an output on it. */
function rig(fault: (call: number) => Fault | undefined, maxWaiting: number) {
  // What each reader got; EPIPE ends one, and what is written later is another's.
  const readers: string[] = ['']
  let call = 0
  let slept = 0
  let writer: FdWriter | undefined
  const system = {
    write(_fd: number, page: Buffer, start: number, end: number): number {
      const bytes = page.subarray(start, end)
      const planned = fault(call)
      call += 1
      if (planned === 'EPIPE' && readers.at(-1) !== '') readers.push('')
      if (typeof planned === 'string') throw Object.assign(new Error(planned), { code: planned })
      const count = Math.min(planned ?? bytes.length, bytes.length)
      readers.push(readers.pop() + bytes.toString('latin1', 0, count))
      return count
    },
    sleep(ms: number): void {
      slept += ms
    },
  }
  const output = new Output(false, (events) => (writer = new FdWriter(7, events, system)))
  const source = { maxWaiting, notice: (lost: number): string => `{"lost":${lost}}\n` }
  const before = logStats().droppedLines
  return {
    output,
    readers,
    log: (i: number): void => output.write(`{"i":${i},"pad":"${'é'.repeat(i % 30)}"}\n`, source),
    flush: (): Promise<void> => output.flush(0, source),
    waiting: (): number => writer?.waitingBytes ?? 0,
    slept: (): number => slept,
    calls: (): number => call,
    lost: (): number => logStats().droppedLines - before,
    /** What came out: the numbers of the lines, and the sum of what notices told. Throws if a line is torn. */
    result(): { numbers: number[]; told: number } {
      const numbers: number[] = []
      let told = 0
      for (const [reader, text] of readers.entries()) {
        const lines = text.split('\n')
        const last = lines.pop()
        // Only a reader that went away has seen a part of a line.
        if (last !== '' && reader === readers.length - 1) throw new Error(`torn: ${last}`)
        // A new reader is spared the end of a line that the one before had the beginning of, but for its line break.
        if (reader > 0 && lines[0] === '') lines.shift()
        for (const line of lines) {
          const record = JSON.parse(line) as { i?: number; lost?: number }
          if (record.i !== undefined) numbers.push(record.i)
          told += record.lost ?? 0
        }
      }
      return { numbers, told }
    },
  }
}

const LINES = 12

function expectConserved(it: ReturnType<typeof rig>, total: number): void {
  const { numbers, told } = it.result()
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b))
  expect({ lines: numbers.length + it.lost(), told }).toEqual({ lines: total, told: it.lost() })
}

test.each(FAULTS.flatMap((fault) => [0, 100, 1_000_000].map((maxWaiting) => [fault, maxWaiting] as const)))(
  'the system call that fails with %s, whichever it is and with %s bytes to wait in, loses nothing uncounted',
  async (fault, maxWaiting) => {
    const ends: number[] = []
    for (let k = 0; k < LINES + 4; k += 1) {
      for (const length of [1, 2, 5]) {
        let isOver = false
        const it = rig((call) => (!isOver && call >= k && call < k + length ? fault : undefined), maxWaiting)
        for (let i = 0; i < LINES; i += 1) it.log(i)
        it.output.end()
        isOver = true
        it.log(LINES)
        it.output.end()
        expectConserved(it, LINES + 1)
        ends.push(it.waiting())
      }
    }
    expect(new Set(ends)).toEqual(new Set([0]))
  },
)

test('any sequence of faults loses nothing uncounted, tears no line and keeps the order', async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant('log' as const) },
    { weight: 1, arbitrary: fc.constant('flush' as const) },
    { weight: 1, arbitrary: fc.constant('turn' as const) },
    { weight: 1, arbitrary: fc.constant('time' as const) },
  )
  const plan = fc.array(fc.option(fc.constantFrom(...FAULTS), { nil: undefined, freq: 2 }), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(
      plan,
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom(0, 60, 400, 1e6),
      async (faults, steps, maxWaiting) => {
        const clock = manualClock()
        let isOver = false
        const it = rig((call) => (isOver ? undefined : faults[call]), maxWaiting)
        let i = 0
        for (const action of steps) {
          if (action === 'log') it.log(i++)
          // oxlint-disable-next-line no-await-in-loop -- one after the other is what is tested
          else if (action === 'turn') await new Promise(setImmediate)
          else if (action === 'time') clock.advance(300)
          else void it.flush()
          expect(it.waiting()).toBeLessThanOrEqual(Math.max(maxWaiting, 128))
        }
        // When all is well again, one line more brings what is to be told.
        isOver = true
        it.log(i++)
        it.output.end()
        expectConserved(it, i)
        clock[Symbol.dispose]()
      },
    ),
    // The break before a new reader's first line is not taken at once.
    { numRuns: 500, examples: [[[1, 'EPIPE', 0], ['log', 'flush'], 0]] },
  )
})

test('a reader that never moves again stops a synchronous logger for one second, once', () => {
  const it = rig((call) => (call < 3 ? undefined : 'EAGAIN'), 0)
  for (let i = 0; i < 100; i += 1) it.log(i)
  expect(it.slept()).toBeGreaterThanOrEqual(1000)
  expect(it.slept()).toBeLessThan(1020)
  expect([it.lost(), it.waiting()]).toEqual([97, 0])
  it.output.end()
  expect(it.slept()).toBeLessThan(1020)
})

test('a reader that takes a byte now and then stops one line for ten seconds at most', () => {
  const it = rig((call) => (call % 50 === 0 ? 1 : 'EAGAIN'), 0)
  it.log(29)
  expect(it.slept()).toBeLessThan(10_100)
  expect(it.lost()).toBe(0)
  it.log(1)
  expect(it.slept()).toBeLessThan(10_100)
  expect(it.lost()).toBe(1)
})

test('an async logger never waits, and gives a second at exit', async () => {
  const clock = manualClock()
  const it = rig(() => 'EAGAIN', 1000)
  for (let i = 0; i < 100; i += 1) it.log(i)
  await new Promise(setImmediate)
  clock.advance(60_000)
  expect(it.slept()).toBe(0)
  expect(it.waiting()).toBeGreaterThan(900)
  expect(it.waiting()).toBeLessThanOrEqual(1000)
  expect(it.lost()).toBeGreaterThan(50)
  it.output.end()
  expect(it.slept()).toBeLessThan(1020)
  expect([it.lost(), it.waiting()]).toEqual([100, 0])
  clock[Symbol.dispose]()
})

test('an async logger tells of what was dropped when the reader is back, without another line', async () => {
  const clock = manualClock()
  let isBack = false
  const it = rig(() => (isBack ? undefined : 'EAGAIN'), 1000)
  for (let i = 0; i < 100; i += 1) it.log(i)
  await new Promise(setImmediate)
  isBack = true
  clock.advance(300)
  await new Promise(setImmediate)
  expect(it.result().told).toBe(it.lost())
  expect(it.lost()).toBeGreaterThan(50)
  clock[Symbol.dispose]()
})

test('an async burst of more than may wait loses nothing while the descriptor takes it', () => {
  const it = rig(() => undefined, 1000)
  for (let i = 0; i < 1000; i += 1) it.log(i)
  it.output.end()
  expectConserved(it, 1000)
  expect(it.lost()).toBe(0)
})

test('lines of a turn are written by few system calls', async () => {
  const it = rig(() => undefined, 1_000_000)
  for (let i = 0; i < 1000; i += 1) it.log(i)
  expect(it.calls()).toBeLessThan(2)
  await new Promise(setImmediate)
  expect(it.calls()).toBeLessThan(3)
  expectConserved(it, 1000)
})

test.each([0, 1e6])(
  'what follows a line that was given up begins a line, with %s bytes to wait in',
  (max) => {
    let isStalled = true
    const it = rig((call) => (call === 0 ? 5 : isStalled ? 'EAGAIN' : undefined), max)
    it.log(0)
    it.output.end()
    isStalled = false
    it.log(1)
    expect(it.readers).toEqual(['{"i":\n{"lost":1}\n{"i":1,"pad":"Ã©"}\n'])
    expect(it.lost()).toBe(1)
  },
)

test('a line that is begun on one descriptor does not go on on another', () => {
  const written = new Map<number, string>()
  let isStuck = false
  const system = {
    write(fd: number, page: Buffer, start: number, end: number): number {
      if (isStuck && fd === 7) throw Object.assign(new Error('full'), { code: 'EAGAIN' })
      isStuck = true
      const count = fd === 7 ? 5 : end - start
      written.set(fd, (written.get(fd) ?? '') + page.toString('latin1', start, start + count))
      return count
    },
    sleep: (): void => {},
  }
  let writer: FdWriter | undefined
  const output = new Output(false, (events) => (writer = new FdWriter(7, events, system)))
  const source = { maxWaiting: 1000, notice: (lost: number): string => `lost ${lost}\n` }
  const before = logStats().droppedLines
  for (const line of ['first\n', 'second\n', 'third\n']) output.write(line, source)
  void output.flush(0, source)
  writer?.redirect(8)
  void output.flush(0, source)
  expect(written).toEqual(
    new Map([
      [7, 'first'],
      [8, 'second\nthird\nlost 1\n'],
    ]),
  )
  expect(logStats().droppedLines).toBe(before + 1)
})
