/** The service: one page, one pool, a logger for each part. */

import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import { observeListener } from '@kit/http/node'
import type { Logger } from '@kit/log'
import { createPool } from './pool.ts'

const tables = ['orders', 'items', 'prices']

/** Serves `/orders`, which asks the database three things at once. */
export function createService(log: Logger): Server {
  const pool = createPool(log)
  const orders = log.named('orders')
  const listener = observeListener(
    (_req, res) => {
      void answer(res)
    },
    { log, route: () => '/orders' },
  )
  return createServer(listener)

  async function answer(res: ServerResponse): Promise<void> {
    try {
      const rows = await Promise.all(tables.map((table) => pool.query(`select * from ${table}`)))
      orders.info({ rows }, 'listed')
      res.end(`${rows.length} tables\n`)
    } catch (error) {
      orders.error({ err: error }, 'not listed')
      res.writeHead(500).end()
    }
  }
}
