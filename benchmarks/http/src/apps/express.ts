/* Express 5 with the routes that are asked for, behind whatever is to be measured. */
import { createRequire } from 'node:module'
import type { RequestHandler } from 'express'
import type Express from 'express'
import type { Application } from './application.ts'

/** The application. `middleware` is mounted first. */
export function expressApp(middleware: readonly RequestHandler[]): Application {
  // Required and not imported: what patches modules while they load has been set up by now.
  const express = createRequire(import.meta.url)('express') as typeof Express
  const app = express()
  for (const one of middleware) app.use(one)
  app.get('/hello', (_req, res) => {
    res.send('hello')
  })
  app.get('/orgs/:org/users/:user/items/:item', (req, res) => {
    const { org, user, item } = req.params
    res.json({ org, user, item, price: 1299, tags: ['new', 'blue'], stock: { berlin: 3, lyon: 0 } })
  })
  return app
}
