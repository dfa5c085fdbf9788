import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { current } from '@kit/context'
import { requestIdKey } from '@kit/http'
import type { StartConformanceApp } from '@kit/http/testing'
import {
  adapterConformance,
  hostileConformance,
  serveConformanceApp,
  upgradeConformance,
} from '@kit/http/testing'
import { Router } from '@koa/router'
import type { RouterContext } from '@koa/router'
import Koa from 'koa'
import { describe, it } from 'vitest'
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
// Where the random cases are halved, these are too: each major is there still, and the routes are tested on all pairs.
const whole = Number(process.env['KIT_FUZZ_RUNS'] ?? 1) >= 1
const pairs = whole ? grid : grid.filter((_, index) => [0, 3, 5, 6].includes(index))

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function conformanceApp(Framework: typeof Koa, Routes: typeof Router): StartConformanceApp {
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
      ctx.body = { id: ctx.params['id'], requestId, logged }
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
      ctx.status = ctx.state.ctx.err === undefined ? 200 : 500
      ctx.body = body
    })
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
    return serveConformanceApp(createServer((req, res) => void callback(req, res)))
  }
}

describe.each(pairs)('%s', (_, Framework, Routes) => {
  it.each(adapterConformance(conformanceApp(Framework, Routes)))('$name', ({ run }) => run())
  it.each(hostileConformance(conformanceApp(Framework, Routes)))('$name', ({ run }) => run())
  it.each(upgradeConformance(conformanceApp(Framework, Routes)))('$name', ({ run }) => run())
})
