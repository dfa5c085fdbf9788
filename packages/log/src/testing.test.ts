import * as fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { createLogger } from './index.ts'
import type { LogError } from './index.ts'
import { expectLog, memoryDestination } from './testing.ts'
import { parseStrict } from './testing/strict-json.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

test('expectLog finds a line by part of it', () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  log.info({ a: { b: 1, c: 2 }, list: [{ x: 1, y: 2 }] }, 'first')
  log.warn({ a: { b: 2 } }, 'second line')
  expect(expectLog(destination, { a: { b: 2 } })).toMatchObject({ msg: 'second line' })
  expect(expectLog(destination, { list: [{ x: 1 }] })).toMatchObject({ msg: 'first' })
  expect(expectLog(destination, { msg: /^second/ })).toMatchObject({ level: 'warn' })
  for (const absent of [{ a: { b: 3 } }, { list: [] }, { msg: /third/ }, { none: 1 }, { a: 1 }]) {
    expect(() => expectLog(destination, absent)).toThrow(
      expect.objectContaining({ code: 'KIT_LOG_NOT_LOGGED' }) as LogError,
    )
  }
  expect(() => expectLog(destination, { msg: /third/ })).toThrow(/\/third\/.*\n.*first/s)
  destination.clear()
  expect(() => expectLog(destination, {})).toThrow('Nothing was logged')
})

test('memoryDestination refuses to parse what is not JSON', () => {
  const destination = memoryDestination()
  createLogger({ format: 'text', destination }).info('x')
  expect(() => destination.records).toThrow(SyntaxError)
})

test('the strict parser agrees with JSON.parse on what has no key twice', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom('', ' ', '\n'), (json, space) => {
      expect(JSON.stringify(parseStrict(space + json + space))).toBe(JSON.stringify(JSON.parse(json)))
    }),
  )
})

test.each([
  '{"a":1,"a":2}',
  '{"a":{"b":1,"\\u0062":2}}',
  '{"__proto__":1,"__proto__":1}',
  '{"a":1}x',
  '{"a" 1}',
  '{"a":1,}',
  '[1 2]',
  '"\n"',
  '',
  '{',
  'tru',
])('the strict parser refuses %j', (json) => {
  expect(() => parseStrict(json)).toThrow(SyntaxError)
})
