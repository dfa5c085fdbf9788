/** A package that keeps the id of the parcel at hand in the context; its ids are numbers. See `invoices`. */

import type { Context, Key } from '@kit/context'
import { createKey } from '@kit/context'
import type { UntypedContext } from './untyped-context.ts'

const idKey: Key<number> = createKey('id', 0)

/** A context with the id, under a key that only this file has. */
export const withParcelId = (ctx: Context, id: number): Context => ctx.withValue(idKey, id)
/** The id of the parcel, or the default of its key. */
export const parcelIdOf = (ctx: Context): number => ctx.value(idKey)

/** A context with the id, under a name. */
export const withNamedParcelId = (ctx: UntypedContext, id: number): UntypedContext => ctx.withValue('id', id)
/** What stands under the name. */
export const namedParcelIdOf = (ctx: UntypedContext): number => ctx.value('id') as number

/** A context with the id, under a registered symbol. */
export const withSymbolParcelId = (ctx: UntypedContext, id: number): UntypedContext =>
  ctx.withValue(Symbol.for('id'), id)
/** What stands under the symbol. */
export const symbolParcelIdOf = (ctx: UntypedContext): number => ctx.value(Symbol.for('id')) as number
