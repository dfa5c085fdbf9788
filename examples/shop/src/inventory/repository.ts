/** What the inventory can be asked, each function measured: the part that a team wraps on its second day. */

import type { Context } from '@kit/context'
import { withMetrics } from '@kit/observe'
import type { Database } from './database.ts'
import { itemCount } from './seed.ts'

/** An item as the API shows it. */
export interface Item {
  readonly sku: string
  readonly name: string
  readonly description: string
  readonly cents: number
  readonly stock: number
}

/** How an order went. */
export type Reservation =
  | { readonly kind: 'reserved'; readonly order: number }
  | { readonly kind: 'sold_out' }
  | { readonly kind: 'unknown_item' }

/** The functions of the repository. Each rejects with its context's error when that ends first. */
export interface Repository {
  findItem(ctx: Context, sku: string): Promise<Item | undefined>
  /** The first `limit` items whose description has `word`. Reads page by page, and stops when the context ends. */
  searchItems(ctx: Context, word: string, limit: number): Promise<Item[]>
  listItems(ctx: Context, afterId: number, limit: number): Promise<Item[]>
  reserve(ctx: Context, sku: string, quantity: number): Promise<Reservation>
}

const columns = 'sku, name, description, cents, stock'
const pageSize = 1000

/** Makes the repository on a database. */
export function createRepository(db: Database): Repository {
  const findItem = withMetrics('inventory.findItem', async (ctx: Context, sku: string) => {
    const [item] = await db.query<Item>(ctx, `select ${columns} from items where sku = $1`, [sku])
    return item
  })

  const searchItems = withMetrics(
    'inventory.searchItems',
    async (ctx: Context, word: string, limit: number) => {
      const sql = `select ${columns} from items where id >= $1 and id < $2 and description ~* $3 order by id limit $4`
      const pattern = `\\m${word}\\M`
      const found: Item[] = []
      for (let id = 1; id <= itemCount && found.length < limit; id += pageSize) {
        found.push(...(await db.query<Item>(ctx, sql, [id, id + pageSize, pattern, limit - found.length])))
      }
      return found
    },
  )

  const listItems = withMetrics('inventory.listItems', (ctx: Context, afterId: number, limit: number) =>
    db.query<Item>(ctx, `select ${columns} from items where id > $1 order by id limit $2`, [afterId, limit]),
  )

  const reserve = withMetrics(
    'inventory.reserve',
    async (ctx: Context, sku: string, quantity: number): Promise<Reservation> => {
      const [row] = await db.query<{ known: boolean; order: number | null }>(
        ctx,
        `with taken as (
           update items set stock = stock - $2 where sku = $1 and stock >= $2 returning sku
         ), ordered as (
           insert into orders (sku, quantity) select sku, $2 from taken returning id
         )
         select exists (select from items where sku = $1) as known, (select id from ordered) as order`,
        [sku, quantity],
      )
      if (row?.known !== true) return { kind: 'unknown_item' }
      return row.order === null ? { kind: 'sold_out' } : { kind: 'reserved', order: row.order }
    },
  )

  return { findItem, searchItems, listItems, reserve }
}
