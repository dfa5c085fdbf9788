import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { background, createKey, run } from '@kit/context'
import type { Context } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import type { ManualClock } from '@kit/context/testing'
import { createLogger, logStats, withFields } from './index.ts'
import type { LoggerOptions } from './index.ts'
import { memoryDestination } from './testing.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const entry = JSON.stringify(new URL('../dist/index.js', import.meta.url).href)

const destination = memoryDestination()
let clock: ManualClock
beforeEach(() => {
  clock = manualClock()
  destination.clear()
})
afterEach(() => clock[Symbol.dispose]())

function open(options: LoggerOptions) {
  return createLogger({ format: 'json', level: 'trace', destination, ...options })
}

function said(): unknown[] {
  return destination.records.map(({ msg, suppressed, like, repeated, i }) => {
    if (suppressed !== undefined) return { suppressed, like }
    return repeated === undefined ? (i ?? msg) : { msg, repeated }
  })
}

describe('sampling', () => {
  test('writes the first few and every so-manieth of each interval, and tells what it left out', () => {
    const log = open({ sampling: { initial: 2, thereafter: 3, perMs: 1000 } })
    const before = logStats().sampledLines
    for (let i = 0; i < 10; i += 1) log.info({ i }, 'busy')
    expect(said()).toEqual([0, 1, 4, 7])
    clock.advance(1000)
    expect(said().slice(4)).toEqual([{ suppressed: 6, like: 'busy' }])
    expect(destination.records.at(-1)).toMatchObject({ level: 'info', msg: '6 lines suppressed' })
    for (let i = 10; i < 12; i += 1) log.info({ i }, 'busy')
    expect(said().slice(5)).toEqual([10, 11])
    clock.advance(5000)
    expect(destination.records).toHaveLength(7)
    expect(logStats().sampledLines).toBe(before + 6)
    expect(clock.pendingTimers).toBe(0)
  })

  test('keeps levels and messages apart, arguments aside', () => {
    const log = open({ sampling: { initial: 1, thereafter: 0 } })
    log.info('took %d ms', 1)
    log.named('db').child({ a: 1 }).info('took %d ms', 2)
    log.warn('took %d ms', 3)
    log.info('other')
    log.info(new Error('other'))
    log.info({ a: 1 })
    log.info({ b: 1 })
    expect(said()).toEqual(['took 1 ms', 'took 3 ms', 'other', undefined])
    clock.advance(1000)
    expect(said().slice(4)).toEqual([
      { suppressed: 1, like: 'took %d ms' },
      { suppressed: 1, like: 'other' },
      { suppressed: 1, like: '' },
    ])
  })

  test('never touches errors unless asked, nor changes of level', () => {
    const log = open({ sampling: { initial: 1, thereafter: 0 } })
    for (let i = 0; i < 5; i += 1) {
      log.error({ i }, 'x')
      log.fatal({ i }, 'x')
      log.levels.set('', 'debug')
      log.levels.set('', 'trace')
    }
    expect(destination.records).toHaveLength(20)
    destination.clear()
    const asked = open({ sampling: { initial: 1, thereafter: 0, levels: ['error'] } })
    for (let i = 0; i < 3; i += 1) {
      asked.error({ i }, 'x')
      asked.info('y')
    }
    expect(said()).toEqual([0, 'y', 'y', 'y'])
  })

  test('remembers a bounded number of messages, and counts the others together', () => {
    const log = open({ sampling: { initial: 1, thereafter: 0 } })
    for (let round = 0; round < 2; round += 1) {
      for (let i = 0; i < 5000; i += 1) log.info(`message ${i} ${'x'.repeat(300)}`)
    }
    const written = destination.lines.length
    // One each for those remembered, and one for all others.
    expect(written).toBe(1025)
    clock.advance(1000)
    const told = destination.records.slice(written)
    expect(told).toHaveLength(65)
    expect(told.reduce((sum, { suppressed }) => sum + Number(suppressed), 0)).toBe(10_000 - 1025)
    expect(told.at(-1)?.['msg']).toMatch(/^\d+ other lines suppressed$/)
    expect(String(told[0]?.['like'])).toHaveLength(256)
  })

  test('tells without the fields of the request that happened to come last, and without secrets', () => {
    const log = open({ sampling: { initial: 1, thereafter: 0 }, base: { service: 'shop' } })
    run(withFields(background, { requestId: 'r-1' }), () => {
      log.info('GET /?token=CANARY')
      log.info('GET /?token=CANARY')
      clock.advance(1000)
    })
    expect(destination.records[1]).toEqual({
      level: 'info',
      time: expect.any(Number) as unknown,
      service: 'shop',
      suppressed: 1,
      like: 'GET /?token=[redacted]',
      msg: '1 lines suppressed',
    })
  })

  test('tells before it begins another interval, also when no timer could run', () => {
    clock[Symbol.dispose]()
    const log = open({ sampling: { initial: 1, thereafter: 0, perMs: 2 } })
    let logged = 0
    while (destination.lines.length < 20) {
      log.info('busy')
      logged += 1
    }
    const told = destination.records.reduce((sum, { suppressed = 0 }) => sum + Number(suppressed), 0)
    const written = destination.records.filter(({ msg }) => msg === 'busy').length
    expect([written > 1, told > 0, told + written <= logged]).toEqual([true, true, true])
  })

  test('of any sequence loses nothing uncounted', async () => {
    const action = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.record({
          message: fc.constantFrom('a', 'b', 'c'),
          level: fc.constantFrom('info', 'warn'),
        }),
      },
      { weight: 1, arbitrary: fc.nat(1500) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(action, { maxLength: 100 }),
        fc.nat(3),
        fc.integer({ min: 1, max: 4 }),
        async (actions, initial, thereafter) => {
          destination.clear()
          const log = open({ sampling: { initial, thereafter } })
          let logged = 0
          for (const step of actions) {
            if (typeof step === 'number') clock.advance(step)
            else {
              logged += 1
              log[step.level](step.message)
            }
          }
          await log.flush()
          const told = destination.records.reduce((sum, { suppressed = 0 }) => sum + Number(suppressed), 0)
          const written = destination.records.filter(({ suppressed }) => suppressed === undefined).length
          expect(written + told).toBe(logged)
        },
      ),
    )
  })
})

describe('repeats', () => {
  test('are held back and told when the window ends', () => {
    const log = open({ repeats: { windowMs: 1000 } })
    const before = logStats().repeatedLines
    const db = log.named('db')
    for (let i = 0; i < 5; i += 1) db.warn({ code: 7 }, 'lost')
    db.warn({ code: 8 }, 'lost')
    log.warn({ code: 7 }, 'lost')
    expect(said()).toEqual(['lost', 'lost', 'lost'])
    clock.advance(1000)
    expect(destination.records.slice(3)).toEqual([
      { level: 'warn', time: expect.any(Number) as unknown, logger: 'db', code: 7, repeated: 4, msg: 'lost' },
    ])
    db.warn({ code: 7 }, 'lost')
    expect(said().slice(4)).toEqual(['lost'])
    clock.advance(10_000)
    expect(destination.records).toHaveLength(5)
    expect(logStats().repeatedLines).toBe(before + 4)
    expect(clock.pendingTimers).toBe(0)
  })

  test('are told each at the end of its own window', () => {
    const log = open({ repeats: { windowMs: 1000 } })
    log.info('a')
    clock.advance(600)
    log.info('b')
    log.info('a')
    log.info('b')
    clock.advance(400)
    expect(said()).toEqual(['a', 'b', { msg: 'a', repeated: 1 }])
    clock.advance(600)
    expect(said().slice(3)).toEqual([{ msg: 'b', repeated: 1 }])
  })

  test('of errors, of long lines and of lines that say themselves how often are written', () => {
    const log = open({ repeats: { windowMs: 1000 } })
    const pad = 'x'.repeat(5000)
    for (let i = 0; i < 2; i += 1) {
      log.error('x')
      log.info({ pad })
      log.info({ repeated: 1 }, 'x')
      log.child({ repeated: 1 }).info('y')
    }
    expect(destination.records).toHaveLength(8)
    destination.clear()
    const asked = open({ repeats: { windowMs: 1000, levels: ['error'] } })
    asked.error('x')
    asked.error('x')
    asked.info('y')
    asked.info('y')
    expect(said()).toEqual(['x', 'y', 'y'])
  })

  test('are remembered in a bounded number, the oldest told when it makes room', () => {
    const log = open({ repeats: { windowMs: 1000 } })
    log.info('first')
    log.info('first')
    for (let i = 0; i < 300; i += 1) log.info({ i }, 'x')
    expect(said()[256]).toEqual({ msg: 'first', repeated: 1 })
    log.info('first')
    expect(said().at(-1)).toBe('first')
  })
})

describe('what an override asks for', () => {
  const picked = createKey('picked', false)
  const ctx = background.withValue(picked, true)
  const when = (of: Context): boolean => of.value(picked)

  test.each<[string, LoggerOptions]>([
    ['sampled', { sampling: { initial: 1, thereafter: 0, levels: ['debug', 'info', 'error'] } }],
    ['held back as a repeat', { repeats: { windowMs: 1000, levels: ['debug', 'info', 'error'] } }],
  ])('is not %s, be it below the level or above, and does not count for others', (_what, options) => {
    const log = open({ ...options, level: 'info' })
    using override = log.levels.override({ when, level: 'debug', ttlMs: 10_000 })
    destination.clear()
    const bound = log.withContext(ctx)
    for (let i = 0; i < 3; i += 1) {
      bound.debug('debug')
      bound.info('info')
      log.debug('debug')
      log.info('info')
    }
    expect(said()).toEqual(['debug', 'info', 'info', 'debug', 'info', 'debug', 'info'])
    expect(override.lines).toBe(6)
  })

  test('is written whatever was written before, and what it does not ask for is not', () => {
    const log = open({ sampling: { initial: 1, thereafter: 0 }, repeats: { windowMs: 1000 }, level: 'info' })
    const bound = log.withContext(ctx)
    log.warn('warn')
    using override = log.levels.override({ when, level: 'warn', ttlMs: 10_000 })
    destination.clear()
    for (let i = 0; i < 2; i += 1) {
      bound.warn('warn')
      log.warn('warn')
      bound.info('info')
      bound.error('no override is needed for this')
    }
    expect(said()).toEqual([
      'warn',
      'info',
      'no override is needed for this',
      'warn',
      'no override is needed for this',
    ])
    expect(override.lines).toBe(2)
  })
})

describe.each(['json', 'text'] as const)('in %s', (format) => {
  test('flush tells what is held back, on one line each', async () => {
    const log = open({ format, sampling: { initial: 2, thereafter: 0 }, repeats: { windowMs: 1000 } })
    for (let i = 0; i < 5; i += 1) log.info({ a: 1 }, 'x\ny')
    await log.flush()
    const text = destination.lines.join('')
    expect(destination.lines).toHaveLength(3)
    expect(text.split('\n')).toHaveLength(4)
    expect(text).toMatch(/repeated["=:]*1\b/)
    expect(text).toMatch(/suppressed["=:]*3\b/)
  })
})

test.each(['', 'async: true,'])(
  'a process that exits tells what is held back, with {%s}',
  async (options) => {
    const process_ = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { createLogger } from ${entry}
       const log = createLogger({ format: 'json', ${options} sampling: { initial: 2, thereafter: 0 }, repeats: { windowMs: 60_000 } })
       for (let i = 0; i < 10; i += 1) log.info('x')
       process.exit(3)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let text = ''
    process_.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    expect(await once(process_, 'close')).toEqual([3, null])
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines).toMatchObject([{ msg: 'x' }, { repeated: 1 }, { suppressed: 8 }])
  },
)
