/** The shop's public side: checks what strangers send, and asks the inventory within a deadline. */

import type { ErrorRequestHandler, Express, Request, Response } from 'express'
import express from 'express'
import { sleep } from '@kit/context'
import { kit } from '@kit/express'
import type { Logger } from '@kit/log'
import { answerTo } from '../errors.ts'
import type { InventoryClient } from './inventory-client.ts'

/** What a shopper waits for, at most. Searches for rare words take longer and are given up. */
const timeoutMs = 250

const skuForm = /^SKU-\d{5}$/
const wordForm = /^[a-z]{2,20}$/

/** Builds the application. */
export function gatewayApp(inventory: InventoryClient, log: Logger): Express {
  const app = express()
  app.disable('x-powered-by')
  app.use(['/watch', '/export'], kit({ log, timeoutMs: 60_000 }))
  app.use(kit({ log, timeoutMs }))

  app.get('/items/:sku', async (req, res) => {
    if (!skuForm.test(req.params.sku)) return void refuse(res, 'A SKU looks like SKU-00042.')
    req.log.debug({ sku: req.params.sku }, 'asks the inventory for an item')
    res.json(await inventory.findItem(req.ctx, req.params.sku))
  })

  app.get('/search', async (req, res) => {
    const word = req.query['q']
    if (typeof word !== 'string' || !wordForm.test(word))
      return void refuse(res, 'Search for one word: ?q=steel.')
    req.log.debug({ word, remainingMs: Math.round(req.ctx.remaining) }, 'asks the inventory to search')
    res.json(await inventory.search(req.ctx, word))
  })

  app.post('/orders', express.json({ limit: '10kb' }), async (req: Request, res) => {
    const { sku, quantity } = (req.body ?? {}) as { sku?: unknown; quantity?: unknown }
    if (typeof sku !== 'string' || !skuForm.test(sku))
      return void refuse(res, 'sku must look like SKU-00042.')
    if (!Number.isInteger(quantity) || (quantity as number) < 1)
      return void refuse(res, 'quantity must be 1 or more.')
    res.status(201).json(await inventory.reserve(req.ctx, sku, quantity as number))
  })

  // Answers once there is more of an item than there was. Nobody restocks in this shop, so every shopper gives up.
  app.get('/watch/:sku', async (req, res) => {
    const { stock } = await inventory.findItem(req.ctx, req.params.sku)
    for (;;) {
      await sleep(req.ctx, 500)
      const item = await inventory.findItem(req.ctx, req.params.sku)
      if (item.stock > stock) return void res.json(item)
    }
  })

  // The catalogue as lines of JSON, a page at a time, at the pace of a slow reader.
  app.get('/export', async (req, res) => {
    res.type('application/x-ndjson')
    for (let page = 0; page < 50; page += 1) {
      const items = await inventory.listItems(req.ctx, page * 100, 100)
      res.write(items.map((item) => `${JSON.stringify(item)}\n`).join(''))
      await sleep(req.ctx, 100)
    }
    res.end()
  })

  app.use(reportErrors)
  return app
}

const reportErrors: ErrorRequestHandler = (error, req, res, next) => {
  const { status, body } = answerTo(error)
  if (res.headersSent) return void (status === 503 ? res.destroy() : next(error))
  if (status === 500) req.log.error(error as Error, 'a handler failed')
  res.status(status).json(body)
}

function refuse(res: Response, error: string): void {
  res.status(400).json({ error })
}
