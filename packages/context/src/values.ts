/*
 * Several values at once. A unit of work that begins with half a dozen of them, such as a request, gets one context for all
 * instead of one for each.
 */
import { assertContext, ContextNode } from './context-node.ts'
import type { Context } from './context.ts'
import { ContextError } from './errors.ts'
import type { Key } from './key.ts'
import { assertKey, Binding } from './key.ts'

/** Values with their keys, for {@link withValues}. Made by {@link values}; can be used more than once. */
export interface Values {
  readonly [list]: true
}

declare const list: unique symbol

/**
 * A list of one value more than `rest` has. Of two values of one key the one that was added last is seen. Costs one
 * small object. Throws KIT_INVALID_KEY.
 */
export function values<T>(key: Key<T>, value: T, rest?: Values): Values {
  assertKey(key)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- to users a list is opaque
  return new Binding(key, value, rest as Binding | undefined) as object as Values
}

/**
 * A child of `ctx` with all these values: the same as `withValue` for each, oldest first, at the cost of one context.
 * Throws KIT_INVALID_CONTEXT, KIT_INVALID_KEY.
 */
export function withValues(ctx: Context, added: Values): Context {
  assertContext(ctx)
  if (typeof added !== 'object' || added === null || !('key' in added)) {
    throw new ContextError('KIT_INVALID_KEY', 'withValues needs what values() has returned')
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else makes them
  const bindings = added as object as Binding
  return ContextNode.is(ctx) ? ContextNode.withValues(ctx, bindings) : oneByOne(ctx, bindings)
}

/** Of another copy of this package, which keeps its values in its own way. */
function oneByOne(ctx: Context, { key, value, next }: Binding): Context {
  const outer = next === undefined ? ctx : oneByOne(ctx, next)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `values` takes keys of ours only
  return outer.withValue(key as Key<unknown>, value)
}
