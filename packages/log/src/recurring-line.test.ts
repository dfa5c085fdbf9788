import { background } from '@kit/context'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withFields } from './context-fields.ts'
import { createLogger } from './create-logger.ts'
import type { LoggerOptions } from './create-logger.ts'
import type { LineLevel } from './level.ts'
import { levelNames } from './level.ts'
import type { Logger } from './logger.ts'
import { recurringLine } from './recurring-line.ts'
import { logStats } from './stats.ts'
import { memoryDestination } from './testing.ts'

const form = { message: 'request', contextFields: ['requestId'], fields: ['path', 'status', 'err'] }
const lineLevels = levelNames.filter((level): level is LineLevel => level !== 'silent')

/** The lines of the recurring way, and of the way of every other line. */
function bothWays(
  options: LoggerOptions,
  derive: (log: Logger) => Logger,
  level: LineLevel,
  id: string,
  values: readonly unknown[],
  others: object | undefined,
): readonly [string[], string[]] {
  const write = (log: (logger: Logger) => void): string[] => {
    const lines: string[] = []
    log(derive(createLogger({ ...options, destination: { write: (line) => lines.push(line) } })))
    return lines.map((line) => line.replace(/"time":\d+|^\S+Z/, 'then'))
  }
  const ctx = withFields(background, { requestId: id })
  const recurring = write((log) => recurringLine(log, form).write(level, ctx, [id], values, others))
  const fields = Object.fromEntries(
    form.fields.map((name, at) => [name, values[at]]).filter(([, value]) => value !== undefined),
  )
  const usual = write((log) => log.withContext(ctx)[level]({ ...others, ...fields }, form.message))
  return [recurring, usual]
}

const options: readonly [string, LoggerOptions][] = [
  ['by default', { format: 'json' }],
  ['as text', { format: 'text' }],
  ['with a base', { format: 'json', base: { pid: 7 } }],
  ['with a base of the same name', { format: 'json', base: { path: '/base', requestId: 'base' } }],
  ['with a hidden key', { format: 'json', redact: { keys: ['path'] } }],
  ['with a hidden place', { format: 'json', redact: { paths: ['status'] } }],
  ['sampled', { format: 'json', sampling: { initial: 1, thereafter: 0 } }],
  ['without repeats', { format: 'json', repeats: { windowMs: 1000 } }],
  ['with records', { format: 'json', records: { receive: () => {} } }],
  ['below the level', { format: 'json', level: 'error' }],
]
const loggers: readonly [string, (log: Logger) => Logger][] = [
  ['a logger', (log) => log],
  ['a named one', (log) => log.named('http')],
  ['one with fields', (log) => log.child({ region: 'eu' })],
  ['one with fields of the same name', (log) => log.child({ status: 'child', requestId: 'child' })],
]

describe.each(options)('%s', (_, option) => {
  it.each(loggers)('%s writes what it would write otherwise', (__, derive) => {
    fc.assert(
      fc.property(
        fc.constantFrom(...lineLevels),
        fc.oneof(fc.stringMatching(/^[0-9a-f]{32}$/), fc.string()),
        fc.tuple(
          fc.oneof(fc.webPath(), fc.string({ unit: 'binary' })),
          fc.oneof(fc.nat(), fc.double(), fc.constant(null), fc.constant(undefined), fc.anything()),
          fc.constantFrom(undefined, undefined, new Error('x', { cause: new Error('y') })),
        ),
        fc.constantFrom(undefined, undefined, { customer: 'ann' }, { path: '/other' }),
        (level, id, values, others) => {
          const [recurring, usual] = bothWays(option, derive, level, id, values, others)
          expect(recurring).toEqual(usual)
        },
      ),
    )
  })
})

it('obeys the level as it changes, overrides and recordings', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', level: 'error', destination })
  const line = recurringLine(log, form)
  const ctx = withFields(background, { requestId: 'r-1' })
  const write = (status: number): void => line.write('info', ctx, ['r-1'], ['/a', status])
  write(1)
  log.levels.set('', 'info')
  write(2)
  log.levels.set('', 'error')
  const override = log.levels.override({ when: (asked) => asked === ctx, level: 'info', ttlMs: 1000 })
  write(3)
  override.end()
  const recording = log.record(ctx)
  line.write('info', recording.ctx, ['r-1'], ['/a', 4])
  const statuses = destination.records.flatMap(({ status }) => status ?? [])
  expect(statuses).toEqual([2, 3])
  recording.dump('error')
  expect(destination.records.at(-1)).toMatchObject({ status: 4, requestId: 'r-1', recorded: true })
})

it('writes by any logger, and never throws', () => {
  const written: unknown[] = []
  const foreign = {
    withContext: () => foreign,
    info: (...args: unknown[]) => written.push(args),
  }
  recurringLine(foreign as never, form).write('info', background, ['r-1'], ['/a', 200], { more: 1 })
  expect(written).toEqual([[{ more: 1, path: '/a', status: 200 }, 'request']])

  const before = logStats().droppedLines
  const log = createLogger({
    format: 'json',
    destination: {
      write: () => {
        throw new Error('full')
      },
    },
  })
  recurringLine(log, form).write('info', background, ['r-1'], ['/a', 200])
  expect(logStats().droppedLines).toBe(before + 1)
})

it('comes to an end where the destination logs in turn', () => {
  let lines = 0
  const log = createLogger({
    format: 'json',
    destination: {
      write() {
        lines += 1
        line.write('info', background, ['r-1'], ['/a', 200])
      },
    },
  })
  const line = recurringLine(log, form)
  line.write('info', background, ['r-1'], ['/a', 200])
  expect(lines).toBeGreaterThan(0)
  expect(lines).toBeLessThan(10)
})
