/** The inventory's HTTP interface. Only the shop's own services reach it, so it trusts what they say. */

import { json } from 'node:stream/consumers'
import { Router } from '@koa/router'
import type { Middleware } from 'koa'
import Koa from 'koa'
import { internal } from '@kit/http'
import { kit } from '@kit/koa'
import type { Logger } from '@kit/log'
import { answerTo } from '../errors.ts'
import type { Repository } from './repository.ts'

/** Builds the application. */
export function inventoryApp(repository: Repository, log: Logger): Koa {
  const router = new Router()

  router.get('/items/:sku', async (ctx) => {
    const { sku = '' } = ctx.params
    const item = await repository.findItem(ctx.state.ctx, sku)
    ctx.log.debug({ sku, found: item !== undefined }, 'looked an item up')
    answer(ctx, item === undefined ? 404 : 200, item ?? { error: 'There is no such item.' })
  })

  router.get('/items', async (ctx) => {
    const { after = 0, limit = 100 } = ctx.query
    ctx.body = await repository.listItems(ctx.state.ctx, Number(after), Number(limit))
  })

  router.get('/search', async (ctx) => {
    const word = typeof ctx.query['q'] === 'string' ? ctx.query['q'] : ''
    const items = await repository.searchItems(ctx.state.ctx, word, 20)
    ctx.log.debug({ word, found: items.length }, 'searched')
    ctx.body = items
  })

  router.post('/items/:sku/reservations', async (ctx) => {
    const { sku = '' } = ctx.params
    const { quantity } = (await json(ctx.req)) as { quantity: number }
    const result = await repository.reserve(ctx.state.ctx, sku, quantity)
    if (result.kind === 'unknown_item') answer(ctx, 404, { error: 'There is no such item.' })
    else if (result.kind === 'sold_out') answer(ctx, 409, { error: 'Not enough of it is left.' })
    else answer(ctx, 201, { order: result.order })
  })

  const app = new Koa()
  app.use(kit({ ...internal, log, timeoutMs: 5_000 }))
  app.use(reportErrors)
  app.use(router.routes())
  return app
}

const reportErrors: Middleware = async (ctx, next) => {
  try {
    await next()
  } catch (error) {
    const { status, body } = answerTo(error)
    if (status === 500) ctx.log.error(error as Error, 'a handler failed')
    answer(ctx, status, body)
  }
}

function answer(ctx: { status: number; body: unknown }, status: number, body: object): void {
  ctx.status = status
  ctx.body = body
}
