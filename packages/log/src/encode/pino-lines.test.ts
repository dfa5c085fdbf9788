import { tracingChannel } from 'node:diagnostics_channel'
import * as fc from 'fast-check'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { isPlain } from './escape.ts'
import { PinoLines } from './pino-lines.ts'

const lines = new PinoLines()
const level = fc.constantFrom(10, 20, 30, 40, 50, 60)
const word = fc.constantFrom(
  'time',
  'message',
  ' time ',
  '$&',
  "$'",
  '}',
  '{"msg":',
  '\\',
  '"',
  '\n',
  '\u2028',
)
const text = fc.oneof(
  fc.array(word).map((words) => words.join('')),
  fc.string({ unit: 'binary' }),
)
const nothing = (): undefined => undefined
const subscriber = { start: nothing, end: nothing, asyncStart: nothing, asyncEnd: nothing, error: nothing }

/** The line as pino makes it, which it does when somebody listens. */
function byPino(...args: Parameters<PinoLines['line']>): string {
  const channel = tracingChannel('pino_asJson')
  channel.subscribe(subscriber)
  try {
    return lines.line(...args)
  } finally {
    channel.unsubscribe(subscriber)
  }
}

test('a line is what pino would make of it, whatever is in it', () => {
  fc.assert(
    fc.property(level, text, fc.option(text, { nil: undefined }), (at, middle, message) => {
      const plain = message !== undefined && isPlain(message)
      expect(lines.line(at, middle, message, plain)).toBe(byPino(at, middle, message, plain))
    }),
  )
})

test.each([
  [10, 'trace'],
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
])('%i is %s', (at, name) => {
  expect(lines.line(at, ',"time":1', 'done', true)).toBe(`{"level":"${name}","time":1,"msg":"done"}\n`)
  expect(lines.line(at, ',"time":1', undefined, false)).toBe(`{"level":"${name}","time":1}\n`)
})

test('a tool that replaces what makes the lines of pino is not passed over', () => {
  const replaced = new PinoLines()
  expect(replaced.line(30, '', 'done', true)).toBe('{"level":"info","msg":"done"}\n')
  // Each instance has a prototype of its own, and these have one together.
  const shared = Object.getPrototypeOf(Object.getPrototypeOf(pino())) as Record<symbol, Function>
  const original = shared[pino.symbols.asJsonSym]
  const replacement = (_fields: object, message: string): string => `traced: ${message}\n`
  Object.assign(shared, { [pino.symbols.asJsonSym]: replacement })
  try {
    const made = new PinoLines()
    expect([replaced, made].map((some) => some.line(30, '', 'done', true))).toEqual([
      'traced: done\n',
      'traced: done\n',
    ])
  } finally {
    Object.assign(shared, { [pino.symbols.asJsonSym]: original })
  }
})

test('those who listen hear of no other lines than those that are written', () => {
  const channel = tracingChannel('pino_asJson')
  const heard: unknown[] = []
  const listener = { ...subscriber, end: (event: object) => heard.push(event) }
  channel.subscribe(listener)
  const line = new PinoLines().line(30, '', 'done', true)
  channel.unsubscribe(listener)
  expect(heard).toMatchObject([{ result: line }])
})
