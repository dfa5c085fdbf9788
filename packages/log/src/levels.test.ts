import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { manualClock } from '@kit/context/testing'
import type { ManualClock } from '@kit/context/testing'
import { createLogger, LogError, logStats } from './index.ts'
import type { Change, Level, Logger, LevelTree } from './index.ts'
import { memoryDestination } from './testing.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const destination = memoryDestination()
let time: ManualClock

beforeEach(() => {
  time = manualClock()
  destination.clear()
})
afterEach(() => time[Symbol.dispose]())

function logger(level: string): Logger {
  return createLogger({ format: 'json', destination, level })
}

function levels(spec: string): LevelTree {
  return logger(spec).levels
}

function codeOf(fn: () => unknown): string | undefined {
  try {
    fn()
  } catch (error) {
    return error instanceof LogError ? error.code : 'another error'
  }
  return undefined
}

test('isLevelEnabled answers whatever it is asked', () => {
  const log = logger('info')
  for (const level of [undefined, null, 30, {}, Symbol('info'), 'loud', '__proto__', 'silent', 'off']) {
    expect(log.isLevelEnabled(level as never)).toBe(false)
  }
  expect(log.isLevelEnabled('WARN' as never)).toBe(true)
})

describe('a spec', () => {
  test.each<[string, string, Level]>([
    ['info', '', 'info'],
    ['', '', 'info'],
    ['debug', 'a.b.c', 'debug'],
    [' WARN , db = Debug ', 'db', 'debug'],
    ['warning', '', 'warn'],
    ['off', 'x', 'silent'],
    ['info,db=debug', 'db', 'debug'],
    ['info,db=debug', 'db.pool', 'debug'],
    ['info,db=debug', 'dbx', 'info'],
    ['info,db.*=debug', 'db', 'info'],
    ['info,db.*=debug', 'db.pool', 'debug'],
    ['info,db.*=debug', 'db.pool.conn', 'debug'],
    ['info,db.*=debug,db.pool=warn', 'db.pool', 'warn'],
    ['db.pool=warn,db.*=debug,info', 'db.pool', 'warn'],
    ['info,db.*=debug,db.pool=warn', 'db.pool.conn', 'warn'],
    ['info,db.*=debug,db.pool.*=trace', 'db.pool.conn', 'trace'],
    ['info,db.pool.*=trace,db.*=debug', 'db.pool.conn', 'trace'],
    ['info,db.pool.*=trace,db.*=debug', 'db.pool', 'debug'],
    ['info,db=warn,db.*=debug', 'db', 'warn'],
    ['info,db=warn,db.*=debug', 'db.pool', 'debug'],
    ['info,*=debug', '', 'info'],
    ['info,*=debug', 'x', 'debug'],
    ['info,*=debug,x=error', 'x.y', 'error'],
    ['info,db=warn,db=error', 'db', 'error'],
  ])('%s gives %s the level %s, before and after the logger exists', (spec, name, level) => {
    const log = logger(spec)
    expect(log.levels.get(name).level).toBe(level)
    const named = name === '' ? log : log.named(name)
    expect(log.levels.get(name).level).toBe(level)
    expect(named.isLevelEnabled('fatal')).toBe(level !== 'silent')
    expect(level === 'silent' || named.isLevelEnabled(level)).toBe(true)
  })

  test.each([
    ['info,', 'KIT_LOG_BAD_SPEC'],
    ['=debug', 'KIT_LOG_BAD_SPEC'],
    ['db=', 'KIT_LOG_BAD_SPEC'],
    ['verbose', 'KIT_LOG_BAD_LEVEL'],
    ['db=debug=info', 'KIT_LOG_BAD_LEVEL'],
    ['__proto__', 'KIT_LOG_BAD_LEVEL'],
    ['info;db=debug', 'KIT_LOG_BAD_NAME'],
    ['d*b=debug', 'KIT_LOG_BAD_NAME'],
    ['*.db=debug', 'KIT_LOG_BAD_NAME'],
    ['.db=debug', 'KIT_LOG_BAD_NAME'],
    ['db..x=debug', 'KIT_LOG_BAD_NAME'],
    ['d b=debug', 'KIT_LOG_BAD_NAME'],
    ['d\u0000b=debug', 'KIT_LOG_BAD_NAME'],
    [`${'x'.repeat(20_000)}=debug`, 'KIT_LOG_BAD_SPEC'],
  ])('%j is refused', (spec, code) => {
    expect(codeOf(() => levels(spec))).toBe(code)
  })
})

test('a change reaches every live logger at once, whenever and however it was made', () => {
  const log = logger('info')
  const before = [
    log,
    log.child({ a: 1 }),
    log.named('db'),
    log.named('db').child({}).named('pool'),
    log.named('db.pool'),
  ]
  for (const each of before) each.debug('no')
  log.levels.set('', 'debug')
  for (const each of [...before, log.named('late')]) each.debug('yes')
  expect(destination.records.filter(({ msg }) => msg === 'yes')).toHaveLength(6)
  log.levels.set('db', 'error')
  expect(before.map((each) => each.isLevelEnabled('warn'))).toEqual([true, true, false, false, false])
  log.levels.set('db', null)
  expect(before.map((each) => each.isLevelEnabled('debug'))).toEqual([true, true, true, true, true])
  expect(destination.records.some(({ msg }) => msg === 'no')).toBe(false)
})

describe('a temporary level', () => {
  test('ends by itself, exactly at its end', () => {
    const tree = levels('info,db=warn')
    const change = tree.set('db', 'trace', { ttlMs: 60_000, reason: 'slow', by: 'ada' })
    expect(change).toEqual({
      name: 'db',
      before: 'warn',
      after: 'trace',
      configured: 'trace',
      expiresAt: time.wallTime() + 60_000,
      reason: 'slow',
      by: 'ada',
      revision: 1,
    })
    expect(tree.get('db')).toEqual({
      level: 'trace',
      configured: 'trace',
      expiresAt: time.wallTime() + 60_000,
    })
    time.advance(59_999)
    expect(tree.get('db').level).toBe('trace')
    time.advance(1)
    expect(tree.get('db')).toEqual({ level: 'warn', configured: 'warn' })
  })

  test('goes back to inheriting if nothing was configured', () => {
    const tree = levels('info')
    tree.set('db', 'debug', { ttlMs: 10 })
    tree.set('', 'error')
    time.advance(10)
    expect(tree.get('db')).toEqual({ level: 'error', configured: undefined })
  })

  test('followed by another keeps the first way back and the last end', () => {
    const tree = levels('info,db=warn')
    tree.set('db', 'debug', { ttlMs: 100 })
    time.advance(50)
    tree.set('db', 'trace', { ttlMs: 100 })
    time.advance(99)
    expect(tree.get('db').level).toBe('trace')
    time.advance(1)
    expect(tree.get('db').level).toBe('warn')
    expect(time.pendingTimers).toBe(0)
  })

  test('followed by a permanent one or a reset does not come back', () => {
    const tree = levels('info')
    tree.set('', 'debug', { ttlMs: 100 })
    tree.set('', 'error')
    time.advance(200)
    expect(tree.get()).toEqual({ level: 'error', configured: 'error' })
    tree.set('', 'debug', { ttlMs: 100 })
    tree.reset('')
    time.advance(200)
    expect(tree.get().level).toBe('info')
    expect(time.pendingTimers).toBe(0)
  })

  test('after a permanent one goes back to that', () => {
    const tree = levels('info')
    tree.set('', 'warn')
    tree.set('', 'debug', { ttlMs: 100 })
    time.advance(100)
    expect(tree.get().level).toBe('warn')
  })
})

test('reset returns one target or all to the start-up state', () => {
  const tree = levels('info,db=warn,http.*=error')
  tree.set('', 'trace')
  tree.set('db', 'debug')
  tree.set('http.*', null)
  tree.set('new', 'fatal')
  expect(tree.reset('db')).toMatchObject([{ name: 'db', before: 'debug', after: 'warn' }])
  expect(tree.reset('db')).toEqual([])
  expect(tree.reset('nobody')).toEqual([])
  expect(tree.reset().map(({ name }) => name)).toEqual(['', 'http.*', 'new'])
  expect(tree.list()).toEqual([
    { name: '', level: 'info', configured: 'info' },
    { name: 'db', level: 'warn', configured: 'warn' },
    { name: 'http', level: 'info', configured: undefined },
    { name: 'http.*', level: 'error', configured: 'error' },
    { name: 'new', level: 'info', configured: undefined },
  ])
})

describe('each change', () => {
  test('leaves one audit line, also at silent and when it ends by itself', () => {
    const tree = levels('silent')
    tree.set('db', 'debug', { ttlMs: 1000, reason: 'why', by: 'ada' })
    time.advance(1000)
    tree.set('', 'silent')
    expect(destination.records).toMatchObject([
      {
        level: 'info',
        logger: 'log.levels',
        target: 'db',
        before: 'silent',
        after: 'debug',
        reason: 'why',
        by: 'ada',
        expiresAt: time.wallTime(),
        msg: 'log level changed',
      },
      { target: 'db', before: 'debug', after: 'silent', reason: 'expired', by: 'ada' },
      { target: '', before: 'silent', after: 'silent' },
    ])
    expect(destination.lines).toHaveLength(3)
  })

  test('is told to listeners until they stop, whatever one of them does', () => {
    const tree = levels('info')
    const seen: Change[] = []
    const failed = logStats().failedListeners
    tree.onChange(() => {
      throw new Error('listener')
    })
    const stop = tree.onChange((change) => seen.push(change))
    const change = tree.set('a', 'debug', { ttlMs: 5 })
    time.advance(5)
    stop()
    tree.set('a', 'warn')
    expect(seen[0]).toBe(change)
    expect(seen).toMatchObject([
      { name: 'a', after: 'debug', revision: 1 },
      { name: 'a', after: 'info', revision: 2 },
    ])
    expect(tree.revision).toBe(3)
    expect(logStats().failedListeners).toBe(failed + 3)
  })
})

test('mistakes are refused before anything changes', () => {
  const tree = levels('info')
  expect(codeOf(() => tree.set('a', 'loud'))).toBe('KIT_LOG_BAD_LEVEL')
  expect(codeOf(() => tree.set('a b', 'info'))).toBe('KIT_LOG_BAD_NAME')
  for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(codeOf(() => tree.set('a', 'debug', { ttlMs }))).toBe('KIT_LOG_BAD_TTL')
  }
  expect(codeOf(() => tree.set('a', 'debug', { ttl: 1 } as never))).toBe('KIT_LOG_UNKNOWN_OPTION')
  expect(codeOf(() => logger('info').named(''))).toBe('KIT_LOG_BAD_NAME')
  expect(codeOf(() => logger('info').named('a..b'))).toBe('KIT_LOG_BAD_NAME')
  expect(tree.list()).toHaveLength(1)
  expect(destination.lines).toHaveLength(0)
})

test('names that could reach into objects are names like others', () => {
  const log = logger('info')
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty']) {
    const named = log.named(name)
    log.levels.set(name, 'debug')
    expect(named.isLevelEnabled('debug')).toBe(true)
    expect(log.levels.has(name)).toBe(true)
  }
  expect(log.isLevelEnabled('debug')).toBe(false)
})

test('a full tree folds new loggers into their nearest ancestor and refuses new settings', () => {
  const log = logger('info')
  for (let i = 0; i < 4096; i += 1) log.named(`db.n${i}`)
  const folded = logStats().foldedNames
  log.levels.set('db', 'debug')
  const late = log.named('db.late.comer')
  expect(late.isLevelEnabled('debug')).toBe(true)
  late.debug('x')
  expect(destination.records.at(-1)).toMatchObject({ logger: 'db.late.comer' })
  expect(logStats().foldedNames).toBeGreaterThan(folded)
  expect(codeOf(() => log.levels.set('db.late.comer', 'debug'))).toBe('KIT_LOG_TOO_MANY_NAMES')
  expect(log.levels.list()).toHaveLength(4096)
})

// A model that keeps a flat list of settings and looks the nearest one up for each question.
const names = ['', 'a', 'b', 'a.b', 'a.b.c', 'a.c', 'b.a', 'b.a.c.d']
const targets = [...names, '*', 'a.*', 'a.b.*', 'b.*']
const order: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

function modelLevel(settings: ReadonlyMap<string, Level>, name: string): Level {
  const own = settings.get(name)
  if (own !== undefined) return own
  for (let parent = name; parent !== '';) {
    parent = parent.includes('.') ? parent.slice(0, parent.lastIndexOf('.')) : ''
    const level = settings.get(parent === '' ? '*' : `${parent}.*`) ?? settings.get(parent)
    if (level !== undefined) return level
  }
  throw new Error('the root always has a level')
}

test('any sequence of operations agrees with a naive model', () => {
  const target = fc.constantFrom(...targets)
  const operation = fc.oneof(
    fc.record({ do: fc.constant('set' as const), target, level: fc.constantFrom(...order) }),
    fc.record({
      do: fc.constant('ttl' as const),
      target,
      level: fc.constantFrom(...order),
      ms: fc.integer({ min: 1, max: 50 }),
    }),
    fc.record({ do: fc.constant('clear' as const), target }),
    fc.record({ do: fc.constant('reset' as const), target: fc.option(target, { nil: undefined }) }),
    fc.record({ do: fc.constant('named' as const), target: fc.constantFrom(...names) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30 }) }),
  )
  fc.assert(
    fc.property(
      fc.dictionary(target, fc.constantFrom(...order)),
      fc.array(operation, { maxLength: 30 }),
      (start, operations) => {
        const spec = Object.entries({ '': 'info', ...start })
          .map(([name, level]) => (name === '' ? level : `${name}=${level}`))
          .join(',')
        const log = logger(spec)
        const startup = new Map<string, Level>(Object.entries({ '': 'info', ...start }) as [string, Level][])
        const settings = new Map(startup)
        const temporary = new Map<string, { end: number; back: Level | undefined }>()
        const loggers = new Map<string, Logger>([['', log]])
        const put = (name: string, level: Level | undefined): void => {
          if (level === undefined) settings.delete(name)
          else settings.set(name, level)
        }
        for (const step of operations) {
          if (step.do === 'set') {
            log.levels.set(step.target, step.level)
            temporary.delete(step.target)
            put(step.target, step.level)
          } else if (step.do === 'ttl') {
            log.levels.set(step.target, step.level, { ttlMs: step.ms })
            const back = temporary.has(step.target)
              ? temporary.get(step.target)?.back
              : settings.get(step.target)
            temporary.set(step.target, { end: time.now() + step.ms, back })
            put(step.target, step.level)
          } else if (step.do === 'clear') {
            log.levels.set(step.target, null)
            temporary.delete(step.target)
            put(step.target, step.target === '' ? startup.get('') : undefined)
          } else if (step.do === 'reset') {
            log.levels.reset(step.target)
            for (const name of step.target === undefined ? targets : [step.target]) {
              temporary.delete(name)
              put(name, startup.get(name))
            }
          } else if (step.do === 'named') {
            loggers.set(step.target, step.target === '' ? log : log.named(step.target))
          } else {
            time.advance(step.ms)
            for (const [name, { end, back }] of temporary) {
              if (end > time.now()) continue
              temporary.delete(name)
              put(name, back)
            }
          }
          for (const name of names) {
            const expected = modelLevel(settings, name)
            expect(log.levels.get(name).level).toBe(expected)
            expect(log.levels.get(name).configured).toBe(settings.get(name))
            const lines = order.filter((level) => level !== 'silent')
            const wanted = order.slice(order.indexOf(expected), -1)
            const live = loggers.get(name)
            expect(live === undefined ? wanted : lines.filter((level) => live.isLevelEnabled(level))).toEqual(
              wanted,
            )
          }
        }
      },
    ),
    { numRuns: 500 },
  )
})
