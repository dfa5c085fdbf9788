/** A service with Hono. */

import type { RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { current } from '@kit/context'
import { kit as kitHono } from '@kit/hono'
import type { HttpOptions } from '@kit/http'
import { Hono } from 'hono'
import { begun, ended, failure, heavy, item, parts, stream } from './handlers.ts'

/** The service. */
export function honoApp(options?: HttpOptions): RequestListener {
  const app = new Hono()
  app.use(kitHono(options))
  app.onError((_error, c) => c.text('failed', 500)) // its own one prints the errors
  app.get('/whole/:id', (c) => c.json(item(c.req.param('id'))))
  app.get('/heavy/:id', (c) => c.text(heavy))
  app.get('/streamed/:id', () => new Response(stream(['one', 'two'])))
  app.get('/failed/:id', () => {
    throw failure()
  })
  app.get('/unanswered/:id', async (c) => {
    await ended(current())
    return c.text('too late')
  })
  app.get('/begun/:id', () => new Response(stream(begun(current()))))
  app.get('/large/:id', () => new Response(stream(parts())))
  app.post('/read/:id', async (c) => c.json((await c.req.arrayBuffer()).byteLength))
  const listener = getRequestListener(app.fetch)
  return (req, res) => void listener(req, res)
}
