/** The conformance app on both majors of Express. */

import { createRequire } from 'node:module'
import { createServer } from 'node:http'
import { current } from '@kit/context'
import { clientAddressKey, requestIdKey } from '@kit/http'
import type { ConformanceSuite, StartConformanceApp } from '@kit/http/testing'
import { adapterConformance, serveConformanceApp } from '@kit/http/testing'
import type { NextFunction, Request, Response } from 'express'
import express5 from 'express'
import { kit } from './express.ts'

// Express 4 has the same shape for all that is used here, so the types of 5 serve both.
const express4 = createRequire(import.meta.url)('express4') as typeof express5

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

/** Express shows the stack of an error to the client, and this one has none. */
function failure(): Error {
  return Object.assign(new Error('meant to be'), { stack: '' })
}

/** Express 4 does not look at what a handler returns. */
function passErrors(handler: (req: Request, res: Response) => Promise<unknown>) {
  return (req: Request, res: Response, next: NextFunction) => void handler(req, res).catch(next)
}

function conformanceApp(express: typeof express5): StartConformanceApp {
  return (options, times) => {
    const app = express()
    app.set('env', 'test') // no stack traces of the errors that are meant to be
    for (let i = 0; i < times; i += 1) app.use(kit(options))

    const item = (req: Request, res: Response): void => {
      req.log?.debug('handling')
      const requestId = current().value(requestIdKey)
      res.json({
        id: req.params['id'],
        requestId,
        address: current().value(clientAddressKey),
        logged: req.log !== undefined && req.ctx.value(requestIdKey) === requestId,
      })
    }
    const orgs = express.Router({ mergeParams: true })
    orgs.get('/users/:id', item)
    orgs.get('/boom', () => {
      throw failure()
    })
    app.get('/items/:id', item)
    app.use('/orgs/:org', orgs)
    app.post(
      '/echo',
      express.text({ limit: '1mb' }),
      passErrors(async (req, res) => {
        await new Promise((resolve) => setImmediate(resolve))
        res.status(current().err === undefined ? 200 : 500).send(req.body ?? '')
      }),
    )
    app.get('/plain', (_req, res) => res.type('text').send('plain'))
    app.get('/guarded/:id', (_req, res) => void res.status(401).send('not you'), item)
    app.get('/fall/:id', (_req, _res, next) => next())
    app.get('/sync-error', () => {
      throw failure()
    })
    app.get(
      '/async-error',
      passErrors(async () => {
        await Promise.resolve()
        throw failure()
      }),
    )
    app.get(
      '/wait',
      passErrors(async (req) => {
        await new Promise((resolve) => req.ctx.afterFunc(resolve))
        req.ctx.throwIfDone()
      }),
    )
    app.get('/late', (req, res) => {
      req.ctx.afterFunc(() => res.set('x-late', 'yes').send('late'))
    })
    app.get('/stream', (req, res) => {
      res.write('first')
      req.ctx.afterFunc(() => res.end())
    })
    app.get('/ws/:room', (req) => void req.socket.write(switching))
    app.get('/events', (req, res) => {
      res.type('text/event-stream').write('data: first\n\n')
      req.ctx.afterFunc(() => res.end())
    })
    app.get(
      '/broken',
      passErrors(async (_req, res) => {
        res.write('first')
        await new Promise((resolve) => setImmediate(resolve))
        throw failure()
      }),
    )
    app.get('/large', (_req, res) => res.send(Buffer.alloc(2 ** 25)))
    app.get('/redirect', (_req, res) => res.redirect('/items/1'))
    return serveConformanceApp(createServer(app))
  }
}

export const suites: readonly ConformanceSuite[] = [
  { adapter: 'Express 4', cases: adapterConformance(conformanceApp(express4)) },
  { adapter: 'Express 5', cases: adapterConformance(conformanceApp(express5)) },
]
