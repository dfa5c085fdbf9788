/** The inventory as the gateway sees it: a function for each question, each measured, over the observed fetch. */

import type { Context } from '@kit/context'
import { run } from '@kit/context'
import { observeClient } from '@kit/http/client'
import { withMetrics } from '@kit/observe'
import type { Item } from '../inventory/repository.ts'

/** An answer of the inventory other than success. */
export class InventoryError extends Error {
  override readonly name = 'InventoryError'
  readonly status: number

  constructor(status: number) {
    super(`The inventory answered ${status}.`)
    this.status = status
  }
}

/** The questions; each rejects with an InventoryError, the context's error, or what the network did. */
export interface InventoryClient {
  findItem(ctx: Context, sku: string): Promise<Item>
  search(ctx: Context, word: string): Promise<Item[]>
  listItems(ctx: Context, afterId: number, limit: number): Promise<Item[]>
  reserve(ctx: Context, sku: string, quantity: number): Promise<{ order: number }>
}

/** Makes a client of the inventory at `baseUrl`. */
export function createInventoryClient(baseUrl: string): InventoryClient {
  const fetch = observeClient()

  const ask = async <T>(ctx: Context, path: string, body?: unknown): Promise<T> => {
    const init =
      body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const response = await run(ctx, () => fetch(baseUrl + path, init))
    const answer = (await response.json().catch(() => undefined)) as T
    ctx.throwIfDone()
    if (!response.ok) throw new InventoryError(response.status)
    return answer
  }
  const part = encodeURIComponent

  return {
    findItem: withMetrics('gateway.findItem', (ctx: Context, sku: string) =>
      ask<Item>(ctx, `/items/${part(sku)}`),
    ),
    search: withMetrics('gateway.search', (ctx: Context, word: string) =>
      ask<Item[]>(ctx, `/search?q=${part(word)}`),
    ),
    listItems: withMetrics('gateway.listItems', (ctx: Context, afterId: number, limit: number) =>
      ask<Item[]>(ctx, `/items?after=${afterId}&limit=${limit}`),
    ),
    reserve: withMetrics('gateway.reserve', (ctx: Context, sku: string, quantity: number) =>
      ask<{ order: number }>(ctx, `/items/${part(sku)}/reservations`, { quantity }),
    ),
  }
}
