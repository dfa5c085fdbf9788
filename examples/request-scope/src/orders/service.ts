/** The middle layer: asks the repository and says it in the customer's language. Passes the context on, untouched. */

import type { Context } from '@kit/context'
import { localeOf } from '../scope/locale.ts'
import type { Rendezvous } from './rendezvous.ts'
import type { Sightings } from './repository.ts'
import { findOrders } from './repository.ts'

/** What the customer is shown, and what was seen on the way to it. */
export interface OrderList {
  readonly customer: string
  readonly title: string
  readonly orders: readonly string[]
  readonly seen: Sightings
}

const titles: Readonly<Record<string, string>> = { de: 'Bestellungen', en: 'Orders', fr: 'Commandes' }

/** Lists the orders of the customer whose token the context carries. */
export async function listOrders(ctx: Context, rendezvous: Rendezvous): Promise<OrderList> {
  const found = await findOrders(ctx, rendezvous)
  const [language = 'en'] = localeOf(ctx).split('-', 1)
  return { ...found, title: titles[language] ?? 'Orders' }
}
