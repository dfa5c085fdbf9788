import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { current } from '@kit/context'
import { requestIdKey } from '@kit/http'
import type { HttpOptions } from '@kit/http'
import { toNodeListener } from '@kit/http/endpoints'
import type { StartConformanceApp } from '@kit/http/testing'
import { adapterConformance, serveConformanceApp, upgradeConformance } from '@kit/http/testing'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { stream, streamSSE } from 'hono/streaming'
import { afterAll, beforeAll, describe, it, vi } from 'vitest'
import type { KitVariables } from './index.ts'
import { kit } from './index.ts'

type Env = { Variables: KitVariables }

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

const failure = (): Error => new Error('meant to be')

function conformanceApp(options: HttpOptions, times: number, large: () => Response): Hono<Env> {
  const app = new Hono<Env>()
  for (let i = 0; i < times; i += 1) app.use(kit(options))

  const item = (c: Context<Env>): Response => {
    c.get('log')?.debug('handling')
    const requestId = current().value(requestIdKey)
    const logged = c.get('log') !== undefined && c.get('ctx').value(requestIdKey) === requestId
    return c.json({ id: c.req.param('id'), requestId, logged })
  }
  const orgs = new Hono<Env>()
  orgs.get('/users/:id', item)
  orgs.get('/boom', () => {
    throw failure()
  })
  app.get('/items/:id', item)
  app.route('/orgs/:org', orgs)
  app.post('/echo', async (c) => {
    const body = await c.req.text()
    await turn()
    return c.body(body, current().err === undefined && current() === c.var.ctx ? 200 : 500)
  })
  app.get('/sync-error', () => {
    throw failure()
  })
  app.get('/async-error', async () => {
    await turn()
    throw failure()
  })
  app.get('/wait', async (c) => {
    await new Promise((resolve) => c.var.ctx.afterFunc(resolve))
    c.var.ctx.throwIfDone()
    return c.text('never')
  })
  app.get('/late', async (c) => {
    await new Promise((resolve) => c.var.ctx.afterFunc(resolve))
    c.header('x-late', 'yes')
    return c.text('late')
  })
  app.get('/stream', (c) =>
    stream(c, async (body) => {
      await body.write('first')
      await new Promise((resolve) => c.var.ctx.afterFunc(resolve))
    }),
  )
  app.get('/ws/:room', (c) => {
    ;(c.env as HttpBindings).incoming.socket.write(switching)
    return RESPONSE_ALREADY_SENT
  })
  app.get('/events', (c) =>
    streamSSE(c, async (events) => {
      await events.writeSSE({ data: 'first' })
      await new Promise((resolve) => c.var.ctx.afterFunc(resolve))
    }),
  )
  app.get('/broken', () => {
    let pulls = 0
    const body = new ReadableStream({
      async pull(controller) {
        pulls += 1
        await turn()
        if (pulls > 1) throw failure()
        controller.enqueue(Buffer.from('first'))
      },
    })
    return new Response(body, { headers: { 'transfer-encoding': 'chunked' } })
  })
  app.get('/large', large)
  app.get('/redirect', (c) => c.redirect('/items/1'))
  return app
}

// Hono's own error handler prints, and so does its server when a body fails.
beforeAll(() => {
  for (const method of ['error', 'info'] as const) vi.spyOn(console, method).mockImplementation(() => {})
})
afterAll(() => vi.restoreAllMocks())

const onNodeServer: StartConformanceApp = (options, times) => {
  const app = conformanceApp(options, times, () => new Response(new Uint8Array(2 ** 25)))
  return serveConformanceApp(createServer(getRequestListener(app.fetch) as RequestListener))
}

/** The server refuses a target that it cannot make a URL of before it asks the app; app.test.ts has what remains. */
const refusals = /^survives any request line/

describe('Hono 4 on @hono/node-server', () => {
  const cases = adapterConformance(onNodeServer).filter(({ name }) => !refusals.test(name))
  it.each(cases)('$name', ({ run }) => run())
  it.each(upgradeConformance(onNodeServer))('$name', ({ run }) => run())
})

const onFetch: StartConformanceApp = (options, times) => {
  const app = conformanceApp(options, times, () => new Response(chunks()))
  return serveConformanceApp(createServer(toNodeListener(async (request) => app.fetch(request))))
}

/** 32 MiB in chunks: of a single one, a server that reads ahead knows the end before its client has the beginning. */
function chunks(): ReadableStream {
  let left = 512
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(2 ** 16))
      if ((left -= 1) === 0) controller.close()
    },
  })
}

/** A body that was read is over here, and a server that reads those of pipelined requests may still hold them. */
const ofConnections = /^counts pipelined requests|^records the size of a request that came in chunks/

describe('Hono 4 on a server of fetch-style handlers', () => {
  const cases = adapterConformance(onFetch).filter(({ name }) => !ofConnections.test(name))
  it.each(cases)('$name', ({ run }) => run())
})
