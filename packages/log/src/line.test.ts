import { tracingChannel } from 'node:diagnostics_channel'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { background, run } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import type { ManualClock } from '@kit/context/testing'
import { createLogger, withFields } from './index.ts'
import type { Logger } from './index.ts'
import { memoryDestination } from './testing.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const destination = memoryDestination()
let time: ManualClock

beforeEach(() => {
  time = manualClock()
  time.setWallTime(Date.UTC(2026, 10, 23, 12))
  destination.clear()
})
afterEach(() => time[Symbol.dispose]())

function logger(format: 'json' | 'text' = 'json', base?: object): Logger {
  return createLogger({ format, destination, level: 'trace', ...(base === undefined ? undefined : { base }) })
}

describe('a JSON line', () => {
  test('has level, time, logger, fields and message in that order', () => {
    logger('json', { service: 'shop' })
      .named('db')
      .child({ pool: 1 })
      .warn({ ms: 2.5, ok: true, none: null }, 'slow')
    expect(destination.lines).toEqual([
      '{"level":"warn","time":1795435200000,"logger":"db","service":"shop","pool":1,"ms":2.5,"ok":true,"none":null,"msg":"slow"}\n',
    ])
  })

  test('names each level', () => {
    const log = logger()
    const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
    for (const level of levels) log[level]('x')
    expect(destination.records.map(({ level }) => level)).toEqual(levels)
  })

  test('is written by pino, and seen on its diagnostics channel', () => {
    const channel = tracingChannel('pino_asJson')
    const seen: unknown[] = []
    const subscriber = {
      start: () => undefined,
      end: (message: object) => seen.push(message),
      asyncStart: () => undefined,
      asyncEnd: () => undefined,
      error: () => undefined,
    }
    channel.subscribe(subscriber)
    logger().info({ a: 1 }, 'x')
    channel.unsubscribe(subscriber)
    expect(seen).toMatchObject([{ result: destination.lines[0] }])
  })

  test('keeps its own escapes and text when a subscriber of that channel logs in between', () => {
    const channel = tracingChannel('pino_asJson')
    const log = logger()
    let within = false
    const nested = (message: string) => (): void => {
      if (within) return
      within = true
      log.info({ in: 1 }, message)
      within = false
    }
    const subscriber = {
      start: nested('before'),
      end: nested('\u009bafter'),
      asyncStart: () => undefined,
      asyncEnd: () => undefined,
      error: () => undefined,
    }
    channel.subscribe(subscriber)
    log.info({ out: 1 }, '\u009b31m outer')
    channel.unsubscribe(subscriber)
    expect(destination.records).toMatchObject([
      { in: 1, msg: 'before' },
      { in: 1, msg: '\u009bafter' },
      { out: 1, msg: '\u009b31m outer' },
    ])
    expect(destination.lines.join('')).not.toContain('\u009b')
  })

  test('leaves out undefined and has no message where there is none', () => {
    logger().info({ a: undefined, b: 1 })
    expect(destination.lines).toEqual(['{"level":"info","time":1795435200000,"b":1}\n'])
  })

  test('writes the values JSON has no word for', () => {
    logger().info(
      {
        n: Number.NaN,
        b: 12n,
        d: new Date(0),
        m: new Map([['k', 1]]),
        s: new Set([1]),
        r: /x/g,
        u: new URL('http://h/p'),
      },
      'x',
    )
    expect(destination.records[0]).toMatchObject({
      n: null,
      b: '12',
      d: '1970-01-01T00:00:00.000Z',
      m: { k: 1 },
      s: [1],
      r: '/x/g',
      u: 'http://h/p',
    })
  })

  test('takes what is logged in place of fields for what it is', () => {
    const log = logger()
    log.info(new Map([['a', 1]]), 'map')
    log.info([1, 2], 'array')
    log.info(new Date(0), 'date')
    class Model {
      secretInside = 1
      toJSON(): object {
        return { id: 7 }
      }
    }
    log.info(new Model(), 'toJSON')
    expect(destination.records.map(({ value, id }) => value ?? id)).toEqual([
      { a: 1 },
      [1, 2],
      '1970-01-01T00:00:00.000Z',
      7,
    ])
  })
})

describe('fields of one name', () => {
  test('call wins over child, child over context, context over base', () => {
    const log = logger('json', { a: 'base', b: 'base', c: 'base', d: 'base' })
    const ctx = withFields(background, { a: 'ctx', b: 'ctx', c: 'ctx' })
    log.withContext(ctx).child({ a: 'child', b: 'child' }).info({ a: 'call' }, 'x')
    expect(destination.records[0]).toMatchObject({ a: 'call', b: 'child', c: 'ctx', d: 'base' })
  })

  test('reserved names cannot be taken, at any place', () => {
    const forged = { level: 60, time: 0, msg: 'forged', logger: 'root', 'fields.level': 1 }
    const log = logger('json', forged).named('db').child(forged).child(forged)
    log.withContext(withFields(background, forged)).info(forged, 'real')
    expect(destination.records).toEqual([
      {
        level: 'info',
        time: 1795435200000,
        logger: 'db',
        msg: 'real',
        'fields.level': 60,
        'fields.time': 0,
        'fields.msg': 'forged',
        'fields.logger': 'root',
        'fields.fields.level': 1,
      },
    ])
  })

  test('no line holds a key twice, whoever brings it', () => {
    const key = fc.oneof(
      fc.constantFrom(
        'level',
        'time',
        'msg',
        'logger',
        'fields.level',
        'err',
        'args',
        'value',
        'a',
        'b',
        '__proto__',
        'a"b',
        '',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    )
    const fields = fc.dictionary(key, fc.oneof(fc.integer(), fc.string(), fc.constant({ a: { b: 1 } })), {
      maxKeys: 12,
    })
    const extras = fc.array(fc.oneof(fc.constant(new Error('e')), fc.integer(), fields), { maxLength: 3 })
    fc.assert(
      fc.property(
        fields,
        fc.array(fields, { maxLength: 3 }),
        fc.array(fields, { maxLength: 2 }),
        fields,
        extras,
        (base, children, contexts, call, rest) => {
          destination.clear()
          let log = logger('json', base)
          for (const child of children) log = log.child(child)
          let ctx = background
          for (const context of contexts) ctx = withFields(ctx, context)
          // Twice: the second line takes the remembered way through the joined fields.
          for (let i = 0; i < 2; i += 1) run(ctx, () => log.info(call, 'real', ...rest))
          const [first, second] = destination.records
          expect(second).toEqual(first)
          expect(first).toMatchObject({ level: 'info', msg: 'real' })
          for (const [name, value] of Object.entries(call)) {
            const renamed = /^(?:fields\.)*(?:level|time|msg|logger)$/.test(name) ? `fields.${name}` : name
            expect(first?.[renamed]).toEqual(value)
          }
        },
      ),
      { numRuns: 400 },
    )
  })

  test('stand once, where the nearest of them has them, in the order in which they came', () => {
    // So many that names share a bit of the sets that tell them apart, and some that are not remembered.
    const names = Array.from({ length: 60 }, (_, i) => `n${i}`).concat('l'.repeat(65), 'm'.repeat(70))
    const fields = fc
      .uniqueArray(fc.constantFrom(...names), { maxLength: 8 })
      .chain((keys) => fc.integer().map((value) => Object.fromEntries(keys.map((key) => [key, value]))))
    const several = fc.array(fields, { maxLength: 3 })
    fc.assert(
      fc.property(fields, several, several, several, fields, (base, contexts, parents, others, call) => {
        destination.clear()
        let ctx = background
        for (const context of contexts) ctx = withFields(ctx, context)
        const root = logger('json', base)
        let parent = root
        for (const child of parents) parent = parent.child(child)
        // Siblings share what their parent has and must not change it.
        const siblings = others.map((other) => parent.child(other))
        // And a logger that served one context serves the next.
        const places = [ctx, background, withFields(background, { n0: 'elsewhere', n99: 1 }), ctx]
        const logs = [parent, ...siblings, parent, root]
        for (const log of logs) for (const place of places) run(place, () => log.info(call, 'x'))

        const own = parents.reduce<object>(over, {})
        const context = Object.assign({}, ...contexts) as object
        const expected = [own, ...others.map((other) => over(own, other)), own, {}].flatMap((mine) =>
          [context, {}, { n0: 'elsewhere', n99: 1 }, context].map((place) =>
            [base, place, mine, call].reduce<object>(over, {}),
          ),
        )
        const written = destination.records.map((record) => {
          const { level, time: at, msg, ...rest } = record
          return [[level, at, msg], Object.entries(rest)]
        })
        expect(written).toEqual(expected.map((all) => [['info', 1795435200000, 'x'], Object.entries(all)]))
      }),
      { numRuns: 300 },
    )
  })
})

/** `upper` over `lower`: what both have stands with the upper one. */
function over(lower: object, upper: object): object {
  const kept = Object.entries(lower).filter(([name]) => !Object.hasOwn(upper, name))
  return { ...Object.fromEntries(kept), ...upper }
}

describe('messages', () => {
  test.each<[unknown[], string]>([
    [['a %s b', 'x'], 'a x b'],
    [['%d %i %f', 1.5, 1.5, 1.5], '1.5 1 1.5'],
    [['%d %d', 10n, '7'], '10 7'],
    [['%j %o %O', { a: 1 }, [2], 's'], '{"a":1} [2] "s"'],
    [['100%% of %s', 'it'], '100% of it'],
    [['100%% of it'], '100%% of it'],
    [['%s %s', 'one'], 'one %s'],
    [['%s', undefined], 'undefined'],
    [['%s and %d', null, null], 'null and NaN'],
    [['%x %s', 'kept'], '%x kept'],
    [['%s', new TypeError('bad')], 'TypeError: bad'],
    [['%s', { toString: null }], '{"toString":null}'],
    [['%j', { password: 'x' }], '{"password":"[redacted]"}'],
    [['%'], '%'],
    [['%', 1], '%'],
    [[42], '42'],
    [[Symbol('x')], 'Symbol(x)'],
    [[undefined, 'second'], 'second'],
    [[null, '%s', 1], '1'],
  ])('case %#', (args, message) => {
    logger().info(...(args as [string]))
    expect(destination.records[0]?.['msg']).toBe(message)
  })

  test('arguments without a specifier are kept', () => {
    const log = logger()
    log.info('failed', new Error('why'), 'more', { a: 1 })
    log.info({ err: 1, args: 2 }, 'failed', new Error('why'), 'more')
    log.info({ a: 1 }, { b: 2 } as never)
    expect(destination.records).toMatchObject([
      { err: { message: 'why' }, args: ['more', { a: 1 }], msg: 'failed' },
      { err: 1, 'err+': { message: 'why' }, args: 2, 'args+': ['more'] },
      { a: 1, args: [{ b: 2 }] },
    ])
  })
})

describe('context fields', () => {
  test('join each line under the context, innermost first', () => {
    const log = logger()
    const ctx = withFields(withFields(background, { requestId: 'r1', step: 1 }), { step: 2 })
    run(ctx, () => log.named('db').info('ambient'))
    log.withContext(ctx).info('given')
    log.info('none')
    expect(destination.records).toMatchObject([
      { requestId: 'r1', step: 2, msg: 'ambient' },
      { requestId: 'r1', step: 2, msg: 'given' },
      {},
    ])
    expect(destination.records[2]).not.toHaveProperty('requestId')
  })

  test('withContext beats the ambient context and survives child and named', () => {
    const log = logger().withContext(withFields(background, { id: 'given' }))
    run(withFields(background, { id: 'ambient' }), () => log.child({ a: 1 }).named('x').info('x'))
    expect(destination.records[0]).toMatchObject({ id: 'given', a: 1, logger: 'x' })
  })

  test('say what was true when they were added', () => {
    const user = { name: 'first' }
    const ctx = withFields(background, { user })
    user.name = 'second'
    logger().withContext(ctx).info('x')
    expect(destination.records[0]).toMatchObject({ user: { name: 'first' } })
  })

  test('are redacted by the rules of the logger that writes them', () => {
    const ctx = withFields(background, { token: 't', user: { ssn: 's' } })
    createLogger({ format: 'json', destination }).withContext(ctx).info('x')
    createLogger({ format: 'json', destination, redact: { keys: [], paths: ['user.ssn'] } })
      .withContext(ctx)
      .info('x')
    expect(destination.records).toMatchObject([
      { token: '[redacted]', user: { ssn: 's' } },
      { token: 't', user: { ssn: '[redacted]' } },
    ])
  })

  test('may have the name of anything', () => {
    const forged = JSON.parse('{"__proto__":{"polluted":1},"constructor":2,"toString":3,"a":4}') as object
    const ctx = withFields(withFields(background, forged), { toString: 5, b: 6 })
    logger().withContext(ctx).info('x')
    expect(destination.lines[0]).toContain(
      ',"__proto__":{"polluted":1},"constructor":2,"toString":5,"a":4,"b":6,',
    )
  })

  test('are bounded', () => {
    let ctx = background
    for (let i = 0; i < 300; i += 1) ctx = withFields(ctx, { [`k${i}`]: i })
    logger().withContext(ctx).info('x')
    expect(Object.keys(destination.records[0] ?? {})).toHaveLength(203)
  })
})

describe('a text line', () => {
  test('has time, level, logger, message and fields', () => {
    const log = logger('text')
    log.named('http').info({ status: 200, path: '/a?b', text: 'two words', o: { a: [1] } }, 'request done')
    log.error('plain')
    expect(destination.lines).toEqual([
      '2026-11-23T12:00:00.000Z INFO   http  request done  status=200 path=/a?b text="two words" o={"a":[1]}\n',
      '2026-11-23T12:00:00.000Z ERROR  plain\n',
    ])
  })

  test('keeps milliseconds right', () => {
    const log = logger('text')
    time.advance(7)
    log.info('a')
    time.advance(993)
    log.info('b')
    time.setWallTime(Date.UTC(1969, 11, 31, 23, 59, 59, 999))
    log.info('c')
    expect(destination.lines.map((line) => line.slice(0, 24))).toEqual([
      '2026-11-23T12:00:00.007Z',
      '2026-11-23T12:00:01.000Z',
      '1969-12-31T23:59:59.999Z',
    ])
  })

  test('spreads an error over fields and keeps its stack on the line', () => {
    logger('text').error({ err: Object.assign(new TypeError('no way'), { code: 'E1' }) }, 'failed')
    expect(destination.lines[0]).toMatch(
      / {2}failed {2}err\.type=TypeError err\.message="no way" err\.code=E1 err\.stack="TypeError: no way\\n .*"\n$/,
    )
  })

  test('has colours on a terminal only', () => {
    vi.stubEnv('NO_COLOR', '')
    const terminal = { ...memoryDestination(), isTTY: true }
    createLogger({ destination: terminal, level: 'info' }).info({ a: 1 }, 'x')
    logger('text').info({ a: 1 }, 'x')
    expect(terminal.lines[0]).toContain('\u001b[32mINFO')
    expect(destination.lines[0]).not.toContain('\u001b')
    vi.unstubAllEnvs()
  })
})

// Everything that can end a line, move a cursor or turn the reading order around.
// oxlint-disable-next-line no-control-regex
const DISTURBING = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

test.each(['json', 'text'] as const)(
  'a %s record is one physical line without control characters',
  (format) => {
    const nasty = fc.string({
      unit: fc.oneof(
        fc.constantFrom(
          '\n',
          '\r',
          '\u001b',
          '\u009b',
          '\u0085',
          '\u007f',
          '\u2028',
          '\u2029',
          '\u202e',
          '\u2066',
          '\u200f',
          '\u061c',
          '"',
          '\\',
          '%',
          'a',
        ),
        fc.string({ unit: 'binary', maxLength: 2 }),
      ),
      maxLength: 90,
    })
    const name = nasty.map((text) => `n${text.replaceAll(/[^a-z]/g, '')}`)
    // Without specifiers, which an argument would replace.
    const template = nasty.map((text) => text.replaceAll(/[sdfijoO]/g, 'x'))
    fc.assert(
      fc.property(template, nasty, nasty, name, (message, key, value, loggerName) => {
        destination.clear()
        const error = Object.assign(new Error(value), { [key]: message })
        error.stack = `${key}\n${message}`
        const log = logger(format, { [key]: value })
          .named(loggerName)
          .child({ [message]: [value] })
        run(withFields(background, { [value]: { [key]: message } }), () =>
          log.info({ [key]: value, error }, message, value),
        )
        log.info(`%s${message}`, key)
        expect(destination.lines).toHaveLength(2)
        for (const line of destination.lines) {
          expect(line.endsWith('\n')).toBe(true)
          expect(line.slice(0, -1)).not.toMatch(DISTURBING)
        }
        const written = format === 'json' ? destination.records[0]?.['msg'] : undefined
        expect(written).toBe(format === 'json' ? message.replaceAll('%%', '%') : undefined)
      }),
      { numRuns: 400 },
    )
  },
)

test('a child of a child costs no more objects than a child', () => {
  let log = logger()
  for (let i = 0; i < 100; i += 1) log = log.child({ a: i, [`k${i % 3}`]: i })
  log.info('x')
  expect(destination.records[0]).toMatchObject({ a: 99, k0: 99, k1: 97, k2: 98 })
})
