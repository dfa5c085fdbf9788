/** The conformance app on both majors of Koa with all of its router's, and over HTTP/2. */

import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { current } from '@kit/context'
import { clientAddressKey, requestIdKey } from '@kit/http'
import type { ConformanceSuite, ConformanceTraits, StartConformanceApp } from '@kit/http/testing'
import { adapterConformance, serveConformanceApp } from '@kit/http/testing'
import { Router } from '@koa/router'
import type { RouterContext } from '@koa/router'
import Koa from 'koa'
import { kit } from './koa.ts'

// The majors have the same shape for all that is used here, so the types of the newest serve all.
const require = createRequire(import.meta.url)
const koas = { 'Koa 2': require('koa2') as typeof Koa, 'Koa 3': Koa }
const routers = {
  '@koa/router 12': require('koa-router12') as typeof Router,
  '@koa/router 13': require('koa-router13') as typeof Router,
  '@koa/router 14': require('koa-router14') as typeof Router,
  '@koa/router 15': Router,
}
const grid = Object.entries(koas).flatMap(([koa, Framework]) =>
  Object.entries(routers).map(([router, Routes]) => [`${koa}, ${router}`, Framework, Routes] as const),
)
const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function conformanceApp(
  Framework: typeof Koa,
  Routes: typeof Router,
  protocol: ConformanceTraits['protocol'] = 'HTTP/1.1',
): StartConformanceApp {
  return (options, times) => {
    const app = new Framework()
    // The errors are meant to be. One that came after the head cuts the answer off: Koa leaves that to its users.
    app.on('error', (error: { headerSent?: boolean }, ctx?: RouterContext) => {
      if (error.headerSent === true) ctx?.res.destroy()
    })
    for (let i = 0; i < times; i += 1) app.use(kit(options))

    const item = (ctx: RouterContext): void => {
      ctx.log?.debug('handling')
      const requestId = current().value(requestIdKey)
      const logged = ctx.log !== undefined && ctx.state.ctx.value(requestIdKey) === requestId
      ctx.body = { id: ctx.params['id'], requestId, address: current().value(clientAddressKey), logged }
    }
    const fail = (): never => {
      throw new Error('meant to be')
    }
    const orgs = new Routes()
    orgs.get('/users/:id', item)
    orgs.get('/boom', fail)

    const router = new Routes()
    router.get('/items/:id', item)
    router.use('/orgs/:org', orgs.routes())
    router.post('/echo', async (ctx) => {
      const body = await text(ctx.req)
      await nextTurn()
      ctx.status = current().err === undefined ? 200 : 500
      ctx.body = body
    })
    router.get('/plain', (ctx) => {
      ctx.body = 'plain'
    })
    router.get('/guarded/:id', (ctx) => ctx.throw(401), item)
    router.get('/fall/:id', (_ctx, next) => next())
    router.get('/sync-error', fail)
    router.get('/async-error', async () => {
      await Promise.resolve()
      fail()
    })
    router.get('/wait', async (ctx) => {
      await new Promise((resolve) => ctx.state.ctx.afterFunc(resolve))
      ctx.state.ctx.throwIfDone()
    })
    router.get('/late', async (ctx) => {
      await new Promise((resolve) => ctx.state.ctx.afterFunc(resolve))
      ctx.set('x-late', 'yes')
      ctx.body = 'late'
    })
    router.get('/stream', (ctx) => {
      ctx.body = Readable.from(
        (async function* parts() {
          yield 'first'
          await new Promise((resolve) => current().afterFunc(resolve))
        })(),
      )
    })
    router.get('/ws/:room', (ctx) => {
      ctx.respond = false
      ctx.socket.write(switching)
    })
    router.get('/events', (ctx) => {
      ctx.type = 'text/event-stream'
      ctx.body = Readable.from(
        (async function* parts() {
          yield 'data: first\n\n'
          await new Promise((resolve) => current().afterFunc(resolve))
        })(),
      )
    })
    router.get('/broken', (ctx) => {
      ctx.body = Readable.from(
        (async function* parts() {
          yield 'first'
          await nextTurn()
          fail()
        })(),
      )
    })
    router.get('/large', (ctx) => {
      ctx.body = Buffer.alloc(2 ** 25)
    })
    router.get('/redirect', (ctx) => ctx.redirect('/items/1'))
    app.use(router.routes())
    app.use(router.allowedMethods())
    const callback = app.callback()
    return serveConformanceApp(
      protocol === 'HTTP/2'
        ? createHttp2Server((req, res) => void callback(req, res))
        : createServer((req, res) => void callback(req, res)),
    )
  }
}

const http2 = { protocol: 'HTTP/2' } as const

export const suites: readonly ConformanceSuite[] = [
  ...grid.map(([adapter, Framework, Routes]) => ({
    adapter,
    cases: adapterConformance(conformanceApp(Framework, Routes)),
  })),
  {
    adapter: 'Koa 3 over HTTP/2',
    cases: adapterConformance(conformanceApp(Koa, Router, http2.protocol), http2),
  },
]
