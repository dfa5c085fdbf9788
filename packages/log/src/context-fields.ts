// Fields that belong to a context and join every line logged under it: a request id, a trace id, a user.
// They are copied when they are added, so that a line says what was true then, and encoded once for all the
// lines of the context, when the first of them is written.

import { createKey } from '@kit/context'
import type { Context, Key } from '@kit/context'
import { noFields, openFields } from './encode/fields.ts'
import type { FieldEncoder, FieldSet } from './encode/fields.ts'
import { jsonLabel } from './encode/json.ts'
import { MAX_MEMBERS, withBudget } from './encode/limits.ts'
import { ValueEncoder } from './encode/value.ts'
import { property } from './property.ts'
import { Redactor } from './redact.ts'
import { processState, stats } from './stats.ts'

// A fifth of the time of `Object.hasOwn` in a `for` … `in`, which V8 knows to go together; as a constant of the module.
// oxlint-disable-next-line typescript/unbound-method -- it is called on the object
const { hasOwnProperty } = Object.prototype

/**
 * A context whose lines carry these fields, over those that `ctx` already adds. In a line a logger's own
 * fields and those of the call win over them. At most 200 fields a context; more are counted as dropped.
 * Costs a copy of the fields, and no encoding until something is logged.
 */
export function withFields(ctx: Context, fields: object): Context {
  const key = contextKey()
  return ctx.withValue(key, {
    values: withBudget(() => joinValues(ctx.value(key)?.values, openFields(fields))),
    encoder: undefined,
    encoded: noFields,
  })
}

/** The fields that a context adds to a line. */
export function fieldValues(ctx: Context): Readonly<Record<string, unknown>> | undefined {
  return ctx.value(contextKey())?.values
}

/** The fields that a context adds to a line, as text of this encoder. */
export function contextFields(ctx: Context, encoder: FieldEncoder): FieldSet {
  const fields = ctx.value(contextKey())
  if (fields === undefined) return noFields
  if (fields.encoder !== encoder) {
    fields.encoded = noFields.with(encoder, fields.values)
    fields.encoder = encoder
  }
  return fields.encoded
}

/**
 * The fields of one context. Plain data without a class: contexts pass between the copies of this package in one
 * process, and a copy can read only what is open to all. The text is used by the copy that made it alone, since
 * no two share an encoder.
 */
export interface ContextFields {
  readonly values: Readonly<Record<string, unknown>>
  encoder: FieldEncoder | undefined
  encoded: FieldSet
}

/** Copies of fields over copies that were made before: plain data that nobody can change, at most 200 fields. */
export function joinValues(inherited: object | undefined, fields: object): Record<string, unknown> {
  // With a prototype, as V8 keeps objects without one in a dictionary, which is slow to fill and to read.
  const values: Record<string, unknown> = { ...inherited }
  let room = MAX_MEMBERS
  if (inherited !== undefined) room -= Object.keys(values).length
  let count = 0
  try {
    for (const key in fields) {
      if (!hasOwnProperty.call(fields, key)) continue
      const isNew = !Object.hasOwn(values, key)
      count += 1
      if (count > MAX_MEMBERS || (isNew && room-- <= 0)) {
        stats.droppedFields += 1
        if (count > MAX_MEMBERS) break
        continue
      }
      const value = snapshot(fields, key)
      // What the prototype has (`__proto__`, `constructor`) may not be assigned, or not without effect.
      if (isNew && key in values) define(values, key, value)
      else values[key] = value
    }
  } catch {
    // A hostile object may hide its keys by throwing when it is asked for them.
    stats.droppedFields += 1
  }
  return values
}

function define(values: object, key: string, value: unknown): void {
  Object.defineProperty(values, key, { value, enumerable: true, configurable: true, writable: true })
}

const unredacted = new ValueEncoder(new Redactor([], [], ''), jsonLabel)

/** A copy of `source[key]` that nobody can change. Redaction comes later, with the rules of the logger. */
function snapshot(source: object, key: string): unknown {
  try {
    const value = property(source, key)
    if (typeof value !== 'object' || value === null) return value
    return JSON.parse(unredacted.encode(value) ?? 'null')
  } catch {
    stats.droppedFields += 1
    return '[unreadable]'
  }
}

/** One key for all copies of this package in the process, since contexts pass between them. */
export function contextKey(): Key<ContextFields | undefined> {
  processState.contextKey ??= createKey<ContextFields>('log.fields')
  return processState.contextKey
}
