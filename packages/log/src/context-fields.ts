// Fields that belong to a context and join every line logged under it: a request id, a trace id, a user.
// They are copied when they are added, so that a line says what was true then, and encoded once for all the
// lines of the context, when the first of them is written.

import { createKey } from '@kit/context'
import type { Context, Key } from '@kit/context'
import { eachField, encodeFields, noFields, openFields } from './encode/fields.ts'
import type { FieldEncoder, FieldSet } from './encode/fields.ts'
import { jsonLabel } from './encode/json.ts'
import { MAX_MEMBERS, withBudget } from './encode/limits.ts'
import { ValueEncoder } from './encode/value.ts'
import { property } from './property.ts'
import { Redactor } from './redact.ts'
import { processState, stats } from './stats.ts'

/**
 * A context whose lines carry these fields, over those that `ctx` already adds. In a line a logger's own
 * fields and those of the call win over them. At most 200 fields a context; more are counted as dropped.
 * Costs a copy of the fields, and no encoding until something is logged.
 */
export function withFields(ctx: Context, fields: object): Context {
  const key = contextKey()
  return ctx.withValue(key, new ContextFields(ctx.value(key), fields))
}

/** The fields that a context adds to a line, as text of this encoder. */
export function contextFields(ctx: Context, encoder: FieldEncoder): FieldSet {
  const fields = ctx.value(contextKey())
  return fields === undefined ? noFields : fields.encoded(encoder)
}

/** The fields of one context. */
export class ContextFields {
  readonly #values: Record<string, unknown> = Object.create(null)
  #encoder: FieldEncoder | undefined = undefined
  #encoded: FieldSet = noFields

  constructor(inherited: ContextFields | undefined, fields: object) {
    if (inherited !== undefined) Object.assign(this.#values, inherited.#values)
    withBudget(() => this.#add(openFields(fields)))
  }

  encoded(encoder: FieldEncoder): FieldSet {
    if (this.#encoder !== encoder) {
      this.#encoded = encodeFields(encoder, this.#values)
      this.#encoder = encoder
    }
    return this.#encoded
  }

  #add(fields: object): void {
    let room = MAX_MEMBERS - Object.keys(this.#values).length
    eachField(fields, (key) => {
      if (!(key in this.#values) && room-- <= 0) {
        stats.droppedFields += 1
        return
      }
      this.#values[key] = snapshot(fields, key)
    })
  }
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
function contextKey(): Key<ContextFields | undefined> {
  processState.contextKey ??= createKey<ContextFields>('log.fields')
  return processState.contextKey
}
