/** The app: orders, and their events as a stream that lasts as long as its reader. */

import { sleep } from '@kit/context'
import type { HttpOptions } from '@kit/http'
import { kit } from '@kit/hono'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'

/** Builds the app, which knows no server: `app.request` in a test is one. */
export function createApp(options: HttpOptions = {}): Hono {
  const app = new Hono()
  app.use(kit(options))

  const orders = new Hono()
  orders.get('/:id', (c) => {
    c.get('log').info({ id: c.req.param('id') }, 'looking up')
    return c.json({ id: c.req.param('id'), item: 'lamp' })
  })
  orders.get('/:id/events', (c) =>
    streamSSE(c, async (events) => {
      const ctx = c.get('ctx')
      for (let id = 1; ctx.err === undefined; id += 1) {
        await events.writeSSE({ id: String(id), data: 'packed' })
        await sleep(ctx, 100).catch(() => {})
      }
      c.get('log').info({ because: String(ctx.cause) }, 'no more events')
    }),
  )
  app.route('/orders', orders)
  return app
}
