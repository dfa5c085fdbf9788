import { background, run } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLogger, logStats, withFields } from './index.ts'
import type { Logger, LoggerOptions, LineRecord, RecordReceiver } from './index.ts'
import { memoryDestination } from './testing.ts'

const destination = memoryDestination()

interface Heard {
  readonly log: Logger
  readonly records: LineRecord[]
}

function hearing(options: LoggerOptions = {}): Heard {
  destination.clear()
  const records: LineRecord[] = []
  const log = createLogger({
    format: 'json',
    level: 'trace',
    destination,
    records: { receive: (record) => void records.push(record) },
    ...options,
  })
  return { log, records }
}

/** What the JSON line of a record says. */
function lineOf({ level, timeMs, logger, message, fields }: LineRecord): object {
  return {
    level,
    time: timeMs,
    ...(logger === '' ? undefined : { logger }),
    ...fields,
    ...(message === undefined ? undefined : { msg: message }),
  }
}

/** All ways in which one value gets into a line. */
function sayEverywhere(log: Logger, value: unknown): void {
  const anything = value as never
  log.info(anything)
  log.warn({ value, level: value }, 'at a key %s', value)
  log.error(new Error('outer', { cause: value }))
  log.named('db."pool"\u00e9').child({ value, a: 1 }).debug({ a: 2 }, 'x', value)
  log.withContext(withFields(background, { value })).fatal({ 'fields.msg': value })
}

const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withSet: true,
  withSparseArray: true,
  withUnicodeString: true,
})

test('records say what the lines say, whatever that is', () => {
  const { log, records } = hearing({ base: { service: 'shop' }, redact: { paths: ['value.a'] } })
  fc.assert(
    fc.property(anything, (value) => {
      destination.clear()
      records.length = 0
      sayEverywhere(log, value)
      expect(records).toHaveLength(5)
      expect(destination.records.map((line) => ({ ...line }))).toEqual(records.map(lineOf))
    }),
  )
})

test.each(['json', 'text'] as const)('receivers change nothing about lines of %s', (format) => {
  const plain = memoryDestination()
  const heard = memoryDestination()
  const time = manualClock()
  try {
    const options = { format, level: 'trace', base: { b: 1 } } as const
    const without = createLogger({ ...options, destination: plain })
    const { log } = hearing({ ...options, destination: heard })
    fc.assert(
      fc.property(anything, (value) => {
        sayEverywhere(without, value)
        sayEverywhere(log, value)
        // The two calls have stacks of their own.
        const lines = (all: readonly string[]): string[] => all.map((line) => line.replace(/stack.*/, ''))
        expect(lines(heard.lines)).toEqual(lines(plain.lines))
        plain.clear()
        heard.clear()
      }),
    )
  } finally {
    time[Symbol.dispose]()
  }
})

test('a text logger gives the records of a JSON logger', () => {
  const json = hearing()
  const text = hearing({ format: 'text' })
  const bare = ({ fields, message, errors, logger }: LineRecord): object => ({
    fields,
    message,
    errors,
    logger,
  })
  fc.assert(
    fc.property(anything, (value) => {
      json.records.length = 0
      text.records.length = 0
      for (const { log } of [json, text]) {
        log.info({ value }, 'm %s', value)
        log.named('db').child({ value }).info('x', value)
      }
      expect(text.records.map(bare)).toEqual(json.records.map(bare))
    }),
  )
})

test('a value is read once, whether somebody receives records or not', () => {
  for (const format of ['json', 'text'] as const) {
    const { log, records } = hearing({ format })
    let read = 0
    const fields = {
      get counted() {
        read += 1
        return read
      },
    }
    log.info(fields, 'x')
    expect([read, records[0]?.fields['counted']]).toEqual([1, 1])
  }
})

test('fields say what was true then, and errors which they are', () => {
  const { log, records } = hearing()
  const state = { phase: 'then' }
  const ctx = withFields(background, { state })
  const child = log.child({ child: state })
  run(ctx, () => child.info({ call: state, why: new TypeError('x'), token: new Error('hidden') }, 'x'))
  state.phase = 'now'
  const [record] = records
  expect(record?.fields).toMatchObject({
    state: { phase: 'then' },
    child: { phase: 'then' },
    call: { phase: 'then' },
    why: { type: 'TypeError', message: 'x' },
    token: '[redacted]',
  })
  expect(record?.errors).toEqual(['why'])
  expect(record?.ctx).toBe(ctx)
  expect(record?.fields).toBe(record?.fields)
})

describe('receivers', () => {
  test('that throw are counted and take nothing from the line or from others', () => {
    const before = logStats().failedRecords
    const { log, records } = hearing({})
    const both = hearing({
      records: [
        {
          receive() {
            throw new Error('not me')
          },
        },
        { receive: (record) => void records.push(record) },
      ],
    }).log
    both.info('x')
    expect([destination.lines.length, records.length]).toEqual([1, 1])
    expect(logStats().failedRecords).toBe(before + 1)
    log.info('y')
    expect(records).toHaveLength(2)
  })

  test('that log do not hear themselves', () => {
    const before = logStats().failedRecords
    const heard: (string | undefined)[] = []
    const { log } = hearing({
      records: {
        receive({ message }) {
          heard.push(message)
          log.info('from the receiver')
        },
      },
    })
    log.info('x')
    expect(heard).toEqual(['x'])
    expect(destination.records.map(({ msg }) => msg)).toEqual(['x', 'from the receiver'])
    expect(logStats().failedRecords).toBe(before + 1)
  })

  test('get only what is written: neither below the level nor sampled nor repeated', async () => {
    const time = manualClock()
    try {
      const sampled = hearing({ level: 'info', sampling: { initial: 1, thereafter: 0 } })
      for (let i = 0; i < 3; i += 1) sampled.log.info('again')
      sampled.log.debug('never')
      await sampled.log.flush()
      expect(sampled.records.map(lineOf)).toEqual(destination.records.map((line) => ({ ...line })))
      expect(sampled.records.map(({ message }) => message)).toEqual(['again', '2 lines suppressed'])

      const repeated = hearing({ repeats: { windowMs: 1000 } })
      const child = repeated.log.named('db').child({ a: { b: 1 } })
      for (let i = 0; i < 3; i += 1) child.info({ c: 2 }, 'again')
      await repeated.log.flush()
      expect(repeated.records.map(lineOf)).toEqual(destination.records.map((line) => ({ ...line })))
      expect(repeated.records.at(-1)?.fields).toEqual({ a: { b: 1 }, c: 2, repeated: 2 })
    } finally {
      time[Symbol.dispose]()
    }
  })

  test('are flushed with the logger, which waits no longer than it is told and does not mind failures', async () => {
    const time = manualClock()
    try {
      const flushed: number[] = []
      const quick: RecordReceiver = { receive() {}, flush: async (timeoutMs) => void flushed.push(timeoutMs) }
      const failing: RecordReceiver = { receive() {}, flush: () => Promise.reject(new Error('no')) }
      const hanging: RecordReceiver = { receive() {}, flush: () => new Promise(() => {}) }
      await expect(
        hearing({ records: [quick, failing, { receive() {} }] }).log.flush(70),
      ).resolves.toBeUndefined()
      expect(flushed).toEqual([70])
      const waiting = hearing({ records: hanging }).log.flush(50)
      time.advance(50)
      await expect(waiting).resolves.toBeUndefined()
    } finally {
      time[Symbol.dispose]()
    }
  })

  test.each([{}, 'x', null, [{}], [{ receive: 1 }], { receive: 'x' }])('cannot be %j', (records) => {
    expect(() => createLogger({ destination, records: records as never })).toThrow(
      expect.objectContaining({ code: 'KIT_LOG_BAD_OPTION' }),
    )
  })

  test('may be none', () => {
    const { log } = hearing({ records: [] })
    log.info('x')
    expect(destination.lines).toHaveLength(1)
  })
})

test('of recorded lines are delivered when these are written, and say what they say', () => {
  fc.assert(
    fc.property(anything, (value) => {
      const { log, records } = hearing({ level: 'silent' })
      const recording = log.record(background, { level: 'trace', maxCharacters: 1_048_576 })
      run(recording.ctx, () => sayEverywhere(log, value))
      log.withContext(recording.ctx).debug({ recorded: 'by the caller' }, 'has the name already')
      expect(records).toEqual([])
      recording.dump('to see them')
      recording.discard()
      const lines = destination.lines.map((line) => JSON.parse(line) as object)
      expect(lines.length).toBe(6)
      expect(records.map((record) => JSON.parse(JSON.stringify(lineOf(record))) as object)).toEqual(lines)
      expect(records.slice(1).map(({ errors }) => errors)).toContainEqual(['err'])
      expect(records.at(-1)?.fields).toMatchObject({ recorded: 'by the caller', 'recorded+': true })
    }),
  )
})
