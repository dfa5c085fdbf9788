import { expect, test } from 'vitest'
import { createLogger } from '../index.ts'
import type { RedactOptions } from '../index.ts'
import { memoryDestination } from '../testing.ts'

const destination = memoryDestination()

function logged(value: unknown, redact?: RedactOptions): unknown {
  destination.clear()
  createLogger({ format: 'json', destination, redact }).info({ value }, 'x')
  return destination.records[0]?.['value']
}

test.each([
  [
    [
      ['accept', 'a'],
      ['authorization', 'S'],
    ],
    [
      ['accept', 'a'],
      ['authorization', '[redacted]'],
    ],
  ],
  [
    [
      ['password', 'S'],
      ['email', 'e'],
    ],
    [
      ['password', '[redacted]'],
      ['email', 'e'],
    ],
  ],
  [
    ['Host', 'h', 'Authorization', 'S', 'cookie', 'S'],
    ['Host', 'h', 'Authorization', '[redacted]', 'cookie', '[redacted]'],
  ],
  [
    ['x-api-key', ['S']],
    ['x-api-key', '[redacted]'],
  ],
  [
    [
      { name: 'Cookie', value: 'S' },
      { name: 'Host', value: 'h' },
    ],
    [
      { name: 'Cookie', value: '[redacted]' },
      { name: 'Host', value: 'h' },
    ],
  ],
  [
    { value: { deep: 'S' }, key: 'DB_PASSWORD' },
    { value: '[redacted]', key: 'DB_PASSWORD' },
  ],
  [
    { Name: 'token', Value: 'S' },
    { Name: 'token', Value: '[redacted]' },
  ],
  [
    { header: 'authorization', value: null },
    { header: 'authorization', value: null },
  ],
])('%j is written as %j', (value, expected) => {
  expect(logged(value)).toEqual(expected)
})

test.each([
  [['password', 'email']],
  [{ path: ['credentials', 'username'] }],
  [['a', 'Authorization', 'h']],
  [['Host', 'authorization']],
  [[['a', 'b', 'token']]],
  [{ name: 'token', val: 'x' }],
  [{ name: 'ann', value: 5 }],
  [{ name: { token: null }, value: 5 }],
])('%j is nobody’s secret', (value) => {
  expect(logged(value)).toEqual(value)
})

test('names count as keys do, and without keys there are none', () => {
  const value = [['iban', 'S'], ['token', 'x'], { name: 'IBAN', value: 'S' }]
  expect(logged(value, { keys: ['iban'], censor: '*' })).toEqual([
    ['iban', '*'],
    ['token', 'x'],
    { name: 'IBAN', value: '*' },
  ])
  expect(logged(value, { keys: [] })).toEqual(value)
})

test('no getter is asked for a name, and items are read once', () => {
  let read = 0
  const items = Object.defineProperty(['authorization', ''], 1, {
    get() {
      read += 1
      return 'S'
    },
  })
  const value = {
    get name() {
      read += 1
      return 'n'
    },
    value: 'v',
  }
  logged([items, value])
  expect(read).toBe(2)
})

test.each(['json', 'text'] as const)('a key that holds credentials is left out of %s', (format) => {
  destination.clear()
  const log = createLogger({ format, destination })
  const states = { 'postgres://u:CANARY@h/db': 'up', '/cb?token=CANARY': 1, 'http://h/': 'seen' }
  log
    .child(states)
    .info(
      { ...states, states, map: new Map(Object.entries(states)), e: Object.assign(new Error('x'), states) },
      'x',
    )
  expect(destination.lines.join('')).not.toContain('CANARY')
  expect(destination.lines.join('')).toContain('http://h/')
})
