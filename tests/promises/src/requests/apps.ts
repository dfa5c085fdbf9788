/**
 * One small service for each adapter, as its users would write it, with the same routes everywhere:
 *
 * - `/whole/:id` answers at once, `/streamed/:id` in two parts, `/failed/:id` with a 500;
 * - `/unanswered/:id` never answers, `/begun/:id` sends a part and no more: both go on until their context ends;
 * - `/large/:id` sends 8 MiB, `/read/:id` answers when it has read the body of the request.
 */

import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { Http2Server, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Server } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { getRequestListener } from '@hono/node-server'
import { current } from '@kit/context'
import type { Context } from '@kit/context'
import { kit as kitExpress } from '@kit/express'
import { kit as kitFastify } from '@kit/fastify'
import { kit as kitHono } from '@kit/hono'
import type { HttpOptions } from '@kit/http'
import { observeFetch } from '@kit/http/fetch'
import { observeListener } from '@kit/http/node'
import { kit as kitKoa } from '@kit/koa'
import { Router } from '@koa/router'
import express from 'express'
import { fastify } from 'fastify'
import type { FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'

/** A server of the protocol that it was asked for; it does not listen yet. */
export type AppServer = Server | Http2Server

/** An adapter, the protocols that its framework speaks on Node, and how a service with it comes to be. */
export interface App {
  readonly name: string
  readonly protocols: readonly Protocol[]
  make(protocol: Protocol, options?: HttpOptions): Promise<AppServer>
}

export type Protocol = 'HTTP/1' | 'HTTP/2'

/** All adapters. */
export const apps: readonly App[] = [
  { name: 'Express', protocols: ['HTTP/1'], make: async (_, options) => createServer(expressApp(options)) },
  { name: 'Koa', protocols: ['HTTP/1', 'HTTP/2'], make: async (protocol, o) => serve(protocol, koaApp(o)) },
  { name: 'Fastify', protocols: ['HTTP/1', 'HTTP/2'], make: fastifyServer },
  { name: 'Hono', protocols: ['HTTP/1', 'HTTP/2'], make: async (protocol, o) => serve(protocol, honoApp(o)) },
  { name: 'node:http', protocols: ['HTTP/1'], make: async (protocol, o) => serve(protocol, nodeApp(o)) },
  { name: 'node:http2', protocols: ['HTTP/2'], make: async (protocol, o) => serve(protocol, nodeApp(o)) },
  {
    name: 'fetch',
    protocols: ['HTTP/1', 'HTTP/2'],
    make: async (protocol, o) => serve(protocol, fetchApp(o)),
  },
]

/** All that `/large/:id` sends. */
export const largeBytes: number = 8 * 2 ** 20

const part = Buffer.alloc(64 * 1024, 'x')

function serve(protocol: Protocol, listener: RequestListener): AppServer {
  if (protocol === 'HTTP/1') return createServer(listener)
  return createHttp2Server(listener as unknown as (req: Http2ServerRequest, res: Http2ServerResponse) => void)
}

function expressApp(options?: HttpOptions): RequestListener {
  const app = express()
  app.set('env', 'test') // or it prints the errors
  app.use(kitExpress(options))
  app.get('/whole/:id', (req, res) => void res.json(item(req.params.id)))
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

function koaApp(options?: HttpOptions): RequestListener {
  const app = new Koa()
  app.silent = true
  app.use(kitKoa(options))
  const router = new Router()
  router.get('/whole/:id', (ctx) => void (ctx.body = item(ctx.params['id'] ?? '')))
  router.get('/streamed/:id', (ctx) => void (ctx.body = Readable.from(['one', 'two'])))
  router.get('/failed/:id', () => {
    throw failure()
  })
  router.get('/unanswered/:id', async () => ended(current()))
  router.get('/begun/:id', (ctx) => void (ctx.body = Readable.from(begun(current()))))
  router.get('/large/:id', (ctx) => void (ctx.body = Readable.from(parts())))
  router.post('/read/:id', async (ctx) => void (ctx.body = await lengthOf(ctx.req)))
  app.use(router.routes())
  return app.callback() as RequestListener
}

async function fastifyServer(protocol: Protocol, options?: HttpOptions): Promise<AppServer> {
  const app: FastifyInstance =
    protocol === 'HTTP/1' ? fastify() : (fastify({ http2: true }) as unknown as FastifyInstance)
  await app.register(kitFastify, options ?? {})
  app.get<{ Params: { id: string } }>('/whole/:id', async (request) => item(request.params.id))
  app.get('/streamed/:id', (_request, reply) => reply.send(Readable.from(['one', 'two'])))
  app.get('/failed/:id', async () => {
    throw failure()
  })
  app.get('/unanswered/:id', async () => ended(current()))
  app.get('/begun/:id', (_request, reply) => reply.send(Readable.from(begun(current()))))
  app.get('/large/:id', (_request, reply) => reply.send(Readable.from(parts())))
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  app.post('/read/:id', async (request) => lengthOf(request.body as Readable))
  await app.ready()
  return app.server
}

function honoApp(options?: HttpOptions): RequestListener {
  const app = new Hono()
  app.use(kitHono(options))
  app.onError((_error, c) => c.text('failed', 500)) // its own one prints the errors
  app.get('/whole/:id', (c) => c.json(item(c.req.param('id'))))
  app.get('/streamed/:id', () => new Response(stream(['one', 'two'])))
  app.get('/failed/:id', () => {
    throw failure()
  })
  app.get('/unanswered/:id', async (c) => {
    await ended(current())
    return c.text('too late')
  })
  app.get('/begun/:id', () => new Response(stream(begun(current()))))
  app.get('/large/:id', () => new Response(stream(parts())))
  app.post('/read/:id', async (c) => c.json((await c.req.arrayBuffer()).byteLength))
  return getRequestListener(app.fetch) as RequestListener
}

function fetchApp(options?: HttpOptions): RequestListener {
  const handler = async (request: Request): Promise<Response> => {
    const [, kind, id = ''] = new URL(request.url).pathname.split('/')
    if (kind === 'whole') return Response.json(item(id))
    if (kind === 'streamed') return new Response(stream(['one', 'two']))
    if (kind === 'failed') return new Response('failed', { status: 500 })
    if (kind === 'begun') return new Response(stream(begun(current())))
    if (kind === 'large') return new Response(stream(parts()))
    if (kind === 'read') return Response.json((await request.arrayBuffer()).byteLength)
    if (kind === 'unanswered') await ended(current())
    return new Response('no such thing', { status: 404 })
  }
  const route = (request: Request): string | undefined => templateOf(new URL(request.url).pathname)
  return getRequestListener(observeFetch(handler, { ...options, route })) as RequestListener
}

function nodeApp(options?: HttpOptions): RequestListener {
  const listener = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const [, kind, id = ''] = (req.url ?? '').split('/')
    if (kind === 'whole') {
      res.setHeader('content-type', 'application/json')
      res.end(JSON.stringify(item(id)))
    } else if (kind === 'streamed') {
      res.write('one')
      res.end('two')
    } else if (kind === 'failed') {
      res.statusCode = 500
      res.end('failed')
    } else if (kind === 'unanswered') {
      await ended(current())
    } else if (kind === 'begun') {
      res.write('one')
      await ended(current())
    } else if (kind === 'large') {
      await pipeline(Readable.from(parts()), res).catch(nothing)
    } else if (kind === 'read') {
      const length = await lengthOf(req).catch(nothing)
      res.end(String(length))
    } else {
      res.statusCode = 404
      res.end()
    }
  }
  const route = (req: { url?: string | undefined }): string | undefined => templateOf(req.url ?? '')
  return observeListener(listener, { ...options, route })
}

function templateOf(path: string): string | undefined {
  const kind = /^\/(whole|streamed|failed|unanswered|begun|large|read)\//.exec(path)?.[1]
  return kind === undefined ? undefined : `/${kind}/:id`
}

function item(id: string): object {
  return { id, name: 'a thing', tags: ['new', 'blue'], stock: { berlin: 3, lyon: 0 } }
}

function failure(): Error {
  return new Error('meant to be')
}

/** Resolves when the context has ended. */
function ended(ctx: Context): Promise<void> {
  return new Promise((resolve) => ctx.afterFunc(() => resolve()))
}

async function* begun(ctx: Context): AsyncGenerator<string> {
  yield 'one'
  await ended(ctx)
}

async function* parts(): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < largeBytes; sent += part.length) yield part
}

function stream(of: Iterable<string> | AsyncIterable<string | Buffer>): ReadableStream<Uint8Array> {
  const read = Symbol.asyncIterator in of ? of[Symbol.asyncIterator]() : of[Symbol.iterator]()
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await read.next()
      if (done === true) controller.close()
      else controller.enqueue(typeof value === 'string' ? Buffer.from(value) : value)
    },
  })
}

async function lengthOf(body: Readable): Promise<number> {
  let length = 0
  for await (const chunk of body) length += (chunk as Buffer).length
  return length
}

function nothing(): undefined {
  return undefined
}
