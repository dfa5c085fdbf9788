// Errors, at whatever key they stand: type, message, stack, code, their own fields, the errors of an
// AggregateError, and the chain of causes as a list, nearest first. The message stays the error's own, so
// that equal errors keep equal messages whatever caused them.

import { types } from 'node:util'
import { property } from '../property.ts'
import { step } from '../redact.ts'
import { stats } from '../stats.ts'
import { quote } from './escape.ts'
import { MAX_CAUSES, MAX_MEMBERS, takeKey, takeItem } from './limits.ts'
import type { Paths, ValueEncoder } from './value.ts'

/** Whether a value is an error, of this realm or another. A hostile object that throws when asked is none. */
export function isError(value: unknown): value is Error {
  if (typeof value !== 'object' && typeof value !== 'function') return false
  if (types.isNativeError(value)) return true
  try {
    return value instanceof Error
  } catch {
    return false
  }
}

/** One member of an object: its name, and its value as JSON. */
export interface Member {
  readonly name: string
  readonly json: string
}

/** The members of an error's JSON object, with distinct names. Reads every property without trust. */
export function errorMembers(encoder: ValueEncoder, error: Error, paths: Paths): Member[] {
  const members = ownMembers(encoder, error, paths)
  const causes = causeList(encoder, error, paths)
  if (causes.length > 0) members.push({ name: 'cause', json: `[${causes.join(',')}]` })
  return members
}

/** Members as a JSON object. */
export function joinMembers(members: readonly Member[]): string {
  return `{${members.map(({ name, json }) => `${quote(name)}:${json}`).join(',')}}`
}

/** All but the causes. */
function ownMembers(encoder: ValueEncoder, error: Error, paths: Paths): Member[] {
  const members: Member[] = []
  const add = (source: object, key: string, name: string): void => {
    if (!takeKey(key)) return
    const known = encoder.known(key)
    if (known.isHidden) {
      stats.droppedFields += 1
      return
    }
    const json = encoder.encodeProperty(source, key, encoder.isSecret(source, known), paths)
    if (json !== undefined) members.push({ name, json })
  }
  add({ type: typeOf(error) }, 'type', 'type')
  add(error, 'message', 'message')
  const code = read(error, 'code')
  if (!Object.prototype.propertyIsEnumerable.call(error, 'code') && isPlain(code))
    add({ code }, 'code', 'code')
  let shown = 0
  for (const key in error) {
    if (!Object.hasOwn(error, key) || PLACED.has(key)) continue
    if (shown >= MAX_MEMBERS) {
      stats.truncatedValues += 1
      break
    }
    shown += 1
    add(error, key, FORGEABLE.test(key) ? `fields.${key}` : key)
  }
  const errors = firstErrors(read(error, 'errors'))
  if (errors !== undefined) add({ errors }, 'errors', 'errors')
  add(error, 'stack', 'stack')
  return members
}

/** The errors of an `AggregateError`, cut where there are too many; what else libraries keep there is left as it is. */
function firstErrors(errors: unknown): unknown {
  try {
    if (!Array.isArray(errors) || errors.length <= MAX_CAUSES) return errors
    stats.truncatedValues += 1
    const first: unknown[] = Array.prototype.slice.call(errors, 0, MAX_CAUSES)
    return [...first, `[+${errors.length - MAX_CAUSES} items]`]
  } catch {
    stats.droppedFields += 1
    return '[unreadable]'
  }
}

/** Keys of an error that are written apart from its own fields. */
const PLACED: ReadonlySet<string> = new Set(['message', 'stack', 'cause', 'errors'])

/** Own fields that would stand beside the error's type. Prefixing the prefixed ones too keeps keys distinct. */
const FORGEABLE = /^(?:fields\.)*type$/

function causeList(encoder: ValueEncoder, error: Error, paths: Paths): string[] {
  const causes: string[] = []
  const seen = new Set<unknown>([error])
  const inner = paths === undefined ? undefined : step(paths, 'cause')
  let cause = read(error, 'cause')
  while (cause !== undefined && cause !== null) {
    if (seen.has(cause)) {
      causes.push('"[circular]"')
      break
    }
    if (causes.length >= MAX_CAUSES || !takeItem()) {
      stats.truncatedValues += 1
      causes.push('"[more causes]"')
      break
    }
    seen.add(cause)
    const at = inner === undefined ? undefined : step(inner, String(causes.length))
    if (!isError(cause)) {
      const json = encoder.encode(cause, at)
      if (json !== undefined) causes.push(json)
      break
    }
    causes.push(joinMembers(ownMembers(encoder, cause, at)))
    cause = read(cause, 'cause')
  }
  return causes
}

/** The name of the class, which says more than `name` when a subclass forgot to set it. */
function typeOf(error: Error): string {
  const constructor = read(error, 'constructor')
  const className: unknown = typeof constructor === 'function' ? constructor.name : undefined
  const name = read(error, 'name')
  if (typeof className === 'string' && className !== '') return className
  return typeof name === 'string' ? name : 'Error'
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number'
}

function read(source: object, key: string): unknown {
  try {
    return property(source, key)
  } catch {
    stats.droppedFields += 1
    return undefined
  }
}
