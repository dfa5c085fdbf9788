/** The conformance app on Hono: on @hono/node-server, over both protocols, and behind a server of fetch-style handlers. */

import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { setImmediate as turn } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { background, current } from '@kit/context'
import { clientAddressKey, requestIdKey } from '@kit/http'
import type { HttpOptions } from '@kit/http'
import { toNodeListener } from '@kit/http/endpoints'
import type { ConformanceSuite, StartConformanceApp } from '@kit/http/testing'
import { adapterConformance, serveConformanceApp } from '@kit/http/testing'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { stream } from 'hono/streaming'
import type { KitVariables } from './index.ts'
import { kit } from './index.ts'

type Env = { Variables: KitVariables }

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

const failure = (): Error => new Error('meant to be')

interface Bodies {
  /** 32 MiB. */
  readonly large: () => Response
  /** What says that a body comes in chunks, where that is said. */
  readonly chunked: Record<string, string>
}

function conformanceApp(options: HttpOptions, times: number, { large, chunked }: Bodies): Hono<Env> {
  const app = new Hono<Env>()
  // With any middleware at all Hono answers later than without: after what else came with the request was parsed.
  if (times === 0) app.use((_c, next) => next())
  for (let i = 0; i < times; i += 1) app.use(kit(options))

  const item = (c: Context<Env>): Response => {
    c.get('log')?.debug('handling')
    const requestId = current().value(requestIdKey)
    const logged = c.get('log') !== undefined && c.get('ctx').value(requestIdKey) === requestId
    return c.json({ id: c.req.param('id'), requestId, address: current().value(clientAddressKey), logged })
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
    return c.body(body, current().err === undefined && current() === (c.var.ctx ?? background) ? 200 : 500)
  })
  app.get('/plain', (c) => c.text('plain'))
  app.get('/guarded/:id', (c) => c.text('not you', 401), item)
  app.get('/fall/:id', (_c, next) => next())
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
  app.get('/events', (c) => {
    // Not streamSSE, which names a transfer encoding: HTTP/2 has none.
    c.header('content-type', 'text/event-stream')
    return stream(c, async (events) => {
      await events.write('data: first\n\n')
      await new Promise((resolve) => c.var.ctx.afterFunc(resolve))
    })
  })
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
    return new Response(body, { headers: chunked })
  })
  app.get('/large', large)
  app.get('/redirect', (c) => c.redirect('/items/1'))
  return app
}

const chunked = { 'transfer-encoding': 'chunked' }
const atOnce = (): Response => new Response(new Uint8Array(2 ** 25))

const onNodeServer: StartConformanceApp = (options, times) => {
  const app = conformanceApp(options, times, { large: atOnce, chunked })
  return serveConformanceApp(createServer(getRequestListener(app.fetch) as RequestListener))
}

const onNodeHttp2Server: StartConformanceApp = (options, times) => {
  const app = conformanceApp(options, times, { large: atOnce, chunked: {} })
  return serveConformanceApp(createHttp2Server(getRequestListener(app.fetch) as RequestListener as never))
}

const onFetch: StartConformanceApp = (options, times) => {
  const app = conformanceApp(options, times, { large: () => new Response(chunks()), chunked })
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

/** Servers refuse what they cannot make a URL of before they ask the app; app.test.ts has what remains. */
function reachesOnNodeServer({ url = '', headers: { host = '' } }: IncomingMessage): boolean {
  return host !== '' && isUrl(host, url)
}

function reachesOnFetch({ url = '', method, headers: { host }, rawHeaders }: IncomingMessage): boolean {
  // The parser of Node 20.19 lets names through that are none.
  if (rawHeaders.some((name, i) => i % 2 === 0 && !/^[\w!#$%&'*+.^`|~-]+$/.test(name))) return false
  return method !== 'TRACE' && isUrl(host || 'localhost', url)
}

function isUrl(host: string, url: string): boolean {
  return !/[\s/@]/.test(host) && URL.canParse(url.startsWith('/') ? `http://${host}${url}` : url)
}

const connectionless = 'A Request does not tell the address at the other end of its connection.'
const notApplicable = {
  Upgrades: 'A handler cannot reach the connection; its server upgrades it.',
  'takes the address of the connection for that of the client, whatever a client says was forwarded':
    connectionless,
  'believes what was forwarded as far as hops are trusted, from the right': connectionless,
  'counts pipelined requests whose client leaves before their turn, and cancels them':
    'A server that reads the bodies of pipelined requests before their turn may still hold them.',
  'records the size of a request that came in chunks':
    'Whoever reads the body of a Request knows its size, and nobody else.',
}

export const suites: readonly ConformanceSuite[] = [
  {
    adapter: 'Hono 4 on @hono/node-server',
    cases: adapterConformance(onNodeServer, { reaches: reachesOnNodeServer }),
  },
  {
    adapter: 'Hono 4 on @hono/node-server over HTTP/2',
    cases: adapterConformance(onNodeHttp2Server, { protocol: 'HTTP/2' }),
  },
  {
    adapter: 'Hono 4 on fetch',
    cases: adapterConformance(onFetch, { reaches: reachesOnFetch, notApplicable }),
  },
]
