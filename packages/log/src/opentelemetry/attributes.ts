// The attributes of a record. Fields stay what they are, maps and lists included; an error becomes the attributes that
// the semantic conventions have for exceptions (https://opentelemetry.io/docs/specs/semconv/exceptions/).

import type { LineRecord } from '../records.ts'
import type { OtelAnyValue } from './types.ts'

const TYPE = 'exception.type'
const MESSAGE = 'exception.message'
const STACK = 'exception.stacktrace'

/**
 * The fields as attributes. There is one exception a record: the error at `err`, else the first. What it has beside type,
 * message and stack (its code, own fields, causes) stays at its key; all other errors stay whole.
 */
export function attributesOf(record: LineRecord): Record<string, OtelAnyValue> {
  const attributes: Record<string, OtelAnyValue> = Object.create(null)
  const { fields, errors } = record
  const exception = errors.includes('err') ? 'err' : errors[0]
  for (const [name, value] of Object.entries(fields)) {
    if (name === exception && isMap(value)) addException(attributes, name, value)
    else attributes[attributeName(name, exception !== undefined)] = anyValue(value)
  }
  return attributes
}

function addException(
  attributes: Record<string, OtelAnyValue>,
  name: string,
  { type, message, stack, ...rest }: Readonly<Record<string, unknown>>,
): void {
  attributes[TYPE] = anyValue(type)
  if (message !== undefined) attributes[MESSAGE] = anyValue(message)
  if (stack !== undefined) attributes[STACK] = anyValue(stack)
  if (Object.keys(rest).length > 0) attributes[attributeName(name, true)] = anyValue(rest)
}

/** The SDK refuses an empty name, loses `__proto__`, and a field must not pass for a part of the exception. */
function attributeName(name: string, hasException: boolean): string {
  const isTaken = UNUSABLE.test(name) || (hasException && FORGEABLE.test(name))
  return isTaken ? `fields.${name}` : wellFormed(name)
}

// Prefixing the prefixed ones too keeps names distinct.
const UNUSABLE = /^(?:fields\.)*(?:__proto__)?$/
const FORGEABLE = /^(?:fields\.)*exception\.(?:type|message|stacktrace)$/

/** A value that the SDK takes: one with a key by which it would refuse or lose the whole is written as JSON. */
function anyValue(value: unknown): OtelAnyValue {
  return isTakeable(value) ? copyOf(value) : wellFormed(JSON.stringify(value))
}

function isTakeable(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isTakeable)
  if (!isMap(value)) return true
  return Object.entries(value).every(
    ([key, item]) => key !== 'constructor' && key !== '__proto__' && isTakeable(item),
  )
}

function copyOf(value: unknown): OtelAnyValue {
  if (typeof value === 'string') return wellFormed(value)
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map(copyOf)
  if (!isMap(value)) return null
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [wellFormed(key), copyOf(item)]))
}

/** Half a surrogate pair is no text for protobuf, and collectors refuse the whole request for it. */
export function wellFormed(text: string): string {
  return text.replace(LONE_SURROGATES, '\ufffd')
}

const LONE_SURROGATES = /[\ud800-\udfff]/gu

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
