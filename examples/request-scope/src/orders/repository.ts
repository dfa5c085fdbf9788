/**
 * The lowest layer: finds orders, and writes down what it can see of the request on its way, once through the context
 * that it was passed and once through `current()`, in all the places where asynchronous code goes on.
 */

import type { Context } from '@kit/context'
import { bind, current, race, sleep } from '@kit/context'
import { authTokenOf } from '../scope/auth-token.ts'
import type { Sighting } from '../scope/sighting.ts'
import { look } from '../scope/sighting.ts'
import type { Rendezvous } from './rendezvous.ts'

/** The orders of one customer. */
export interface Orders {
  /** Whose token it was. */
  readonly customer: string
  readonly orders: readonly string[]
}

/** Where something was seen, in the order in which it happens. */
export type Place = 'ctx' | 'called' | 'awaited' | 'timer' | 'bound listener' | 'plain listener'

/** What was seen where. */
export type Sightings = Readonly<Record<Place, Sighting>>

const customers: Readonly<Record<string, Orders>> = {
  'secret-of-ann': { customer: 'ann', orders: ['A-1', 'A-2'] },
  'secret-of-bob': { customer: 'bob', orders: ['B-7'] },
}

const nobody: Orders = { customer: 'nobody', orders: [] }

/** Finds the orders of the customer whose token the context carries. Rejects with `ctx.err` when that ends. */
export async function findOrders(
  ctx: Context,
  rendezvous: Rendezvous,
): Promise<Orders & { readonly seen: Sightings }> {
  const called = look(current())
  await sleep(ctx, 1)
  const awaited = look(current())
  const timer = await new Promise<Sighting>((resolve) => setTimeout(() => resolve(look(current())), 1))

  const [bound, plain] = await race(ctx, meet(ctx, rendezvous))

  const { customer, orders } = customers[authTokenOf(ctx)?.reveal() ?? ''] ?? nobody
  const seen = { ctx: look(ctx), called, awaited, timer, 'bound listener': bound, 'plain listener': plain }
  return { customer, orders, seen }
}

/** What two listeners see, one of them bound. */
function meet(ctx: Context, rendezvous: Rendezvous): Promise<[bound: Sighting, plain: Sighting]> {
  return new Promise((resolve) => {
    let seen: Sighting | undefined
    rendezvous.join(
      ctx,
      // A listener is called with the ambient context of whoever emits; `bind` gives it that of whoever registers it.
      bind(() => {
        seen = look(current())
      }),
      () => {
        if (seen !== undefined) resolve([seen, look(current())])
      },
    )
  })
}
