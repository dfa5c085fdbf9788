// What holds for every line, whatever is logged and however it gets in.

import vm from 'node:vm'
import { background } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { createLogger, logStats, withFields } from './index.ts'
import type { LineLevel, Logger } from './index.ts'
import { memoryDestination } from './testing.ts'
import { parseStrict } from './testing/strict-json.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const runs = 150 * Number(process.env['KIT_FUZZ_RUNS'] ?? 1)
const time = manualClock()
afterAll(() => time[Symbol.dispose]())

/** Any sequence of UTF-16 units, of which those that matter to terminals, lines and decoders are frequent. */
const units = fc.oneof(
  fc.constantFrom(0, 8, 9, 10, 13, 27, 31, 34, 92, 127, 0x85, 0x9b, 0x61c, 0x200e, 0x200f, 0x2028, 0x2029),
  fc.constantFrom(0x202a, 0x202e, 0x2066, 0x2069, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xfeff, 0xffff),
  fc.integer({ min: 32, max: 126 }),
  fc.integer({ min: 0, max: 0xffff }),
)
const text = fc.array(units, { maxLength: 12 }).map((all) => String.fromCharCode(...all))
const key = fc.oneof(
  text,
  fc.constantFrom('level', 'time', 'logger', 'msg', 'err', 'args', 'fields.level', 'fields.fields.msg'),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'toJSON',
    '',
    '[more]',
    'type',
    'cause',
  ),
)

function thrower(): never {
  throw new Error('from the value')
}

class Secretive {
  readonly #hidden = 'hidden'
  readonly shown: unknown
  constructor(shown: unknown) {
    this.shown = shown
  }
  hidden(): string {
    return this.#hidden
  }
}

/** How to make a value: fast-check itself could not hold some of them. */
type Recipe = () => unknown

const made = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
})
const leaf = fc.oneof(
  fc.oneof(text, fc.integer(), fc.double(), fc.bigInt(), fc.boolean(), fc.constantFrom(null, undefined, -0)),
  made,
  text.map((description) => Symbol(description)),
  text.map((name) => Object.defineProperty(() => 1, 'name', { value: name })),
  fc.constantFrom(new Date(Number.NaN), /x\n/u, new Promise(() => {}), new WeakMap(), globalThis, Secretive),
  text.map((message) => (vm.runInNewContext('(m) => new RangeError(m)') as (m: string) => Error)(message)),
)

const { value: any } = fc.letrec<{ value: Recipe }>((tie) => {
  const inner = tie('value')
  const list = fc.array(inner, { maxLength: 4 }).map((all) => () => all.map((make) => make()))
  const record = fc
    .array(fc.tuple(key, inner), { maxLength: 4 })
    .map(
      (entries) => (): Record<string, unknown> =>
        Object.fromEntries(entries.map(([name, make]) => [name, make()])),
    )
  return {
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf.map((value) => () => value),
      list,
      record,
      record.map((make) => () => Object.assign(Object.create(null), make()) as object),
      record.map((make) => () => new Proxy(make(), {})),
      record.map((make) => () => {
        const { proxy, revoke } = Proxy.revocable(make(), {})
        revoke()
        return proxy
      }),
      fc.tuple(key, record).map(
        ([name, make]) =>
          () =>
            Object.defineProperty(make(), name, { get: thrower, enumerable: true }),
      ),
      fc
        .array(
          fc.tuple(
            fc.oneof(
              key.map((name) => () => name),
              inner,
            ),
            inner,
          ),
          { maxLength: 4 },
        )
        .map((entries) => () => new Map(entries.map(([name, make]) => [name(), make()]))),
      list.map((make) => () => new Set(make())),
      inner.map((make) => () => new Secretive(make())),
      inner.map((make) => () => ({ toJSON: make })),
      fc.constant(() => ({ toJSON: thrower })),
      fc
        .record({ fields: record, message: inner, cause: inner, stack: inner, name: text })
        .map(({ fields, message, cause, stack, name }) => () => {
          // The stack comes first: V8 makes it of name and message when it is replaced.
          const own = { stack: stack(), ...fields(), message: message(), cause: cause(), name }
          return Object.defineProperties(new Error('e'), Object.getOwnPropertyDescriptors(own))
        }),
      inner.map((make) => () => Object.defineProperty(new Error('e'), 'message', { value: make() })),
      fc.tuple(text, inner).map(
        ([message, make]) =>
          () =>
            new TypeError(message, { cause: make() }),
      ),
      list.map((make) => () => new AggregateError(make(), 'several')),
    ),
  }
})

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

/** One line, by each way in. */
function say(log: Logger, level: LineLevel, value: unknown, name: string, args: readonly unknown[]): void {
  const anything = value as never
  const fields = { [name]: value }
  const ctx = withFields(background, anything)
  const child = log.child(anything).child(fields)
  const under = log.withContext(withFields(ctx, fields))
  const both = log.child({ [name]: 1 }).withContext(withFields(background, { [name]: 2 }))
  log[level](anything)
  log[level](...([value, ...args] as [never]))
  log[level]({ ...fields, x: [value] }, name, ...args)
  log[level](`${name} %s %d %i %f %j %o %O %%`, ...args, value)
  child[level](name)
  under[level](anything, name)
  both[level](fields, name)
}
const WAYS = 7

/** C0 but for the line's own end, DEL, C1, line and paragraph separators, bidirectional controls. */
// oxlint-disable-next-line no-control-regex -- these are what must not be there
const DISTURBING = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const HALF = /[\ud800-\udfff]/u

function checkLine(line: string): void {
  expect(line.endsWith('\n')).toBe(true)
  const body = line.slice(0, -1)
  expect([DISTURBING.exec(body), HALF.exec(body)]).toEqual([null, null])
  expect(Buffer.from(line).toString()).toBe(line)
}

describe.each(['json', 'text'] as const)('a line of %s', (format) => {
  const destination = memoryDestination()
  const log = createLogger({ format, level: 'trace', destination, base: { name: 'base', level: 'base' } })
  const named = log.named('db')

  test('is one, and disturbs neither terminals nor decoders', () => {
    fc.assert(
      fc.property(
        any,
        key,
        fc.array(any, { maxLength: 3 }),
        fc.constantFrom(...levels),
        (make, name, others, level) => {
          const value = make()
          const args = others.map((other) => other())
          const { droppedLines } = logStats()
          destination.clear()
          say(named, level, value, name, args)
          expect(destination.lines).toHaveLength(WAYS)
          destination.lines.forEach(checkLine)
          expect(logStats().droppedLines).toBe(droppedLines)
        },
      ),
      { numRuns: runs },
    )
  })
})

describe('a line of json', () => {
  const destination = memoryDestination()
  const log = createLogger({
    format: 'json',
    level: 'trace',
    destination,
    base: { name: 'base', level: 'base' },
  })
  const named = log.named('db')

  test('holds no key twice at any depth, and says itself what only the logger can say', () => {
    fc.assert(
      fc.property(
        any,
        key,
        fc.array(any, { maxLength: 3 }),
        fc.constantFrom(...levels),
        (make, name, others, level) => {
          const value = make()
          const args = others.map((other) => other())
          destination.clear()
          say(named, level, value, name, args)
          for (const line of destination.lines) {
            const record = parseStrict(line) as Record<string, unknown>
            expect([record['level'], record['time'], record['logger']]).toEqual([
              level,
              time.wallTime(),
              'db',
            ])
            expect(['string', 'undefined']).toContain(typeof record['msg'])
            expect(line.startsWith(`{"level":"${level}","time":${time.wallTime()},"logger":"db"`)).toBe(true)
          }
        },
      ),
      { numRuns: runs },
    )
  })

  test('gives back what JSON can say', () => {
    const plain = createLogger({ format: 'json', level: 'info', destination, redact: { keys: [] } })
    const json = fc
      .jsonValue({ stringUnit: 'binary', maxDepth: 8 })
      .filter((value) => !JSON.stringify(value).includes('://'))
    fc.assert(
      fc.property(json, text, (value, message) => {
        destination.clear()
        plain
          .child({ child: value })
          .withContext(withFields(background, { context: value }))
          .info({ value }, message)
        const expected: unknown = JSON.parse(JSON.stringify(value))
        const { msg, ...rest } = JSON.parse(destination.lines.join('')) as Record<string, unknown>
        expect(rest).toEqual({
          level: 'info',
          time: time.wallTime(),
          context: expected,
          child: expected,
          value: expected,
        })
        expect(msg).toBe(message)
      }),
      { numRuns: runs },
    )
  })
})
