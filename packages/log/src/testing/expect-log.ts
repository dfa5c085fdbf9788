// One assertion, for any test runner: a line like this was logged.

import { isDeepStrictEqual } from 'node:util'
import { LogError } from '../errors.ts'
import { property } from '../property.ts'
import type { LogRecord, MemoryDestination } from './memory-destination.ts'

/** Fields that a line must have; it may have others. Nested objects match in part too, strings also by a RegExp. */
export type Expected = Readonly<Record<string, unknown>>

/**
 * Returns the first line that has all of `expected`. Throws a `LogError` with code `KIT_LOG_NOT_LOGGED` that
 * shows the last lines if there is none.
 */
export function expectLog(destination: MemoryDestination, expected: Expected): LogRecord {
  const found = destination.records.find((record) => matches(record, expected))
  if (found !== undefined) return found
  const shown = destination.lines.slice(-10).join('')
  throw new LogError(
    'KIT_LOG_NOT_LOGGED',
    `No line has ${describe(expected)}. ${shown === '' ? 'Nothing was logged.' : `The last lines:\n${shown}`}`,
  )
}

function matches(actual: unknown, expected: unknown): boolean {
  if (expected instanceof RegExp) return typeof actual === 'string' && expected.test(actual)
  if (!isObject(expected) || !isObject(actual)) return isDeepStrictEqual(actual, expected)
  if (Array.isArray(expected)) {
    return (
      Array.isArray(actual) &&
      actual.length === expected.length &&
      expected.every((item, i) => matches(actual[i], item))
    )
  }
  return Object.entries(expected).every(([key, item]) => matches(property(actual, key), item))
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function describe(expected: Expected): string {
  return JSON.stringify(expected, (_key, value: unknown) => (value instanceof RegExp ? String(value) : value))
}
