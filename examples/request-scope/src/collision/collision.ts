/**
 * Two packages that both call their value `id`, in one context: who reads what? Names collide, and so do registered
 * symbols (`Symbol.for`), which is what the context keys of OpenTelemetry's API for JavaScript are made of. Keys that
 * are objects do not, whatever they are called.
 */

import { background } from '@kit/context'
import * as invoices from './invoices.ts'
import * as parcels from './parcels.ts'
import { UntypedContext } from './untyped-context.ts'

/** What the two packages read from one context, and what comes of working with it. */
export interface Reading {
  readonly keys: string
  readonly invoice: unknown
  readonly parcel: unknown
  /** What the invoices' package gets when it does with a string what strings can do. */
  readonly used: string
}

const invoiceId = 'INV-7'
const parcelId = 42

/** First the one package stores its id, then the other. */
export function readings(): Reading[] {
  const none = new UntypedContext()
  const named = parcels.withNamedParcelId(invoices.withNamedInvoiceId(none, invoiceId), parcelId)
  const symbol = parcels.withSymbolParcelId(invoices.withSymbolInvoiceId(none, invoiceId), parcelId)
  const typed = parcels.withParcelId(invoices.withInvoiceId(background, invoiceId), parcelId)
  return [
    reading("'id'", invoices.namedInvoiceIdOf(named), parcels.namedParcelIdOf(named)),
    reading("Symbol.for('id')", invoices.symbolInvoiceIdOf(symbol), parcels.symbolParcelIdOf(symbol)),
    reading("createKey('id')", invoices.invoiceIdOf(typed), parcels.parcelIdOf(typed)),
  ]
}

function reading(keys: string, invoice: string, parcel: number): Reading {
  return { keys, invoice, parcel, used: attempt(() => invoice.toLowerCase()) }
}

function attempt(work: () => string): string {
  try {
    return work()
  } catch (error) {
    return String(error)
  }
}
