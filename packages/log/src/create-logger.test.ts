import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLogger, defaultLogger } from './index.ts'
import type { LogError, LoggerOptions } from './index.ts'
import { memoryDestination } from './testing.ts'

const destination = memoryDestination()
beforeEach(() => destination.clear())
afterEach(() => vi.unstubAllEnvs())

test.each<[unknown, string]>([
  [{ async: true }, 'KIT_LOG_BAD_OPTION'],
  [{ async: true, destination: { write: () => true, on: () => true } }, 'KIT_LOG_BAD_OPTION'],
  [{ async: 1, destination: 1 }, 'KIT_LOG_BAD_OPTION'],
  [{ async: null, destination: 1 }, 'KIT_LOG_BAD_OPTION'],
  [{ async: { bytes: 1 }, destination: 1 }, 'KIT_LOG_UNKNOWN_OPTION'],
  [{ async: { maxBytes: 0 }, destination: 1 }, 'KIT_LOG_BAD_OPTION'],
  [{ async: { maxBytes: 1.5 }, destination: 1 }, 'KIT_LOG_BAD_OPTION'],
  [{ async: { maxBytes: '1' }, destination: 1 }, 'KIT_LOG_BAD_OPTION'],
  [{ reopenOnSignal: 'SIGHUP' }, 'KIT_LOG_BAD_OPTION'],
  [{ reopenOnSignal: 'SIGHUP', destination: 1 }, 'KIT_LOG_BAD_OPTION'],
  [{ reopenOnSignal: 'HUP', destination: 'a.log' }, 'KIT_LOG_BAD_OPTION'],
  [{ reopenOnSignal: 'SIGKILL', destination: 'a.log' }, 'KIT_LOG_BAD_OPTION'],
  [{ reopenOnSignal: 1, destination: 'a.log' }, 'KIT_LOG_BAD_OPTION'],
  [{ sampling: {} }, 'KIT_LOG_BAD_OPTION'],
  [{ sampling: null }, 'KIT_LOG_BAD_OPTION'],
  [{ sampling: { initial: 0, thereafter: 0 } }, 'KIT_LOG_BAD_OPTION'],
  [{ sampling: { initial: 1.5, thereafter: 1 } }, 'KIT_LOG_BAD_OPTION'],
  [{ sampling: { initial: 1, thereafter: -1 } }, 'KIT_LOG_BAD_OPTION'],
  [{ sampling: { initial: 1, thereafter: 1, perMs: 0 } }, 'KIT_LOG_BAD_OPTION'],
  [{ sampling: { initial: 1, thereafter: 1, perMs: Infinity } }, 'KIT_LOG_BAD_OPTION'],
  [{ sampling: { initial: 1, thereafter: 1, levels: 'info' } }, 'KIT_LOG_BAD_OPTION'],
  [{ sampling: { initial: 1, thereafter: 1, levels: ['silent'] } }, 'KIT_LOG_BAD_OPTION'],
  [{ sampling: { initial: 1, thereafter: 1, levels: [30] } }, 'KIT_LOG_BAD_OPTION'],
  [{ sampling: { first: 1 } }, 'KIT_LOG_UNKNOWN_OPTION'],
  [{ repeats: {} }, 'KIT_LOG_BAD_OPTION'],
  [{ repeats: { windowMs: '1' } }, 'KIT_LOG_BAD_OPTION'],
  [{ repeats: { windowMs: 1, levels: ['loud'] } }, 'KIT_LOG_BAD_OPTION'],
  [{ repeats: { ms: 1 } }, 'KIT_LOG_UNKNOWN_OPTION'],
  [{ levle: 'info' }, 'KIT_LOG_UNKNOWN_OPTION'],
  [{ level: 30 }, 'KIT_LOG_BAD_OPTION'],
  [{ level: 'loud' }, 'KIT_LOG_BAD_LEVEL'],
  [{ level: 'info,,' }, 'KIT_LOG_BAD_SPEC'],
  [{ format: 'xml' }, 'KIT_LOG_BAD_OPTION'],
  [{ name: 'a b' }, 'KIT_LOG_BAD_NAME'],
  [{ name: 7 }, 'KIT_LOG_BAD_NAME'],
  [{ base: 'x' }, 'KIT_LOG_BAD_OPTION'],
  [{ destination: {} }, 'KIT_LOG_BAD_OPTION'],
  [{ destination: null }, 'KIT_LOG_BAD_OPTION'],
  [{ destination: -1 }, 'KIT_LOG_BAD_OPTION'],
  [{ destination: 1.5 }, 'KIT_LOG_BAD_OPTION'],
  [{ destination: 99_999 }, 'KIT_LOG_BAD_DESTINATION'],
  [{ redact: null }, 'KIT_LOG_BAD_OPTION'],
])('%j is refused', (options, code) => {
  expect(() => createLogger({ destination, ...(options as LoggerOptions) })).toThrow(
    expect.objectContaining({ code }) as LogError,
  )
})

test.each([null, 5, 'info', () => 1])('%s in place of options is refused', (options) => {
  expect(() => createLogger(options as never)).toThrow(
    expect.objectContaining({ code: 'KIT_LOG_BAD_OPTION' }) as LogError,
  )
})

test('a name puts the logger into the tree under it', () => {
  const log = createLogger({ name: 'shop', level: 'info,shop=debug', format: 'json', destination })
  log.debug('x')
  log.named('cart').debug('y')
  expect(destination.records).toMatchObject([{ logger: 'shop' }, { logger: 'shop.cart' }])
})

test('the environment sets what the options leave open', () => {
  vi.stubEnv('LOG_LEVEL', 'warn,db.*=trace')
  vi.stubEnv('LOG_FORMAT', 'text')
  const log = createLogger({ destination })
  log.info('no')
  log.named('db').named('pool').trace('yes')
  expect(destination.lines).toHaveLength(1)
  expect(destination.lines[0]).toContain('TRACE  db.pool  yes')
  createLogger({ destination, level: 'info', format: 'json' }).info('json')
  expect(destination.lines[1]).toContain('"msg":"json"')
})

test('a bad environment does not stop the program, and is told', () => {
  vi.stubEnv('LOG_LEVEL', 'loud')
  vi.stubEnv('LOG_FORMAT', 'xml')
  const log = createLogger({ destination })
  expect(log.levels.get().level).toBe('info')
  expect(destination.records).toMatchObject([
    { level: 'warn', msg: expect.stringContaining('LOG_LEVEL is ignored') as unknown },
    { level: 'warn', msg: expect.stringContaining('LOG_FORMAT is ignored') as unknown },
  ])
})

test('auto is text on a terminal and JSON elsewhere', () => {
  vi.stubEnv('NO_COLOR', '1')
  const terminal = { ...memoryDestination(), isTTY: true }
  createLogger({ destination: terminal }).info('x')
  createLogger({ destination }).info('x')
  expect(terminal.lines[0]).toMatch(/Z INFO {3}x\n$/)
  expect(destination.records[0]).toMatchObject({ msg: 'x' })
})

test('there is one default logger, also for a second copy of the package', async () => {
  const first = defaultLogger()
  expect(defaultLogger()).toBe(first)
  vi.resetModules()
  const copy = await import('./index.ts')
  expect(copy.createLogger).not.toBe(createLogger)
  expect(copy.defaultLogger()).toBe(first)
})
