import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { background, createKey, run } from '@kit/context'
import type { Context } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import type { ManualClock } from '@kit/context/testing'
import { createLogger, logStats, withFields } from './index.ts'
import type { LogError, Logger, LoggerOptions, RecordOptions } from './index.ts'
import type { LoggerLevels } from './level-tree.ts'
import { memoryDestination } from './testing.ts'

const destination = memoryDestination()
let time: ManualClock
let log: Logger
beforeEach(() => {
  time = manualClock()
  destination.clear()
  log = open({})
})
afterEach(() => {
  time[Symbol.dispose]()
  const { activeRecordings, recordedCharacters } = logStats()
  if (activeRecordings + recordedCharacters > 0) throw new Error('a recording was left behind')
})

function open(options: LoggerOptions): Logger {
  return createLogger({ format: 'json', destination, level: 'info,db=warn,off=silent', ...options })
}

/** The messages in the order of their lines; of those that tell of a dump, what they tell. */
function said(): unknown[] {
  return destination.records
    .filter(({ logger }) => logger !== 'log.levels')
    .map(({ logger, msg, recorded, recordedLines, lostLines, reason }) => {
      if (logger === 'log.recorder') return { recordedLines, lostLines, reason }
      return recorded === true ? `recorded: ${String(msg)}` : msg
    })
}

function gateOf(logger: Logger, name = ''): number {
  return (logger.levels as LoggerLevels).node(name).gate
}

/** The context's end is told to its callbacks soon after it. */
function soon(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

describe('a recording', () => {
  test('keeps what the levels refuse under its context, of all loggers of the tree, and writes it when asked', () => {
    const pool = log.named('db').named('pool')
    using recording = log.record(withFields(background, { requestId: 'r-1' }))
    run(recording.ctx.withTimeout(1000), () => {
      pool.debug({ waiting: 3 }, 'pool is %s', 'busy')
      time.advance(5)
      pool.trace('below the recording')
      log.info('written anyway')
      log.child({ a: 1 }).debug('mine')
    })
    log.named('off').withContext(recording.ctx).fatal(new Error('unheard'))
    log.debug('elsewhere')
    expect(said()).toEqual(['written anyway'])
    expect(recording.lines).toBe(3)

    time.advance(100)
    expect(recording.dump('failed')).toBe(3)
    expect(destination.records.slice(1)).toEqual([
      {
        level: 'info',
        time: time.wallTime(),
        logger: 'log.recorder',
        requestId: 'r-1',
        reason: 'failed',
        recordedLines: 3,
        lostLines: 0,
        msg: '3 recorded lines',
      },
      {
        level: 'debug',
        time: time.wallTime() - 105,
        logger: 'db.pool',
        requestId: 'r-1',
        waiting: 3,
        recorded: true,
        msg: 'pool is busy',
      },
      {
        level: 'debug',
        time: time.wallTime() - 100,
        requestId: 'r-1',
        a: 1,
        recorded: true,
        msg: 'mine',
      },
      {
        level: 'fatal',
        time: time.wallTime() - 100,
        logger: 'off',
        requestId: 'r-1',
        err: expect.objectContaining({ message: 'unheard' }) as unknown,
        recorded: true,
        msg: 'unheard',
      },
    ])
  })

  test('keeps what was true at the time of the call', () => {
    using recording = log.record(background)
    const basket = { items: [1], user: { name: 'ann' } }
    const failure = new Error('before')
    const bound = log.withContext(recording.ctx)
    bound.debug(basket, 'basket')
    bound.debug({ failure }, 'failure')
    basket.items.push(2)
    basket.user.name = 'bob'
    failure.message = 'after'
    recording.dump()
    expect(destination.records.slice(1)).toMatchObject([
      { items: [1], user: { name: 'ann' } },
      { failure: { message: 'before' } },
    ])
  })

  test('goes on after a dump, writes nothing twice, and says nothing when there is nothing to say', () => {
    using recording = log.record(background)
    const bound = log.withContext(recording.ctx)
    expect(recording.dump('early')).toBe(0)
    bound.debug('one')
    expect(recording.dump('first')).toBe(1)
    expect(recording.lines).toBe(0)
    bound.debug('two')
    expect([recording.dump('second'), recording.dump('third')]).toEqual([1, 0])
    expect(said()).toEqual([
      { recordedLines: 1, lostLines: 0, reason: 'first' },
      'recorded: one',
      { recordedLines: 1, lostLines: 0, reason: 'second' },
      'recorded: two',
    ])
  })

  test('within a recording leaves its lines to both, and the first to write them is the only one', () => {
    using outer = log.record(background)
    log.withContext(outer.ctx).debug('outer')
    {
      using inner = log.record(outer.ctx, { level: 'trace' })
      const bound = log.withContext(inner.ctx)
      bound.trace('inner trace')
      bound.debug('inner debug')
      expect([outer.lines, inner.lines]).toEqual([2, 2])
      inner.dump('inner')
      expect([outer.lines, inner.lines]).toEqual([1, 0])
      bound.debug('discarded by the inner one')
    }
    outer.dump('outer')
    expect(said()).toEqual([
      { recordedLines: 2, lostLines: 0, reason: 'inner' },
      'recorded: inner trace',
      'recorded: inner debug',
      { recordedLines: 2, lostLines: 0, reason: 'outer' },
      'recorded: outer',
      'recorded: discarded by the inner one',
    ])
  })

  test('does not keep what an override writes', () => {
    const picked = createKey('picked', false)
    using _override = log.levels.override({ when: (ctx) => ctx.value(picked), level: 'debug', ttlMs: 1000 })
    using recording = log.record(background, { level: 'trace' })
    log.withContext(recording.ctx.withValue(picked, true)).debug('overridden')
    log.withContext(recording.ctx).debug('recorded')
    log.withContext(recording.ctx.withValue(picked, true)).trace('below the override')
    recording.dump()
    expect(said()).toEqual([
      'overridden',
      { recordedLines: 2, lostLines: 0, reason: undefined },
      'recorded: recorded',
      'recorded: below the override',
    ])
  })

  test('is seen by isLevelEnabled and by log.pino', () => {
    using recording = log.record(background, { level: 'debug' })
    const bound = log.withContext(recording.ctx)
    expect([bound.isLevelEnabled('debug'), bound.isLevelEnabled('trace')]).toEqual([true, false])
    expect(log.isLevelEnabled('debug')).toBe(false)
    bound.pino.child({ lib: 'x' }).debug({ a: 1 }, 'through pino')
    bound.pino.trace('not')
    recording.dump()
    expect(destination.records.slice(1)).toMatchObject([
      { lib: 'x', a: 1, recorded: true, msg: 'through pino' },
    ])
  })

  test('is not reached by other trees', () => {
    const other = open({})
    using recording = log.record(background)
    other.withContext(recording.ctx).debug('other')
    expect([recording.lines, gateOf(log), gateOf(other)]).toEqual([0, 20, 30])
  })

  test('can be begun by a method that lost its logger', () => {
    const { record } = log
    using recording = record(background)
    log.withContext(recording.ctx).debug('x')
    expect(recording.lines).toBe(1)
  })
})

describe('the end of a recording', () => {
  test('gives the gates back, once however often it is told', () => {
    const gates = (): number[] => ['', 'db', 'off'].map((name) => gateOf(log, name))
    const trace = log.record(background, { level: 'trace' })
    const debug = log.record(background)
    const second = log.record(background)
    expect(gates()).toEqual([10, 10, 10])
    trace.discard()
    trace.discard()
    trace[Symbol.dispose]()
    expect(gates()).toEqual([20, 20, 20])
    debug.discard()
    expect(gates()).toEqual([20, 20, 20])
    using _override = log.levels.override({ when: () => false, level: 'info', ttlMs: 1000 })
    second.discard()
    expect(gates()).toEqual([30, 30, 30])
  })

  test('comes with its context; what it has then can still be dumped', async () => {
    using ctx = background.withTimeout(50)
    const recording = log.record(ctx)
    const bound = log.withContext(recording.ctx)
    bound.debug('in time')
    time.advance(50)
    await soon()
    bound.debug('too late')
    expect([gateOf(log), recording.lines, logStats().activeRecordings]).toEqual([30, 1, 0])
    expect(log.levels.dumpRecordings()).toEqual({ recordings: 0, lines: 0 })
    recording.dump('deadline')
    expect(said()).toEqual([{ recordedLines: 1, lostLines: 0, reason: 'deadline' }, 'recorded: in time'])
    expect(time.pendingTimers).toBe(0)
  })

  test('comes at once under a context that has ended', async () => {
    const ctx = background.withCancel()
    ctx.cancel()
    log.record(ctx)
    await soon()
    expect(gateOf(log)).toBe(30)
  })

  test('by discard leaves nothing to dump', () => {
    const recording = log.record(background)
    log.withContext(recording.ctx).debug('x')
    recording.discard()
    log.withContext(recording.ctx).debug('y')
    expect([recording.lines, recording.dump('late')]).toEqual([0, 0])
    expect(said()).toEqual([])
  })
})

describe('the bounds of a recording', () => {
  test('let the oldest lines fall out, which is told and counted', () => {
    const lost = logStats().lostRecordedLines
    using recording = log.record(background, { maxLines: 3 })
    for (let i = 0; i < 300; i += 1) log.withContext(recording.ctx).debug(`line ${i}`)
    recording.dump()
    expect(said()).toEqual([
      { recordedLines: 3, lostLines: 297, reason: undefined },
      'recorded: line 297',
      'recorded: line 298',
      'recorded: line 299',
    ])
    expect(logStats().lostRecordedLines).toBe(lost + 297)
  })

  test('count characters, and a line that is longer than all of them falls out itself', () => {
    using recording = log.record(background, { maxCharacters: 1024 })
    const bound = log.withContext(recording.ctx)
    for (const name of ['a', 'b', 'c']) bound.debug(name.repeat(300))
    expect([recording.lines, logStats().recordedCharacters]).toEqual([2, 2 * 365])
    bound.debug('d'.repeat(2000))
    expect(recording.lines).toBe(2)
    recording.dump()
    expect(said()).toEqual([
      { recordedLines: 2, lostLines: 2, reason: undefined },
      `recorded: ${'b'.repeat(300)}`,
      `recorded: ${'c'.repeat(300)}`,
    ])
  })

  test('of the process end the oldest recording for one too many', () => {
    const { evictedRecordings, lostRecordedLines } = logStats()
    const all = Array.from({ length: 4096 }, () => log.record(background))
    const [oldest, next] = all
    for (const one of [oldest, next]) log.withContext(one?.ctx ?? background).debug('x')
    all.push(log.record(background))
    expect([oldest?.lines, next?.lines]).toEqual([0, 1])
    log.withContext(oldest?.ctx ?? background).debug('y')
    oldest?.dump('too late')
    expect(said()).toEqual([{ recordedLines: 0, lostLines: 1, reason: 'too late' }])
    expect(logStats()).toMatchObject({
      activeRecordings: 4096,
      evictedRecordings: evictedRecordings + 1,
      lostRecordedLines: lostRecordedLines + 1,
    })
    for (const one of all) one.discard()
    expect(gateOf(log)).toBe(30)
  })

  test('of the process end the oldest recordings for too many characters', () => {
    const { evictedRecordings } = logStats()
    const all = Array.from({ length: 20 }, () => {
      const one = log.record(background, { maxCharacters: 1_048_576 })
      for (let i = 0; i < 63; i += 1) log.withContext(one.ctx).debug('x'.repeat(16_384))
      return one
    })
    const size = 16_384 + 1 + 64
    expect(all.findIndex(({ lines }) => lines > 0)).toBe(logStats().evictedRecordings - evictedRecordings)
    expect(logStats().recordedCharacters).toBe(16 * 63 * size)
    expect(16 * 63 * size <= 16_777_216 && 17 * 63 * size > 16_777_216).toBe(true)
    for (const one of all) one.discard()
  })

  test('are those of active recordings alone: what is over makes no chain longer', () => {
    let ctx: Context = background
    for (let i = 0; i < 100_000; i += 1) {
      const over = log.record(ctx)
      over.discard()
      ctx = over.ctx
    }
    using recording = log.record(ctx)
    log.withContext(recording.ctx).debug('x')
    expect(recording.lines).toBe(1)
  })

  test('leave no listener on a long-lived context behind', () => {
    using ctx = background.withTimeout(1e6)
    for (let i = 0; i < 5000; i += 1) log.record(ctx)
    ctx.cancel()
    expect(logStats().activeRecordings).toBe(4096)
    return soon()
  })
})

describe('recorded lines', () => {
  test('are redacted and survive whatever they are given', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('keys')
        },
      },
    )
    using recording = log.record(background)
    const bound = log.withContext(recording.ctx)
    bound.debug({ password: 'hunter2', nested: { token: 'CANARY' } }, 'GET /?token=CANARY')
    bound.debug({
      get thrown() {
        throw new Error('getter')
      },
    })
    bound.debug(hostile, 'proxy')
    bound.debug({ level: 'forged', big: 1n })
    bound.debug({ undefined })
    bound.debug(
      {
        get inner() {
          bound.debug('logged by a getter')
          recording.dump('from within')
          return 1
        },
      },
      'outer',
    )
    recording.dump()
    expect(destination.lines.join('')).not.toMatch(/CANARY|hunter2/)
    expect(said()).toEqual([
      { recordedLines: 6, lostLines: 0, reason: 'from within' },
      'recorded: GET /?token=[redacted]',
      'recorded: undefined',
      'recorded: proxy',
      'recorded: undefined',
      'recorded: undefined',
      'recorded: logged by a getter',
      { recordedLines: 1, lostLines: 0, reason: undefined },
      'recorded: outer',
    ])
  })

  test('keep fields of theirs that are named like the mark', () => {
    using recording = log.record(background)
    log.withContext(recording.ctx).debug({ recorded: 1, 'recorded+': 2, nested: { recorded: 3 } }, 'x')
    recording.dump()
    expect(destination.records[1]).toMatchObject({ recorded: 1, 'recorded+': 2, 'recorded++': true })
  })

  test('are text where lines are text', () => {
    const text = open({ format: 'text' })
    using recording = text.record(background)
    text.named('db').withContext(recording.ctx).debug({ a: 1 }, 'two\nlines')
    recording.dump('why not')
    expect(destination.lines).toEqual([
      '2020-01-01T00:00:00.000Z INFO   log.recorder  1 recorded line  reason="why not" recordedLines=1 lostLines=0\n',
      '2020-01-01T00:00:00.000Z DEBUG  db  two\\nlines  a=1 recorded=true\n',
    ])
  })

  test('are neither sampled nor held back as repeats, nor do they count for others', () => {
    const sampled = open({
      sampling: { initial: 1, thereafter: 0, levels: ['debug', 'info'] },
      repeats: { windowMs: 1000, levels: ['debug', 'info'] },
    })
    using recording = sampled.record(background)
    const bound = sampled.withContext(recording.ctx)
    for (let i = 0; i < 3; i += 1) bound.debug('same')
    for (let i = 0; i < 2; i += 1) bound.info('written')
    recording.dump()
    time.advance(5000)
    expect(said()).toEqual([
      'written',
      { recordedLines: 3, lostLines: 0, reason: undefined },
      'recorded: same',
      'recorded: same',
      'recorded: same',
      '1 lines suppressed',
    ])
  })

  test('are told to subscribers of pino when they are written, and not before', () => {
    const told: unknown[] = []
    const listener = (message: unknown): void => {
      told.push((message as { result: unknown }).result)
    }
    subscribe('tracing:pino_asJson:end', listener)
    const recording = log.record(background)
    log.withContext(recording.ctx).debug('first')
    recording.dump()
    expect(told).toEqual(destination.lines)
    log.withContext(recording.ctx).debug('second')
    recording.discard()
    expect(told).toHaveLength(2)
    unsubscribe('tracing:pino_asJson:end', listener)
  })

  test('that the destination does not take are counted', () => {
    const { droppedLines } = logStats()
    const broken = open({
      destination: {
        write() {
          throw new Error('full')
        },
      },
    })
    using recording = broken.record(background)
    broken.withContext(recording.ctx).debug('x')
    expect(recording.dump()).toBe(1)
    expect(logStats().droppedLines).toBe(droppedLines + 2)
  })

  test('may be dumped by a destination that is being written to', () => {
    const lines: string[] = []
    const echo: Logger = open({
      destination: {
        write(line) {
          lines.push(line)
          inner.dump('from the destination')
          echo.withContext(inner.ctx).debug('logged by the destination')
        },
      },
    })
    using outer = echo.record(background)
    using inner = echo.record(outer.ctx)
    echo.withContext(inner.ctx).debug('x')
    outer.dump()
    expect(lines.filter((line) => line.includes('"msg":"x"'))).toHaveLength(1)
  })
})

describe('dumpRecordings', () => {
  test('has all active recordings of the tree write what they keep', () => {
    using one = log.record(background)
    using two = log.record(background)
    using _idle = log.record(background)
    log.withContext(one.ctx).debug('one')
    log.withContext(two.ctx).debug('two')
    expect(log.levels.dumpRecordings('look', 'ada')).toEqual({ recordings: 2, lines: 2 })
    expect(said()).toEqual([
      { recordedLines: 1, lostLines: 0, reason: 'look' },
      'recorded: one',
      { recordedLines: 1, lostLines: 0, reason: 'look' },
      'recorded: two',
    ])
    expect(destination.records[0]).toMatchObject({ by: 'ada' })
    expect(logStats().activeRecordings).toBe(3)
  })
})

describe('options', () => {
  test.each([
    ['KIT_LOG_UNKNOWN_OPTION', { levels: 'debug' }],
    ['KIT_LOG_BAD_OPTION', null],
    ['KIT_LOG_BAD_LEVEL', { level: 'loud' }],
    ['KIT_LOG_BAD_LEVEL', { level: 'silent' }],
    ['KIT_LOG_BAD_OPTION', { maxLines: 0 }],
    ['KIT_LOG_BAD_OPTION', { maxLines: 10_001 }],
    ['KIT_LOG_BAD_OPTION', { maxLines: 1.5 }],
    ['KIT_LOG_BAD_OPTION', { maxCharacters: 1023 }],
    ['KIT_LOG_BAD_OPTION', { maxCharacters: '4096' }],
  ])('%s for %j', (code, options) => {
    let thrown: unknown
    try {
      log.record(background, options as unknown as RecordOptions)
    } catch (error) {
      thrown = (error as LogError).code
    }
    expect(thrown).toBe(code)
    expect(gateOf(log)).toBe(30)
  })
})
