import { background } from '@kit/context'
import { expect, test } from 'vitest'
import { createLogger, logStats } from '../index.ts'
import { memoryDestination } from '../testing.ts'
import { openTelemetryLogs } from './index.ts'
import type { OpenTelemetryLogsOptions, OtelLoggerProvider, OtelLogRecord } from './index.ts'

interface Emitted extends OtelLogRecord {
  readonly scope: string
}

function collecting(): { provider: OtelLoggerProvider; emitted: Emitted[]; scopes: string[] } {
  const emitted: Emitted[] = []
  const scopes: string[] = []
  return {
    emitted,
    scopes,
    provider: {
      getLogger(scope) {
        scopes.push(scope)
        return { emit: (record) => void emitted.push({ ...record, scope }) }
      },
    },
  }
}

function logger(options: OpenTelemetryLogsOptions): ReturnType<typeof createLogger> {
  return createLogger({
    destination: memoryDestination(),
    format: 'json',
    records: openTelemetryLogs(options),
  })
}

test('a scope is asked for once, and beyond 1,024 the name is an attribute', () => {
  const { provider, emitted, scopes } = collecting()
  const log = logger({ provider, scope: 'app' })
  const names = Array.from({ length: 1030 }, (_, i) => `n${i}`)
  for (const name of [...names, ...names]) log.named(name).info('x')
  expect(scopes.slice(0, 1024)).toEqual(names.slice(0, 1024))
  expect(new Set(scopes.slice(1024))).toEqual(new Set(['app']))
  expect(emitted.at(-1)).toMatchObject({ scope: 'app', attributes: { logger: 'n1029' } })
  expect(emitted.at(1023)).toMatchObject({ scope: 'n1023', attributes: {} })
})

test('a moment is told as a pair, to the nanosecond of what the clock says', () => {
  const { provider, emitted } = collecting()
  const receiver = openTelemetryLogs({ provider })
  const record = {
    level: 'info',
    logger: '',
    message: undefined,
    fields: {},
    errors: [],
    ctx: background,
  } as const
  for (const timeMs of [0, 1, 1_700_000_000_123, 1_700_000_000_123.25])
    receiver.receive({ ...record, timeMs })
  expect(emitted.map(({ timestamp, observedTimestamp }) => [timestamp, observedTimestamp])).toEqual([
    [
      [0, 0],
      [0, 0],
    ],
    [
      [0, 1_000_000],
      [0, 1_000_000],
    ],
    [
      [1_700_000_000, 123_000_000],
      [1_700_000_000, 123_000_000],
    ],
    [
      [1_700_000_000, 123_250_000],
      [1_700_000_000, 123_250_000],
    ],
  ])
  expect(emitted.some((one) => 'body' in one)).toBe(false)
})

test('no half of a surrogate pair is handed on, wherever it stands', () => {
  const { provider, emitted } = collecting()
  logger({ provider }).info(
    {
      whole: '\ud83d\ude00',
      half: '\ud83d',
      ['k\udc00']: [{ ['\ud800']: '\ude00\ud83d' }],
      constructor: { constructor: '\ud800' },
    },
    'a\ud800b',
  )
  expect(emitted[0]?.body).toBe('a\ufffdb')
  expect({ ...emitted[0]?.attributes }).toEqual({
    whole: '\ud83d\ude00',
    half: '\ufffd',
    'k\ufffd': [{ '\ufffd': '\ufffd\ufffd' }],
    constructor: String.raw`{"constructor":"\ud800"}`,
  })
})

test('whatever throws costs a record, which is counted, and no line', () => {
  const thrower = (): never => {
    throw new Error('no')
  }
  const before = logStats().failedRecords
  const { provider } = collecting()
  for (const options of [
    { provider: { getLogger: thrower } },
    { provider: { getLogger: () => ({ emit: thrower }) } },
    { provider, trace: thrower },
  ]) {
    const destination = memoryDestination()
    createLogger({ destination, format: 'json', records: openTelemetryLogs(options) }).info('x')
    expect(destination.lines).toHaveLength(1)
  }
  expect(logStats().failedRecords).toBe(before + 3)
})

test.each([
  [{ provider: {} }, 'KIT_LOG_BAD_OPTION'],
  [{ provider: null }, 'KIT_LOG_BAD_OPTION'],
  [{ scope: '' }, 'KIT_LOG_BAD_OPTION'],
  [{ scope: 5 }, 'KIT_LOG_BAD_OPTION'],
  [{ trace: 'x' }, 'KIT_LOG_BAD_OPTION'],
  [{ providers: 1 }, 'KIT_LOG_UNKNOWN_OPTION'],
  [null, 'KIT_LOG_BAD_OPTION'],
])('the options %j are refused', (options, code) => {
  expect(() => openTelemetryLogs(options as never)).toThrow(expect.objectContaining({ code }))
})
