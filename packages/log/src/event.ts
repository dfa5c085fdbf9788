// Events: the one line that a unit of work ends with, such as the one for each request. Code on the way adds what it
// knows (the customer, the size of the basket, whether a cache had it), so that one line answers what otherwise
// takes a search over many. What is added waits in the context; whoever ends the work writes it.

import { createKey } from '@kit/context'
import type { Context, Key } from '@kit/context'
import { fieldValues, joinValues } from './context-fields.ts'
import { openFields } from './encode/fields.ts'
import { withBudget } from './encode/limits.ts'
import { processState } from './stats.ts'

/** What was added so far. Plain data, as all copies of this package in the process must be able to read it. */
export interface LogEvent {
  values: Readonly<Record<string, unknown>> | undefined
}

/**
 * A context in which an event begins: `annotate` adds to it, here and in all contexts that come of this one, until
 * another begins. The adapters of `@kit/http` begin one for each request. Costs two small objects.
 */
export function withEvent(ctx: Context): Context {
  return ctx.withValue(eventKey(), { values: undefined })
}

/**
 * Adds fields to the event of a context; one of the same name replaces. They are copied now, so the line says what
 * was true then; of at most 200 fields, what is more is counted as dropped. Never throws, whatever the fields are.
 *
 * Returns false where no event has begun, and then nothing is kept.
 */
export function annotate(ctx: Context, fields: object): boolean {
  const event = ctx.value(eventKey())
  if (event === undefined) return false
  event.values = withBudget(() => joinValues(event.values, openFields(fields)))
  return true
}

/**
 * The fields that were added to the event of a context, for whoever writes its line; undefined when there are none.
 * Without those that every line of the context has anyway: code on the way cannot replace a request's id.
 */
export function eventFields(ctx: Context): Readonly<Record<string, unknown>> | undefined {
  const values = ctx.value(eventKey())?.values
  const own = values === undefined ? undefined : fieldValues(ctx)
  if (values === undefined || own === undefined) return values
  return Object.fromEntries(Object.entries(values).filter(([name]) => !Object.hasOwn(own, name)))
}

export function eventKey(): Key<LogEvent | undefined> {
  processState.eventKey ??= createKey<LogEvent>('log.event')
  return processState.eventKey
}
