import { background } from '@kit/context'
import { beforeEach, expect, test } from 'vitest'
import { createLogger, logStats } from './index.ts'
import { memoryDestination } from './testing.ts'

const destination = memoryDestination()
beforeEach(() => destination.clear())

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

test('log methods without their logger log as the logger that createLogger returned', async () => {
  const log = createLogger({
    name: 'shop',
    format: 'json',
    destination,
    level: 'info,shop=trace',
    redact: { keys: ['iban'] },
  })
  const part = log.named('cart').child({ id: 1 })
  for (const level of levels) {
    const method = part[level]
    method({ iban: 'x' }, 'detached %d', 1)
  }
  expect(destination.records).toEqual(
    levels.map((level) => ({
      level,
      time: expect.any(Number) as number,
      logger: 'shop',
      iban: '[redacted]',
      msg: 'detached 1',
    })),
  )
  destination.clear()
  const before = logStats().droppedLines
  await Promise.reject(new Error('handled')).catch(part.error)
  expect(destination.records).toMatchObject([{ level: 'error', logger: 'shop', msg: 'handled' }])
  expect(logStats().droppedLines).toBe(before)
})

test('their level is that of this logger, and each tree keeps to its own destination', () => {
  const other = memoryDestination()
  const quiet = createLogger({ format: 'json', destination: other, level: 'silent,loud=trace' })
  const { info } = quiet.named('loud')
  const { error } = createLogger({ format: 'json', destination, level: 'info' })
  info('no')
  error('yes')
  Reflect.apply(error, quiet, ['the logger of another tree is no better than none'])
  Reflect.apply(error, 5, ['nor is a number'])
  expect(other.lines).toEqual([])
  expect(destination.records).toHaveLength(3)
})

test('every other method does without its logger too', async () => {
  const log = createLogger({ format: 'json', destination, level: 'info' })
  const { child, named, withContext, isLevelEnabled, flush } = log.named('db')
  child({ a: 1 }).info('x')
  named('http').info('x')
  withContext(background).info('x')
  expect(destination.records.map(({ a, logger }) => [a, logger])).toEqual([
    [1, undefined],
    [undefined, 'http'],
    [undefined, undefined],
  ])
  expect([isLevelEnabled('info'), isLevelEnabled('debug')]).toEqual([true, false])
  await flush()
})

test('loggers of one tree share their methods, so that making one costs no closures', () => {
  const log = createLogger({ destination })
  for (const made of [log.child({ a: 1 }), log.withContext(background), log.named('x')]) {
    expect(Object.getPrototypeOf(made)).toBe(Object.getPrototypeOf(log))
    expect(Object.getOwnPropertyNames(made)).toEqual([])
  }
})
