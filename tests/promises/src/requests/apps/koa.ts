/** A service with Koa. */

import type { RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { current } from '@kit/context'
import type { HttpOptions } from '@kit/http'
import { kit as kitKoa } from '@kit/koa'
import { Router } from '@koa/router'
import Koa from 'koa'
import { begun, ended, failure, heavy, item, lengthOf, parts } from './handlers.ts'

/** The service. */
export function koaApp(options?: HttpOptions): RequestListener {
  const app = new Koa()
  app.silent = true
  app.use(kitKoa(options))
  const router = new Router()
  router.get('/whole/:id', (ctx) => void (ctx.body = item(ctx.params['id'] ?? '')))
  router.get('/heavy/:id', (ctx) => void (ctx.body = heavy))
  router.get('/streamed/:id', (ctx) => void (ctx.body = Readable.from(['one', 'two'])))
  router.get('/failed/:id', () => {
    throw failure()
  })
  router.get('/unanswered/:id', async () => ended(current()))
  router.get('/begun/:id', (ctx) => void (ctx.body = Readable.from(begun(current()))))
  router.get('/large/:id', (ctx) => void (ctx.body = Readable.from(parts())))
  router.post('/read/:id', async (ctx) => void (ctx.body = await lengthOf(ctx.req)))
  app.use(router.routes())
  const callback = app.callback()
  return (req, res) => void callback(req, res)
}
