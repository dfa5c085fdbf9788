/** A service with Express. */

import type { RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { current } from '@kit/context'
import { kit as kitExpress } from '@kit/express'
import type { HttpOptions } from '@kit/http'
import express from 'express'
import { ended, failure, heavy, item, lengthOf, nothing, parts } from './handlers.ts'

/** The service. */
export function expressApp(options?: HttpOptions): RequestListener {
  const app = express()
  app.set('env', 'test') // or it prints the errors
  app.use(kitExpress(options))
  app.get('/whole/:id', (req, res) => void res.json(item(req.params.id)))
  app.get('/heavy/:id', (_req, res) => void res.send(heavy))
  app.get('/streamed/:id', (_req, res) => {
    res.write('one')
    res.end('two')
  })
  app.get('/failed/:id', () => {
    throw failure()
  })
  app.get('/unanswered/:id', async () => ended(current()))
  app.get('/begun/:id', async (_req, res) => {
    res.write('one')
    await ended(current())
  })
  app.get('/large/:id', (_req, res) => void pipeline(Readable.from(parts()), res).catch(nothing))
  app.post('/read/:id', async (req, res) => {
    res.json(await lengthOf(req))
  })
  return app as RequestListener
}
