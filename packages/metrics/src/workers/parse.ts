/**
 * Reads messages of workers. Nothing in them is believed: whatever does not have the right shape is refused here, so
 * that what follows handles nothing but data.
 */

import type { InstrumentKind } from '../naming.ts'
import {
  isObject,
  type ExemplarReport,
  type InstrumentDefinition,
  type Origin,
  type Report,
} from './protocol.ts'

/** How much one message may hold; workers send a tenth of it at most. */
const maxNumbers = 1_000_000
const maxDefinitions = 20_000
const maxLabels = 64
const maxBounds = 256

const kinds = new Set<unknown>(['counter', 'gauge', 'histogram'] satisfies InstrumentKind[])
const origins = new Set<unknown>(['declared', 'open', 'verb', 'observed'] satisfies Origin[])

/** The report in a message; undefined if it is none. What its numbers mean is not looked at. */
export function parseReport(message: unknown): Report | undefined {
  if (!isObject(message)) return undefined
  const { instruments, series, numbers, exemplars, gone } = message
  const { sequence, isLast, answers } = message
  if (!isList(instruments, isInstrument) || !isList(series, isSeries)) return undefined
  if (!isList(exemplars, isExemplar) || !isList(gone, isId) || !isNumbers(numbers)) return undefined
  if (!isId(sequence) || typeof isLast !== 'boolean') return undefined
  if (answers !== undefined && !isId(answers)) return undefined
  return message as unknown as Report
}

function isNumbers(value: unknown): value is ArrayLike<number> {
  return (Array.isArray(value) || value instanceof Float64Array) && value.length <= maxNumbers
}

function isList<T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.length <= maxDefinitions && value.every(isItem)
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isInstrument(value: unknown): value is InstrumentDefinition {
  if (!isObject(value)) return false
  const { id, kind, name, unit, help, labels, bounds, native, origin } = value
  return (
    isId(id) &&
    kinds.has(kind) &&
    origins.has(origin) &&
    isText(name) &&
    isText(unit) &&
    isText(help) &&
    isTexts(labels) &&
    Array.isArray(bounds) &&
    bounds.length <= maxBounds &&
    bounds.every((bound) => Number.isFinite(bound)) &&
    bounds.length > 0 === (kind === 'histogram') &&
    typeof native === 'boolean'
  )
}

function isSeries(value: unknown): value is readonly [number, number, readonly string[]] {
  return Array.isArray(value) && value.length === 3 && isId(value[0]) && isId(value[1]) && isTexts(value[2])
}

function isExemplar(value: unknown): value is ExemplarReport {
  if (!Array.isArray(value) || value.length !== 6) return false
  const [series, bucket, amount, time, traceId, spanId] = value as unknown[]
  return (
    isId(series) &&
    isId(bucket) &&
    Number.isFinite(amount) &&
    Number.isFinite(time) &&
    /^[0-9a-f]{32}$/.test(String(traceId)) &&
    /^[0-9a-f]{16}$/.test(String(spanId))
  )
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= maxLabels && value.every(isText)
}

/** Labels may be long, and are cut where they are recorded. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 10_000
}
