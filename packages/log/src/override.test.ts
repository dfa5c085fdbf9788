import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { background, createKey, run } from '@kit/context'
import type { Context } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import type { ManualClock } from '@kit/context/testing'
import { createLogger, logStats, setUser, withRequest } from './index.ts'
import type { LogError, Logger, Override, OverrideOptions, RequestFacts } from './index.ts'
import { memoryDestination } from './testing.ts'

const destination = memoryDestination()
let time: ManualClock
let log: Logger
beforeEach(() => {
  time = manualClock()
  destination.clear()
  log = createLogger({ format: 'json', destination, level: 'info,db=error,off=silent' })
})
afterEach(() => time[Symbol.dispose]())

const tenant = createKey<string>('tenant')
const debugAcme: OverrideOptions = {
  when: (ctx) => ctx.value(tenant) === 'acme',
  level: 'debug',
  ttlMs: 1000,
}

/** The messages that were logged, without the audit. */
function messages(): unknown[] {
  return destination.records.filter((line) => line['logger'] !== 'log.levels').map((line) => line['msg'])
}

function codeOf(fn: () => unknown): unknown {
  try {
    fn()
  } catch (error) {
    return (error as LogError).code
  }
  return undefined
}

describe('an override', () => {
  test('reaches module-level loggers, for the contexts that it picks and no others', () => {
    const pool = log.named('db.pool')
    const off = log.named('off')
    log.levels.override(debugAcme)
    const work = (who: string): void => {
      pool.trace(`${who} trace`)
      pool.debug(`${who} debug`)
      pool.error(`${who} error`)
      off.child({ a: 1 }).debug(`${who} off`)
    }
    run(background.withValue(tenant, 'acme').withTimeout(10), () => work('acme'))
    run(background.withValue(tenant, 'other'), () => work('other'))
    work('nobody')
    expect(messages()).toEqual(['acme debug', 'acme error', 'acme off', 'other error', 'nobody error'])
  })

  test('is asked about the context that a logger carries, before the ambient one', () => {
    log.levels.override(debugAcme)
    const bound = log.withContext(background.withValue(tenant, 'acme'))
    bound.debug('bound')
    run(background.withValue(tenant, 'acme'), () => {
      log.withContext(background).debug('elsewhere')
    })
    expect(messages()).toEqual(['bound'])
  })

  test('is seen by isLevelEnabled, which uses nothing of it up', () => {
    const override = log.levels.override({ ...debugAcme, max: 1 })
    const bound = log.withContext(background.withValue(tenant, 'acme'))
    expect([bound.isLevelEnabled('debug'), bound.isLevelEnabled('trace')]).toEqual([true, false])
    expect(log.isLevelEnabled('debug')).toBe(false)
    expect(override.lines).toBe(0)
  })

  test('ends by itself, after 15 minutes unless it is told otherwise', () => {
    const bound = log.withContext(background.withValue(tenant, 'acme'))
    const short = log.levels.override(debugAcme)
    const usual = log.levels.override({ when: debugAcme.when, level: 'trace' })
    expect(short.expiresAt).toBe(time.wallTime() + 1000)
    expect(usual.expiresAt).toBe(time.wallTime() + 900_000)
    usual.end()
    time.advance(999)
    bound.debug('in time')
    time.advance(1)
    bound.debug('too late')
    expect(messages()).toEqual(['in time'])
    expect(log.levels.overrides()).toEqual([])
    expect(time.pendingTimers).toBe(0)
  })

  test('ends when it has let through as many lines as it may', () => {
    const override = log.levels.override({ ...debugAcme, max: 2 })
    const bound = log.withContext(background.withValue(tenant, 'acme'))
    for (const n of [1, 2, 3]) bound.debug(`line ${n}`)
    expect(messages()).toEqual(['line 1', 'line 2'])
    expect(override.lines).toBe(2)
    expect(destination.records.filter((line) => line['msg'] === 'log override used up')).toHaveLength(1)
    expect(time.pendingTimers).toBe(0)
  })

  test('ends when it is disposed or ended, once', () => {
    const bound = log.withContext(background.withValue(tenant, 'acme'))
    {
      using override = log.levels.override(debugAcme)
      bound.debug('inside')
      override.end()
      override.end()
    }
    expect(log.levels.endOverride('unknown')).toBe(false)
    bound.debug('outside')
    expect(messages()).toEqual(['inside'])
    expect(log.levels.revision).toBe(2)
  })

  test('costs nothing once it is over: the gates are the levels again', () => {
    const gates = (): boolean[] => ['', 'db', 'off', 'new'].map((name) => isAsked(name))
    const asked: string[] = []
    function isAsked(name: string): boolean {
      asked.length = 0
      const logger = name === '' ? log : log.named(name)
      logger.debug('x')
      return asked.length > 0
    }
    const ask = (ctx: unknown): boolean => asked.push(String(ctx)) === 0
    const one = log.levels.override({ when: ask, level: 'debug' })
    const two = log.levels.override({ when: ask, level: 'warn' })
    expect(gates()).toEqual([true, true, true, true])
    one.end()
    expect(gates()).toEqual([false, false, false, false])
    two.end()
    log.levels.override({ when: ask, level: 'debug' })
    log.levels.set('', 'debug')
    expect(gates()).toEqual([false, true, true, false])
  })

  test('whose condition throws, or answers with anything but true, lets nothing through', () => {
    const failed = logStats().failedOverrides
    for (const when of [
      () => {
        throw new Error('condition')
      },
      () => 'yes',
      async () => true,
      () => undefined,
    ]) {
      log.levels.override({ when: when as unknown as () => boolean, level: 'debug' })
    }
    log.debug('x')
    expect(messages()).toEqual([])
    expect(logStats().failedOverrides).toBe(failed + 1)
  })

  test('whose condition logs is not asked about that', () => {
    log.levels.override({
      when: () => {
        log.debug('from the condition')
        return true
      },
      level: 'debug',
    })
    log.debug('x')
    expect(messages()).toEqual(['x'])
  })

  test('leaves audit lines and entries, also at silent', () => {
    log.levels.set('', 'silent')
    const { id } = log.levels.override({
      when: { header: { 'X-Debug': '1' } },
      level: 'debug',
      reason: 'why',
      by: 'ada',
    })
    log.levels.endOverride(id, 'bob')
    expect(destination.records.slice(1)).toMatchObject([
      {
        logger: 'log.levels',
        msg: 'log override begun',
        override: id,
        when: { header: { 'x-debug': '1' } },
        lets: 'debug',
        reason: 'why',
        by: 'ada',
        revision: 2,
      },
      {
        logger: 'log.levels',
        msg: 'log override ended',
        override: id,
        lines: 0,
        endedBy: 'bob',
        revision: 3,
      },
    ])
    expect(log.levels.audit()).toMatchObject([
      { kind: 'override', state: 'ended', id, endedBy: 'bob' },
      { kind: 'override', state: 'begun', id, by: 'ada', at: time.wallTime() },
      { kind: 'level', name: '', before: 'info', after: 'silent' },
    ])
  })

  test('samples requests as a whole', () => {
    const random = vi.spyOn(Math, 'random')
    try {
      log.levels.override({ when: { route: '/x' }, level: 'debug', sample: 0.5 })
      const request = (n: number): void => {
        random.mockReturnValueOnce(n)
        const outer = withRequest(background, { route: '/x' })
        const inner = withRequest(outer.withTimeout(5), { user: 'ann' })
        for (const ctx of [outer, inner, inner.withValue(tenant, 'a')]) log.withContext(ctx).debug(`${n}`)
      }
      request(0.49)
      request(0.5)
      expect(messages()).toEqual(['0.49', '0.49', '0.49'])
      expect(random).toHaveBeenCalledTimes(2)
    } finally {
      random.mockRestore()
    }
  })

  test.each<[string, Partial<Record<keyof OverrideOptions | 'x', unknown>>, string]>([
    ['no condition', { when: undefined }, 'KIT_LOG_BAD_CONDITION'],
    ['an empty condition', { when: {} }, 'KIT_LOG_BAD_CONDITION'],
    ['an unknown part', { when: { path: '/x' } }, 'KIT_LOG_BAD_CONDITION'],
    ['a list', { when: [] }, 'KIT_LOG_BAD_CONDITION'],
    ['an empty header', { when: { header: {} } }, 'KIT_LOG_BAD_CONDITION'],
    ['a header without a name', { when: { header: '=x' } }, 'KIT_LOG_BAD_CONDITION'],
    ['a header that is false', { when: { header: { a: false } } }, 'KIT_LOG_BAD_CONDITION'],
    ['a control character', { when: { user: 'a\u001b[31m' } }, 'KIT_LOG_BAD_CONDITION'],
    ['a long text', { when: { user: 'x'.repeat(257) } }, 'KIT_LOG_BAD_CONDITION'],
    [
      'many entries',
      { when: { user: Array.from({ length: 33 }, (_, n) => `u${n}`) } },
      'KIT_LOG_BAD_CONDITION',
    ],
    ['credentials', { when: { header: { Authorization: 'Bearer x' } } }, 'KIT_LOG_BAD_CONDITION'],
    ['a cookie', { when: { header: 'cookie' } }, 'KIT_LOG_BAD_CONDITION'],
    ['a key', { when: { baggage: { 'api-key': 'x' } } }, 'KIT_LOG_BAD_CONDITION'],
    ['an unknown level', { level: 'loud' }, 'KIT_LOG_BAD_LEVEL'],
    ['silent', { level: 'silent' }, 'KIT_LOG_BAD_LEVEL'],
    ['no time', { ttlMs: 0 }, 'KIT_LOG_BAD_TTL'],
    ['no end', { ttlMs: Infinity }, 'KIT_LOG_BAD_TTL'],
    [
      'a time that cannot be shown',
      { ttlMs: Object.assign([], { length: 2 ** 32 - 1 }) as never },
      'KIT_LOG_BAD_TTL',
    ],
    ['no sample', { sample: 0 }, 'KIT_LOG_BAD_OPTION'],
    ['more than all', { sample: 1.1 }, 'KIT_LOG_BAD_OPTION'],
    ['no lines', { max: 0 }, 'KIT_LOG_BAD_OPTION'],
    ['half a line', { max: 1.5 }, 'KIT_LOG_BAD_OPTION'],
    ['an unknown option', { x: 1 }, 'KIT_LOG_UNKNOWN_OPTION'],
  ])('with %s is refused', (_what, options, code) => {
    expect(codeOf(() => log.levels.override({ ...debugAcme, ...options } as OverrideOptions))).toBe(code)
    expect(log.levels.overrides()).toEqual([])
    expect(time.pendingTimers).toBe(0)
    expect(destination.lines).toEqual([])
  })

  test('more than 32 at a time are refused', () => {
    for (let i = 0; i < 32; i += 1) log.levels.override(debugAcme)
    expect(codeOf(() => log.levels.override(debugAcme))).toBe('KIT_LOG_TOO_MANY_OVERRIDES')
    time.advance(1000)
    expect(codeOf(() => log.levels.override(debugAcme))).toBeUndefined()
  })
})

describe('a condition', () => {
  const headers: Record<string, string> = { 'x-debug': '1', baggage: 'a=b, tenant = ac%20me;p=1 ,x' }
  const facts: RequestFacts = { header: (name) => headers[name], route: '/orders/:id', user: 'ann' }

  test.each<[Record<string, unknown>, boolean]>([
    [{ header: { 'x-debug': '1' } }, true],
    [{ header: { 'X-Debug': '1' } }, true],
    [{ header: { 'x-debug': '2' } }, false],
    [{ header: { 'x-debug': true } }, true],
    [{ header: { 'x-other': true } }, false],
    [{ header: 'x-debug' }, true],
    [{ header: 'x-debug=1' }, true],
    [{ header: 'x-debug=2' }, false],
    [{ header: { ['__proto__']: true } }, false],
    [{ baggage: { tenant: 'ac me' } }, true],
    [{ baggage: { tenant: 'ac%20me' } }, false],
    [{ baggage: { a: 'b', tenant: true } }, true],
    [{ baggage: 'p' }, false],
    [{ baggage: 'x' }, false],
    [{ route: '/orders/:id' }, true],
    [{ route: '/orders' }, false],
    [{ route: '/orders/*' }, true],
    [{ route: ['/a', '/orders/:id'] }, true],
    [{ user: 'ann' }, true],
    [{ user: ['bob', 'ann'] }, true],
    [{ user: 'an' }, false],
    [{ user: 'ann', route: '/orders/:id', header: 'x-debug' }, true],
    [{ user: 'ann', route: '/other' }, false],
  ])('%j holds: %s', (when, holds) => {
    log.levels.override({ when, level: 'debug' })
    log.withContext(withRequest(background, facts)).debug('x')
    log.withContext(background).debug('outside of requests')
    expect(messages()).toEqual(holds ? ['x'] : [])
  })

  test('is asked of what is known when a line is logged, and of the nearest who knows', () => {
    const known = { route: '/early' }
    const outer = withRequest(background, {
      get route() {
        return known.route
      },
      user: 'outer',
    })
    log.levels.override({ when: { route: '/late', user: 'inner' }, level: 'debug' })
    const logger = log.withContext(withRequest(outer, { user: 'inner' }))
    logger.debug('before')
    known.route = '/late'
    logger.debug('after')
    log.withContext(outer).debug('outer')
    expect(messages()).toEqual(['after'])
  })

  test('sees the user once somebody says so, in all contexts of the nearest request', () => {
    log.levels.override({ when: { user: 'ann' }, level: 'debug' })
    const batch = withRequest(background, { user: 'batch' })
    const item = withRequest(batch, { route: '/items' })
    const deep = item.withTimeout(5)
    const contexts: [string, Context][] = [
      ['batch', batch],
      ['item', item],
      ['deep', deep],
    ]
    const say = (): void => contexts.forEach(([name, ctx]) => log.withContext(ctx).debug(name))
    say()
    expect(setUser(deep, 'ann')).toBe(true)
    say()
    expect(setUser(item, undefined)).toBe(true)
    say()
    expect(messages()).toEqual(['item', 'deep'])
  })

  test('cannot be told of a user where there is no request, nor of one that is no text', () => {
    const ctx = withRequest(background, {})
    expect(setUser(background, 'ann')).toBe(false)
    expect(setUser(ctx, 'ann')).toBe(true)
    expect(setUser(ctx, 7 as never)).toBe(false)
    log.levels.override({ when: { user: 'ann' }, level: 'debug' })
    log.withContext(ctx).debug('still ann')
    expect(messages()).toEqual(['still ann'])
  })

  test('does not hold of facts that cannot be read', () => {
    const failed = logStats().failedOverrides
    const hostile: RequestFacts[] = [
      {
        header: () => {
          throw new Error('x')
        },
        get user(): string {
          throw new Error('x')
        },
      },
      { header: () => ({ toString: () => '1' }) as never, user: { ann: 1 } as never },
      new Proxy<RequestFacts>({}, { get: () => 'ann' }),
      { header: (name) => (name === 'baggage' ? `${'x=y,'.repeat(3000)}tenant=acme` : undefined) },
      { header: () => 'tenant=%ff' },
    ]
    log.levels.override({ when: { user: 'ann', header: { 'x-debug': '1' } }, level: 'debug' })
    log.levels.override({ when: { baggage: 'tenant' }, level: 'debug' })
    for (const one of hostile) log.withContext(withRequest(background, one)).debug('x')
    expect(messages()).toEqual([])
    expect(logStats().failedOverrides).toBe(failed)
  })
})

describe('baggage', () => {
  const members = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}=v`).join(',')

  test.each<[string, string, boolean, number]>([
    ['of 8,192 bytes', `${'x'.repeat(8192 - 'tenant=acme'.length - 1)},tenant=acme`, true, 0],
    ['of 8,193 bytes', `tenant=acme,${'x'.repeat(8193 - 'tenant=acme,'.length)}`, false, 1],
    ['with it as the 64th member', `${members(63)},tenant=acme`, true, 0],
    ['with it as the 65th member', `${members(64)},tenant=acme`, false, 1],
    ['of 64 members', members(64), false, 0],
    ['of commas', ','.repeat(8192), false, 1],
    ['with an equals sign in the value', 'tenant=a=b', false, 0],
  ])('%s', (_what, baggage, holds, limited) => {
    const before = logStats().limitedBaggage
    log.levels.override({ when: { baggage: { tenant: 'acme' } }, level: 'debug' })
    const request = log.withContext(
      withRequest(background, { header: (name) => (name === 'baggage' ? baggage : undefined) }),
    )
    request.debug('x')
    request.debug('x')
    expect(messages()).toEqual(holds ? ['x', 'x'] : [])
    // Once a request, however many lines ask.
    expect(logStats().limitedBaggage - before).toBe(limited)
  })
})

// What is written must be what levels and conditions say, whatever comes and goes.
test('any sequence of overrides and levels agrees with a naive model', () => {
  const order = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
  const step = fc.oneof(
    fc.record({
      do: fc.constant('override' as const),
      user: fc.constantFrom('ann', 'bob'),
      level: fc.constantFrom(...order),
      ms: fc.integer({ min: 1, max: 40 }),
      max: fc.integer({ min: 1, max: 60 }),
    }),
    fc.record({ do: fc.constant('end' as const), at: fc.nat(5) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ do: fc.constant('level' as const), level: fc.constantFrom(...order, 'silent' as const) }),
    fc.record({
      do: fc.constant('log' as const),
      user: fc.constantFrom('ann', 'bob', 'eve'),
      level: fc.constantFrom(...order),
    }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const lines = memoryDestination()
      const logger = createLogger({ format: 'json', destination: lines, level: 'info' })
      const pool = logger.named('a.b')
      let level = order.indexOf('info')
      let live: { override: Override; user: string; level: number; end: number; left: number }[] = []
      let expected = 0
      for (const one of steps) {
        if (one.do === 'override') {
          if (live.length === 32) continue
          const override = logger.levels.override({
            when: { user: one.user },
            level: one.level,
            ttlMs: one.ms,
            max: one.max,
          })
          live.push({
            override,
            user: one.user,
            level: order.indexOf(one.level),
            end: time.now() + one.ms,
            left: one.max,
          })
        } else if (one.do === 'end') {
          const ended = live.splice(one.at, 1)
          for (const { override } of ended) override.end()
        } else if (one.do === 'wait') {
          time.advance(one.ms)
          live = live.filter(({ end }) => end > time.now())
        } else if (one.do === 'level') {
          logger.levels.set('', one.level)
          level = one.level === 'silent' ? order.length : order.indexOf(one.level)
        } else {
          const number = order.indexOf(one.level)
          pool.withContext(withRequest(background, { user: one.user }))[one.level]('line')
          if (number >= level) expected += 1
          else {
            const by = live.find((o) => o.user === one.user && o.level <= number)
            if (by !== undefined) {
              expected += 1
              by.left -= 1
              if (by.left === 0) live.splice(live.indexOf(by), 1)
            }
          }
        }
        expect(logger.levels.overrides()).toHaveLength(live.length)
      }
      expect(lines.records.filter((line) => line['msg'] === 'line')).toHaveLength(expected)
      for (const { override } of live) override.end()
    }),
    { numRuns: 300 },
  )
})
