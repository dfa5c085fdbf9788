/** The inventory's HTTP interface. Only the shop's own services reach it, so it trusts what they say. */

import type { Express } from 'express'
import express from 'express'
import { kit } from '@kit/express'
import { internal } from '@kit/http'
import type { Logger } from '@kit/log'
import { reportErrors } from '../service.ts'
import type { Repository } from './repository.ts'

/** Builds the application. */
export function inventoryApp(repository: Repository, log: Logger): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use(kit({ ...internal, log, timeoutMs: 5_000 }))

  app.get('/items/:sku', async (req, res) => {
    const item = await repository.findItem(req.ctx, req.params.sku)
    req.log.debug({ sku: req.params.sku, found: item !== undefined }, 'looked an item up')
    if (item === undefined) res.status(404).json({ error: 'There is no such item.' })
    else res.json(item)
  })

  app.get('/items', async (req, res) => {
    const after = Number(req.query['after'] ?? 0)
    const limit = Number(req.query['limit'] ?? 100)
    res.json(await repository.listItems(req.ctx, after, limit))
  })

  app.get('/search', async (req, res) => {
    const word = typeof req.query['q'] === 'string' ? req.query['q'] : ''
    const items = await repository.searchItems(req.ctx, word, 20)
    req.log.debug({ word, found: items.length }, 'searched')
    res.json(items)
  })

  app.post('/items/:sku/reservations', express.json(), async (req, res) => {
    const { quantity } = req.body as { quantity: number }
    const result = await repository.reserve(req.ctx, req.params['sku'], quantity)
    if (result.kind === 'unknown_item') res.status(404).json({ error: 'There is no such item.' })
    else if (result.kind === 'sold_out') res.status(409).json({ error: 'Not enough of it is left.' })
    else res.status(201).json({ order: result.order })
  })

  app.use(reportErrors)
  return app
}
