import vm from 'node:vm'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { background } from '@kit/context'
import { createLogger, logStats, withFields } from './index.ts'
import { memoryDestination } from './testing.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

function thrower(): never {
  throw new Error('from the value')
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

function nested(depth: number): unknown {
  let value: unknown = 'bottom'
  for (let i = 0; i < depth; i += 1) value = { inner: value }
  return value
}

function cyclic(): object {
  const value: Record<string, unknown> = { a: 1 }
  value['self'] = value
  return value
}

const hostile: readonly [string, unknown][] = [
  [
    'a throwing getter',
    {
      get secretive() {
        return thrower()
      },
    },
  ],
  [
    'a nested throwing getter',
    {
      a: {
        get b() {
          return thrower()
        },
      },
    },
  ],
  ['a revoked proxy', revoked({})],
  ['a revoked array proxy', revoked([])],
  ['a revoked function proxy', revoked(() => 1)],
  [
    'a proxy whose traps throw',
    new Proxy({}, { get: thrower, has: thrower, ownKeys: thrower, getPrototypeOf: thrower }),
  ],
  ['a proxy without keys', new Proxy({ a: 1 }, { ownKeys: thrower })],
  [
    'a proxy with endless depth',
    new Proxy({ a: 1 }, { get: (target, key) => (key === 'a' ? new Proxy(target, {}) : undefined) }),
  ],
  ['a bigint', 12345678901234567890n],
  ['a huge bigint', 10n ** 20_000n],
  ['a cycle', cyclic()],
  ['a symbol', Symbol('s')],
  [
    'a function',
    function named() {
      return 1
    },
  ],
  ['a function with a hostile name', Object.defineProperty(() => 1, 'name', { get: thrower })],
  ['a frozen error', Object.freeze(new Error('frozen'))],
  [
    'an error with throwing getters',
    Object.defineProperties(new Error('x'), {
      stack: { get: thrower },
      message: { get: thrower },
      cause: { get: thrower },
      errors: { get: thrower },
      code: { get: thrower, enumerable: true },
    }),
  ],
  ['an error with a message that is no string', Object.assign(new Error('x'), { message: { a: 1 } })],
  [
    'an error that causes itself',
    Object.assign(
      new Error('x'),
      (() => {
        const e: { cause?: unknown } = {}
        return e
      })(),
    ),
  ],
  ['depth 100,000', nested(100_000)],
  ['a huge array', Array.from({ length: 1_000_000 }, (_, i) => i)],
  ['a sparse array', Object.assign([], { length: 4_000_000_000 })],
  ['a huge string', 'x'.repeat(5_000_000)],
  ['a huge key', { ['k'.repeat(1_000_000)]: 1 }],
  ['a hundred thousand keys', Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]))],
  ['a toJSON that throws', { toJSON: thrower }],
  [
    'a toJSON that gives itself',
    {
      toJSON() {
        return this
      },
    },
  ],
  [
    'a toJSON without end',
    {
      toJSON() {
        return { toJSON: () => this }
      },
    },
  ],
  ['a toJSON that gives undefined', { a: { toJSON: () => undefined } }],
  ['an invalid date', new Date(Number.NaN)],
  ['boxed values', { n: Object(1), s: Object('s'), b: Object(true), i: Object(1n), y: Object(Symbol('y')) }],
  ['a boxed value with a hostile valueOf', Object.assign(Object(1), { valueOf: thrower, toString: thrower })],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
  ['a key __proto__', JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1}}')],
  [
    'a Map with other keys',
    new Map<unknown, unknown>([
      [{}, 1],
      ['a', 2],
      [1, 3],
      ['1', 4],
    ]),
  ],
  [
    'a Set that holds itself',
    (() => {
      const s = new Set<unknown>()
      s.add(s)
      return s
    })(),
  ],
  [
    'binary data',
    {
      a: Buffer.alloc(10_000_000),
      b: new Uint8Array(3),
      c: new ArrayBuffer(8),
      d: new DataView(new ArrayBuffer(2)),
    },
  ],
  [
    'an object of another realm',
    vm.runInNewContext('({ a: [1, new Date(0)], e: new TypeError("other realm") })'),
  ],
  ['a node request', new IncomingMessage(new Socket())],
  ['a node response', new ServerResponse(new IncomingMessage(new Socket()))],
  ['lone surrogates', 'a\ud800b\udfffc'],
  [
    'an object whose constructor throws',
    {
      get constructor() {
        return thrower()
      },
    },
  ],
  [
    'an instance of a class with a hostile name',
    Object.create({ constructor: Object.defineProperty(() => 1, 'name', { get: thrower }) }),
  ],
  [
    'a proxy of a list whose length is a text',
    new Proxy([1], { get: (_, key) => (key === 'length' ? 'x\n' : 1) }),
  ],
  ['a proxy of a list whose length is a symbol', new Proxy([1], { get: () => Symbol('length') })],
  ['a list with a hostile slice', { errors: Object.assign([1], { slice: thrower }) }],
  [
    'an error with a hostile list of errors',
    Object.assign(new Error('x'), {
      errors: new Proxy([], { get: (_, key) => (key === 'length' ? 99 : thrower()) }),
    }),
  ],
  [
    'a Set without end',
    new (class extends Set<unknown> {
      override get size(): number {
        return Infinity
      }
      override *[Symbol.iterator](): SetIterator<unknown> {
        for (;;) yield this
      }
    })(),
  ],
  [
    'a Map whose iterator throws',
    new (class extends Map<unknown, unknown> {
      override [Symbol.iterator](): MapIterator<[unknown, unknown]> {
        return thrower()
      }
    })(),
  ],
  [
    'bytes of a class with a hostile name',
    new (class extends Uint8Array {
      static override readonly name = 'evil\n'.repeat(100_000)
    })(3),
  ],
  [
    'an instance with private fields and a hostile getter on its class',
    new (class {
      readonly #hidden = 1
      get shown(): number {
        return thrower() ?? this.#hidden
      }
    })(),
  ],
  ['symbol keys', { [Symbol('a')]: thrower, [Symbol.toPrimitive]: thrower, [Symbol.toStringTag]: 'x\n' }],
  ['a list as long as lists can be', Object.assign([], { length: 2 ** 32 - 1 })],
  ['ten thousand errors', new AggregateError(Array.from({ length: 10_000 }, (_, i) => new Error(String(i))))],
  ['an error behind a proxy', new Proxy(new Error('x'), { get: thrower })],
  ['an error without a class', Object.setPrototypeOf(new Error('x'), null)],
  [
    'an error of another realm',
    vm.runInNewContext('new AggregateError([new TypeError("a")], "b", { cause: 1 })'),
  ],
  ['a million entries', new Map(Array.from({ length: 1_000_000 }, (_, i) => [i, i]))],
  ['a descriptor that throws', new Proxy({ name: 'token', value: 1 }, { getOwnPropertyDescriptor: thrower })],
  ['-0', -0],
  ['NaN', Number.NaN],
  ['null', null],
  ['undefined', undefined],
  [
    'an iterator without end',
    (function* endless() {
      for (;;) yield 1
    })(),
  ],
]

describe.each(['json', 'text'] as const)('%s lines', (format) => {
  const destination = memoryDestination()
  const log = createLogger({ format, level: 'trace', destination })
  const parsed = (): readonly unknown[] => (format === 'json' ? destination.records : destination.lines)

  test.each(hostile)('take %s anywhere', (_what, value) => {
    const before = logStats().droppedLines
    destination.clear()
    const anything = value as never
    log.info(anything)
    log.info({ value, rest: 1 }, 'at a key')
    log.info({ a: [{ value }] }, 'nested')
    log.info('%s %d %i %f %j %o %O %%', value, value, value, value, value, value, value, value)
    log.error({ err: value }, 'as err')
    log.error(new Error('outer', { cause: value }))
    log.child(anything).warn('as child')
    log.child({ value }).warn('in child')
    log.withContext(withFields(background, anything)).fatal('as context')
    log.withContext(withFields(background, { value })).fatal('in context')
    log.info('message', value, anything)
    log.info(anything, anything, anything)

    expect(destination.lines).toHaveLength(12)
    expect(logStats().droppedLines).toBe(before)
    for (const line of destination.lines) {
      expect(line.length).toBeLessThan(600_000)
      expect(line.indexOf('\n')).toBe(line.length - 1)
    }
    expect(parsed()).toHaveLength(12)
  })

  test('never throw and stay whole for whatever fast-check makes', () => {
    const value = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
    })
    fc.assert(
      fc.property(fc.array(value, { maxLength: 4 }), value, (args, field) => {
        destination.clear()
        log.info(...(args as [never]))
        log.info({ field }, 'x', ...args)
        expect(destination.lines).toHaveLength(2)
        for (const line of destination.lines) expect(line.indexOf('\n')).toBe(line.length - 1)
        expect(parsed()).toHaveLength(2)
      }),
      { numRuns: 500 },
    )
  })
})

test('the name of a symbol or a function hides what a text hides', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  const named = Object.defineProperty(() => 1, 'name', { value: 'token=CANARY1' })
  log.info({ symbol: Symbol('token=CANARY1'), named }, 'x')
  expect(destination.records[0]).toMatchObject({
    symbol: 'Symbol(token=[redacted])',
    named: '[function token=[redacted]',
  })
})

test('keys from outside take no room of those that the program uses', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  for (let i = 0; i < 3000; i += 1) log.info({ [`k${i}`]: 1 }, 'x')
  log.info({ k0: 1, password: 'CANARY', level: 2 }, 'x')
  expect(destination.lines.at(-1)).toContain('"k0":1,"password":"[redacted]","fields.level":2')
})

test('objects pollute nothing', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  const fields = JSON.parse('{"__proto__":{"polluted":1},"constructor":2,"toString":3}') as object
  log.child(fields).withContext(withFields(background, fields)).info(fields, 'x')
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  expect(destination.lines[0]).toContain('"__proto__":{"polluted":1},"constructor":2,"toString":3')
})

test('a value that cannot be read is named and counted', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  const before = logStats().droppedFields
  log.info(
    {
      get a() {
        return thrower()
      },
      b: revoked({}),
      c: 1,
    },
    'x',
  )
  expect(destination.records[0]).toMatchObject({ a: '[unreadable]', b: '[unreadable]', c: 1, msg: 'x' })
  expect(logStats().droppedFields).toBe(before + 2)
})

test('what is cut is marked and counted', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  const before = logStats().truncatedValues
  const many = Array.from({ length: 201 }, (_, i) => i)
  log.info(
    { s: 'x'.repeat(16_385), l: many, o: Object.fromEntries(many.map((i) => [i, i])), d: nested(11) },
    'x',
  )
  const [record] = destination.records
  expect(record?.['s']).toBe(`${'x'.repeat(16_384)}[+1 characters]`)
  expect(record?.['l']).toEqual([...many.slice(0, 200), '[+1 items]'])
  expect(record?.['o']).toMatchObject({ '[more]': true })
  expect(JSON.stringify(record?.['d'])).toContain('[too deep]')
  expect(logStats().truncatedValues).toBe(before + 4)
})

test('of a huge text what is left out is counted right, secrets in its beginning included', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  log.info({ s: 'x'.repeat(1_000_000), t: `?token=${'y'.repeat(70_000)}&a=${'z'.repeat(100_000)}` }, 'x')
  const [record] = destination.records
  expect(record?.['s']).toBe(`${'x'.repeat(16_384)}[+983616 characters]`)
  // Of a text as much as 65,536 units is searched, and the rest left out.
  expect(record?.['t']).toBe('?token=[redacted][+104474 characters]')
  log.info(`?token=${'y'.repeat(65_540)}`)
  expect(destination.records[1]).toMatchObject({ msg: '?token=[redacted][+11 characters]' })
})

test.each<[string, (depth: number) => unknown]>([
  ['objects with strings', () => Array.from({ length: 200 }, () => ({ s: 'é'.repeat(20_000) }))],
  ['strings', () => Array.from({ length: 200 }, () => 'x'.repeat(20_000))],
  ['empty lists', (depth) => widest([], depth)],
  [
    'numbers',
    (depth) =>
      widest(
        Array.from({ length: 200 }, () => 1 / 3),
        depth,
      ),
  ],
  [
    'objects with numbers',
    (depth) => widest(Object.fromEntries(Array.from({ length: 200 }, (_, i) => [i, 1 / 3])), depth),
  ],
])('a line stays bounded and keeps its message when it is full of %s', (_what, make) => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  const value = make(3)
  log.info({ a: value, b: value, c: { d: value } }, 'the message')
  expect(destination.records[0]).toMatchObject({ msg: 'the message' })
  expect(destination.lines[0]?.length).toBeLessThan(1_000_000)
})

function widest(leaf: unknown, depth: number): unknown {
  let value = leaf
  for (let i = 0; i < depth; i += 1) value = Array.from({ length: 200 }, () => value)
  return value
}

test('a cycle is named where it closes, and a value that only occurs twice is none', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  const twice = { x: 1 }
  log.info({ cycle: cyclic(), twice: [twice, twice] }, 'x')
  expect(destination.records[0]).toMatchObject({
    cycle: { a: 1, self: '[circular]' },
    twice: [{ x: 1 }, { x: 1 }],
  })
})

test('values that log while they are read end', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  const before = logStats().droppedLines
  const recursive = {
    toJSON(): unknown {
      log.info({ again: { toJSON: () => recursive.toJSON() } }, 'inner')
      return 'done'
    },
  }
  log.info({ recursive }, 'outer')
  expect(destination.records.at(-1)).toMatchObject({ recursive: 'done', msg: 'outer' })
  expect(destination.lines).toHaveLength(4)
  expect(logStats().droppedLines).toBe(before + 1)
})

test('an unlucky budget of one line does not reach the next', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  log.info({ a: Array.from({ length: 200 }, () => 'x'.repeat(10_000)) }, 'full')
  log.info({ a: 'all of it' }, 'next')
  expect(destination.records[1]).toMatchObject({ a: 'all of it', msg: 'next' })
})

describe('errors', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })

  test('have type, message, stack, code, own fields and their causes as a list, at any key', () => {
    destination.clear()
    class QueryError extends Error {
      readonly code = 'E_QUERY'
      readonly rows = 3
    }
    const cause = new TypeError('inner', { cause: Object.assign(new Error('root'), { cause: { code: 7 } }) })
    log.info({ anywhere: new QueryError('outer', { cause }) }, 'x')
    expect(destination.records[0]?.['anywhere']).toMatchObject({
      type: 'QueryError',
      message: 'outer',
      stack: expect.stringContaining('outer') as unknown,
      code: 'E_QUERY',
      rows: 3,
      cause: [{ type: 'TypeError', message: 'inner' }, { type: 'Error', message: 'root' }, { code: 7 }],
    })
  })

  test('keep an own field named like their type apart from it', () => {
    destination.clear()
    log.info(Object.assign(new Error('x'), { type: 'card_error', 'fields.type': 2 }))
    expect(destination.records[0]?.['err']).toMatchObject({
      type: 'Error',
      'fields.type': 'card_error',
      'fields.fields.type': 2,
    })
  })

  test('show the errors of an AggregateError', () => {
    destination.clear()
    log.info(new AggregateError([new Error('a'), 'b'], 'both'))
    expect(destination.records[0]?.['err']).toMatchObject({ errors: [{ message: 'a' }, 'b'] })
  })

  test('end at a cycle of causes and at ten', () => {
    destination.clear()
    const a = new Error('a')
    const b = new Error('b', { cause: a })
    a.cause = b
    let chain = new Error('0')
    for (let i = 1; i < 30; i += 1) chain = new Error(String(i), { cause: chain })
    log.info({ a, chain }, 'x')
    const [record] = destination.records
    expect(record).toHaveProperty('a.cause', [expect.objectContaining({ message: 'b' }), '[circular]'])
    expect(record).toHaveProperty('chain.cause.length', 11)
    expect(record).toHaveProperty('chain.cause.9.message', '19')
    expect(record).toHaveProperty('chain.cause.10', '[more causes]')
  })

  test('are such without a class too', () => {
    destination.clear()
    const bare: unknown = Object.setPrototypeOf(new Error('bare'), null)
    log.info(bare as Error)
    log.info({ bare }, 'x')
    expect(destination.records[0]).toMatchObject({ err: { type: 'Error', message: 'bare' }, msg: 'bare' })
    expect(destination.records[1]).toMatchObject({ bare: { type: 'Error', message: 'bare' } })
  })

  test('say how many more there were, and keep what a library puts at `errors`', () => {
    destination.clear()
    const many = new AggregateError(Array.from({ length: 10_000 }, (_, i) => new Error(String(i))))
    const validation = Object.assign(new Error('invalid'), { errors: { email: { kind: 'required' } } })
    log.info({ many, validation }, 'x')
    const [record] = destination.records
    expect(record).toHaveProperty('many.errors.length', 11)
    expect(record).toHaveProperty('many.errors.10', '[+9990 items]')
    expect(record).toHaveProperty('validation.errors', { email: { kind: 'required' } })
  })

  test('give their message to a line that has none', () => {
    destination.clear()
    log.error(new Error('the reason'))
    log.error({ err: new Error('the reason') })
    expect(destination.records.map(({ msg }) => msg)).toEqual(['the reason', 'the reason'])
  })
})

test('an object that says of every name that it has it gets its arguments under some name', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  const all = new Proxy({}, { getOwnPropertyDescriptor: () => ({ value: 1, configurable: true }) })
  log.info(all, 'first', { kept: true })
  expect(destination.lines).toHaveLength(1)
  expect(destination.lines[0]).toContain('{"kept":true}')
})

test('names of loggers that are no text are refused by their code, whatever they are', () => {
  const log = createLogger({ destination: { write: () => true } })
  const refused = expect.objectContaining({ code: 'KIT_LOG_BAD_NAME' })
  for (const name of [{ toString: thrower }, revoked({}), Symbol('name'), 1, ['a']]) {
    expect(() => log.named(name as never)).toThrow(refused)
    expect(() => log.levels.get(name as never)).toThrow(refused)
    expect(() => log.levels.set(name as never, 'info')).toThrow(refused)
  }
})

test('a flush with a time that is none takes the default', async () => {
  const log = createLogger({ destination: { write: () => true } })
  for (const timeoutMs of [{ valueOf: thrower }, Symbol('time'), Number.NaN, 1n]) {
    await expect(log.flush(timeoutMs as never)).resolves.toBeUndefined()
  }
})
