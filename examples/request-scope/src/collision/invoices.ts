/**
 * A package that keeps the id of the invoice at hand in the context, in three ways. It was written without a thought
 * of the package `parcels`, and the other way round.
 */

import type { Context, Key } from '@kit/context'
import { createKey } from '@kit/context'
import type { UntypedContext } from './untyped-context.ts'

const idKey: Key<string> = createKey('id', 'no invoice')

/** A context with the id, under a key that only this file has. */
export const withInvoiceId = (ctx: Context, id: string): Context => ctx.withValue(idKey, id)
/** The id of the invoice, or the default of its key. */
export const invoiceIdOf = (ctx: Context): string => ctx.value(idKey)

/** A context with the id, under a name. */
export const withNamedInvoiceId = (ctx: UntypedContext, id: string): UntypedContext => ctx.withValue('id', id)
/** What stands under the name. The cast is a hope: nothing says that this package put it there. */
export const namedInvoiceIdOf = (ctx: UntypedContext): string => ctx.value('id') as string

/** A context with the id, under a registered symbol: a name as well, the same for everybody who asks for it. */
export const withSymbolInvoiceId = (ctx: UntypedContext, id: string): UntypedContext =>
  ctx.withValue(Symbol.for('id'), id)
/** What stands under the symbol. */
export const symbolInvoiceIdOf = (ctx: UntypedContext): string => ctx.value(Symbol.for('id')) as string
