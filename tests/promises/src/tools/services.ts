/** One small service on every framework that kit has an adapter for, observed by it, on a port of its own. */

import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { kit as expressKit } from '@kit/express'
import { kit as fastifyKit } from '@kit/fastify'
import { kit as honoKit } from '@kit/hono'
import type { HttpOptions } from '@kit/http'
import { toNodeListener } from '@kit/http/endpoints'
import { observeFetch } from '@kit/http/fetch'
import { observeListener } from '@kit/http/node'
import { kit as koaKit } from '@kit/koa'
import { getRequestListener } from '@hono/node-server'
import { Router } from '@koa/router'
import express from 'express'
import type { NextFunction, Request as ExpressRequest, Response as ExpressResponse } from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'

/** A service that listens on 127.0.0.1. */
export interface Service {
  readonly server: Server
  readonly port: number
  readonly url: string
  close(): Promise<void>
}

/**
 * What `GET /items/:id` answers, called in the context of the request: the value is sent as JSON, and what it throws is
 * the framework's to handle. `headers` are those of the request, by lower-case name.
 */
export type Handle = (headers: Readonly<Record<string, unknown>>) => unknown

/**
 * Starts the service, without kit if there are no options. `POST /echo` answers with the text that it was sent. `handed` is
 * called for each request that the framework hands to what is mounted first.
 */
type StartService = (options: HttpOptions | undefined, handle: Handle, handed: () => void) => Promise<Service>

/** The frameworks. Errors are answered with a bare 500. */
const services: Readonly<Record<string, StartService>> = {
  'node:http': (options, handle, handed) => {
    const listener = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
      if (req.url?.startsWith('/items/') === true) {
        const answer = JSON.stringify((await handle(req.headers)) ?? null)
        res.setHeader('content-type', 'application/json').end(answer)
      } else if (req.url === '/echo') res.end(await text(req))
      else res.writeHead(404).end()
    }
    const route = ({ url = '' }: { url?: string | undefined }): string | undefined =>
      url.startsWith('/items/') ? '/items/:id' : url === '/echo' ? url : undefined
    const observed = (
      options === undefined ? listener : observeListener(listener as never, { ...options, route })
    ) as (...args: unknown[]) => unknown
    // Who writes listeners that fail has to catch what they throw; kit has seen it by then.
    return listen(
      createServer((req, res) => {
        handed()
        void Promise.resolve(observed(req, res)).catch(() => {})
      }),
    )
  },
  fetch: (options, handle, handed) => {
    const handler = async (request: Request): Promise<Response> => {
      const { pathname } = new URL(request.url)
      if (pathname.startsWith('/items/'))
        return Response.json((await handle(Object.fromEntries(request.headers))) ?? null)
      if (pathname === '/echo') return new Response(await request.text())
      return new Response(null, { status: 404 })
    }
    const route = (request: Request): string | undefined =>
      new URL(request.url).pathname.startsWith('/items/') ? '/items/:id' : undefined
    const observed = options === undefined ? handler : observeFetch(handler, { ...options, route })
    return listen(
      createServer(
        toNodeListener((request) => {
          handed()
          return observed(request)
        }),
      ),
    )
  },
  Express: (options, handle, handed) => {
    const app = express()
    app.use((_req: ExpressRequest, _res: ExpressResponse, next: NextFunction) => {
      handed()
      next()
    })
    if (options !== undefined) app.use(expressKit(options))
    app.get('/items/:id', async (req, res) => {
      res.json((await handle(req.headers)) ?? null)
    })
    app.post('/echo', async (req, res) => {
      res.type('text').send(await text(req))
    })
    app.use((_error: unknown, _req: ExpressRequest, res: ExpressResponse, _next: NextFunction) => {
      if (res.headersSent) res.destroy()
      else res.status(500).end()
    })
    return listen(createServer(app))
  },
  Koa: (options, handle, handed) => {
    const app = new Koa()
    app.on('error', () => {})
    if (options !== undefined) app.use(koaKit(options))
    const router = new Router()
    router.get('/items/:id', async (ctx) => {
      ctx.body = JSON.stringify((await handle(ctx.headers)) ?? null)
    })
    router.post('/echo', async (ctx) => {
      ctx.body = await text(ctx.req)
    })
    app.use(router.routes())
    const callback = app.callback()
    return listen(
      createServer((req, res) => {
        handed()
        void callback(req, res)
      }),
    )
  },
  Fastify: async (options, handle, handed) => {
    const app = fastify()
    app.setErrorHandler(async (_error, _request, reply) => reply.status(500).send())
    app.addHook('onRequest', (_request, _reply, done) => {
      handed()
      done()
    })
    if (options !== undefined) await app.register(fastifyKit, options)
    app.get('/items/:id', async (request, reply) => {
      void reply.type('application/json')
      return JSON.stringify((await handle(request.headers)) ?? null)
    })
    app.post('/echo', (request) => String(request.body))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return serviceOf(app.server, () => app.close())
  },
  Hono: (options, handle, handed) => {
    const app = new Hono()
    if (options !== undefined) app.use(honoKit(options))
    app.get('/items/:id', async (c) => c.text(JSON.stringify((await handle(c.req.header())) ?? null)))
    app.post('/echo', async (c) => c.text(await c.req.text()))
    app.onError((_error, c) => c.body(null, 500))
    return listen(
      createServer(
        fetchListener((request) => {
          handed()
          return app.fetch(request)
        }),
      ),
    )
  },
}

/** The names of all frameworks. */
export const frameworks: readonly string[] = Object.keys(services)

/** How a service is started. */
export interface Settings {
  /** Of kit; without any the service runs without kit. */
  readonly options?: HttpOptions
  readonly handle: Handle
  /**
   * Called for each request that the framework hands to what is mounted first. Some are answered before that: by
   * Express and Fastify those whose target is no URL, by the servers of fetch-style handlers those of which no `Request` can be made.
   */
  readonly handed?: () => void
}

/** Runs `visit` with a service on each framework, one after the other, and closes it whatever happens. */
export async function onEveryFramework(
  settings: (framework: string) => Settings,
  visit: (service: Service, framework: string) => Promise<void>,
): Promise<void> {
  for (const framework of frameworks) {
    const { options, handle, handed = () => {} } = settings(framework)
    const service = await services[framework]!(options, handle, handed)
    try {
      await visit(service, framework)
    } finally {
      await service.close()
    }
  }
}

function fetchListener(fetch: (request: Request) => Response | Promise<Response>): RequestListener {
  // What no `Request` can be made of, and handlers that fail, are answered without a word.
  const errorHandler = (): Response => new Response(null, { status: 400 })
  const listener = getRequestListener(fetch, { overrideGlobalObjects: false, errorHandler })
  return (req, res) => void listener(req, res)
}

async function listen(server: Server): Promise<Service> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return serviceOf(server, async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
}

function serviceOf(server: Server, close: () => Promise<unknown>): Service {
  const { port } = server.address() as AddressInfo
  return {
    server,
    port,
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      await close()
    },
  }
}
