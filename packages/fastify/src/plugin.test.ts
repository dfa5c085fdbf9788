import { createServer, ServerResponse } from 'node:http'
import type { Server } from 'node:http'
import type { ClientHttp2Session, Http2Server } from 'node:http2'
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { current } from '@kit/context'
import { requestIdKey } from '@kit/http'
import type { HttpOptions } from '@kit/http'
import { observeListener } from '@kit/http/node'
import { createLogger } from '@kit/log'
import type { MemoryDestination } from '@kit/log/testing'
import { expectLog, memoryDestination } from '@kit/log/testing'
import type { Metrics } from '@kit/metrics'
import { createMetrics } from '@kit/metrics'
import type { FastifyBaseLogger, FastifyInstance, FastifyServerOptions } from 'fastify'
import Fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { kit } from './index.ts'

// A machine that does other work too takes its time.
const patience = { timeout: 20_000 }

let metrics: Metrics
let destination: MemoryDestination
let options: HttpOptions
const apps: FastifyInstance[] = []

beforeEach(() => {
  metrics = createMetrics()
  destination = memoryDestination()
  options = { metrics, log: createLogger({ level: 'debug', format: 'json', destination }) }
})
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

/** An app that is closed after the test, with kit mounted unless `bare`. */
async function observed(server: FastifyServerOptions = {}, more: HttpOptions = {}): Promise<FastifyInstance> {
  const app = bare(server)
  await app.register(kit, { ...options, ...more })
  return app
}

function bare(server: FastifyServerOptions = {}): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true, ...server })
  apps.push(app)
  return app
}

/** What was counted, as `count method route status error`, once it was counted. */
async function counted(requests: number): Promise<string[]> {
  const seen = (): [number, string][] =>
    metrics.snapshot().metrics.flatMap((metric) => {
      if (metric.kind !== 'histogram' || metric.name !== 'http.server.request.duration') return []
      return metric.series.map(({ labels, count }): [number, string] => {
        const names = ['http.request.method', 'http.route', 'http.response.status_code', 'error.type']
        return [count, [count, ...names.map((name) => labels[name] || '-')].join(' ')]
      })
    })
  await expect.poll(() => seen().reduce((sum, [count]) => sum + count, 0), patience).toBe(requests)
  return seen().map(([, text]) => text)
}

function lines(): Readonly<Record<string, unknown>>[] {
  return destination.records.filter(({ msg }) => msg === 'request')
}

describe('routes', () => {
  it('reaches plugins however deep, with their prefixes', async () => {
    const app = await observed()
    await app.register(
      async (api) => {
        await api.register(async (users) => void users.get('/:id', () => 'ok'), { prefix: '/users/:kind' })
      },
      { prefix: '/v1' },
    )
    expect((await app.inject('/v1/users/users/7')).body).toBe('ok')
    expect(await counted(1)).toEqual(['1 GET /v1/users/:kind/:id 200 -'])
  })

  it('keeps the route of a handler that answers as if there were none, and says nothing of queries', async () => {
    const app = await observed()
    app.get('/items/:id', (_request, reply) => reply.callNotFound())
    expect((await app.inject('/items/1?q=private')).statusCode).toBe(404)
    expect((await app.inject('/nowhere?q=private')).statusCode).toBe(404)
    expect(await counted(2)).toEqual(['1 GET /items/:id 404 -', '1 GET - 404 -'])
    expect(destination.lines.join('')).not.toContain('private')
  })

  it('has none for a not-found handler of the application', async () => {
    const app = await observed()
    app.setNotFoundHandler((request, reply) => {
      request.log.info('lost')
      void reply.code(410).send('gone')
    })
    await app.inject('/a/b')
    expect(await counted(1)).toEqual(['1 GET - 410 -'])
    expectLog(destination, { msg: 'lost', requestId: lines()[0]?.['requestId'] })
  })

  it('counts with its route what was refused before the handler: media type, size, schema, guard', async () => {
    const app = await observed({ bodyLimit: 10 })
    const schema = { body: { type: 'object', required: ['name'] } }
    app.post('/things/:id', { schema }, () => 'never')
    app.get('/guarded', { onRequest: async (_request, reply) => reply.code(401).send('no') }, () => 'never')
    const post = (payload: string, type = 'application/json'): Promise<unknown> =>
      app.inject({ method: 'POST', url: '/things/1', payload, headers: { 'content-type': type } })
    await post('<a/>', 'text/xml')
    await post(JSON.stringify('x'.repeat(20)))
    await post('{}')
    await app.inject('/guarded')
    expect(await counted(4)).toEqual([
      '1 POST /things/:id 415 -',
      '1 POST /things/:id 413 -',
      '1 POST /things/:id 400 -',
      '1 GET /guarded 401 -',
    ])
  })
})

describe('scopes', () => {
  it('observes only the plugin that it is registered in, each with its own deadline', async () => {
    const app = bare()
    const wait = async (): Promise<string> =>
      new Promise((resolve) => current().afterFunc(() => resolve('late')))
    await app.register(async (reports) => {
      await reports.register(kit, { ...options, timeoutMs: 20 })
      reports.get('/reports', wait)
    })
    await app.register(async (api) => {
      await api.register(kit, options)
      api.get('/orders', async ({ ctx }) => String(ctx.remaining))
    })
    app.get('/health', async (request) => String((request as { ctx?: unknown }).ctx))
    expect((await app.inject('/reports')).statusCode).toBe(503)
    expect((await app.inject('/orders')).body).toBe('Infinity')
    expect((await app.inject('/health')).body).toBe('undefined')
    expect(await counted(2)).toEqual(['1 GET /reports 503 deadline_exceeded', '1 GET /orders 200 -'])
  })

  it('reports mistakes when it is registered: its options, and a name that is taken', async () => {
    const wrong = { ...options, timeoutMS: 5 }
    await expect(bare().register(kit, wrong)).rejects.toMatchObject({ code: 'KIT_HTTP_OPTION_UNKNOWN' })
    const taken = bare()
    taken.decorateRequest('ctx')
    await expect(taken.register(kit, options)).rejects.toMatchObject({ code: 'FST_ERR_DEC_ALREADY_PRESENT' })
  })

  it('is in every hook and handler the context of the request', async () => {
    const app = await observed()
    const seen = new Set<unknown>()
    const look = async (): Promise<void> => void seen.add(current().value(requestIdKey))
    for (const hook of ['onRequest', 'preValidation', 'preHandler'] as const) app.addHook(hook, look)
    app.addHook('preParsing', look)
    app.addHook('preSerialization', look)
    app.addHook('onSend', look)
    app.post('/', async (request) => {
      await look()
      return { id: request.ctx.value(requestIdKey) }
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{"a":1}', headers })
    const { id } = (await response.json()) as { id: string }
    expect([...seen]).toEqual([id])
    expect(response.headers.get('x-request-id')).toBe(id)
  })
})

describe('ends', () => {
  it('knows why a request failed, and blames no 4xx on the service', async () => {
    const app = await observed()
    app.get('/thrown', () => {
      throw new Error('no rows')
    })
    app.get('/refused', () => {
      throw Object.assign(new Error('not yours'), { statusCode: 403 })
    })
    app.get('/coded', async (_request, reply) => {
      void reply.code(422)
      throw new Error('no such unit')
    })
    app.get('/mapped', { errorHandler: (_error, _request, reply) => void reply.code(502).send() }, () => {
      throw new Error('upstream')
    })
    for (const path of ['/thrown', '/refused', '/coded', '/mapped']) await app.inject(path)
    await counted(4)
    expect(
      lines().map(({ status, level, err }) => [status, level, (err as Error | undefined)?.message]),
    ).toEqual([
      [500, 'error', 'no rows'],
      [403, 'info', undefined],
      [422, 'info', undefined],
      [502, 'error', 'upstream'],
    ])
  })

  it('knows the error of a 5xx also when it asked for a 4xx', async () => {
    const app = await observed()
    app.setErrorHandler((_error, _request, reply) => reply.code(503).send('later'))
    app.get('/', () => {
      throw Object.assign(new Error('upstream'), { statusCode: 404 })
    })
    expect((await app.inject('/')).statusCode).toBe(503)
    await counted(1)
    expect(lines()).toMatchObject([{ status: 503, err: { message: 'upstream' } }])
  })

  it('knows why a stream broke off, and blames no client that leaves for it', async () => {
    const app = await observed()
    app.get('/broken', (_request, reply) =>
      reply.send(
        Readable.from(
          (async function* broken() {
            yield 'first'
            await new Promise((resolve) => setImmediate(resolve))
            throw new Error('no more rows')
          })(),
        ),
      ),
    )
    const pages = (): ReadableStream => {
      let pulls = 0
      return new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setImmediate(resolve))
          pulls += 1
          if (pulls > 2) throw new Error('no more pages')
          controller.enqueue(Buffer.from('page'))
        },
      })
    }
    app.get('/web', (_request, reply) => reply.send(pages()))
    app.get('/response', (_request, reply) => reply.send(new Response(pages())))
    app.get('/frozen', (_request, reply) =>
      reply.send(Object.freeze(new ReadableStream({ start: (controller) => controller.close() }))),
    )
    app.get('/endless', (_request, reply) => reply.send(new Readable({ read: (): void => {} })))
    const url = await app.listen({ port: 0 })
    await expect((await fetch(`${url}/broken`)).text()).rejects.toThrow('terminated')
    await counted(1)
    await expect((await fetch(`${url}/web`)).text()).rejects.toThrow('terminated')
    await counted(2)
    await expect((await fetch(`${url}/response`)).text()).rejects.toThrow('terminated')
    await counted(3)
    expect(await (await fetch(`${url}/frozen`)).text()).toBe('')
    await counted(4)
    const left = connect(Number(new URL(url).port), '127.0.0.1')
    left.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((resolve) => setTimeout(resolve, 100))
    left.destroy()
    await counted(5)
    expect(lines().map(({ outcome, err }) => [outcome, (err as Error | undefined)?.message])).toEqual([
      ['error', 'no more rows'],
      ['error', 'no more pages'],
      ['error', 'no more pages'],
      ['ok', undefined],
      ['canceled', undefined],
    ])
  })

  it('follows a reply that the handler took over', async () => {
    const app = await observed()
    app.get('/raw', (_request, reply) => {
      reply.hijack()
      reply.raw.writeHead(207)
      reply.raw.write('first')
      setImmediate(() => reply.raw.end())
    })
    expect((await app.inject('/raw')).body).toBe('first')
    expect(await counted(1)).toEqual(['1 GET /raw 207 -'])
  })

  it('lets a stream that comes too late go nowhere', async () => {
    const app = await observed({}, { timeoutMs: 20 })
    const ended: string[] = []
    app.get('/late', async ({ ctx }, reply) => {
      await new Promise((resolve) => ctx.afterFunc(resolve))
      const late = Readable.from(['a', 'b']).on('close', () => ended.push('stream'))
      return reply.send(late)
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/late`)
    expect([response.status, await response.text()]).toEqual([503, 'Service Unavailable\n'])
    await expect.poll(() => ended, patience).toEqual(['stream'])
    expect(await counted(1)).toEqual(['1 GET /late 503 deadline_exceeded'])
  })

  it('writes no answer of its own into a connection that was upgraded', async () => {
    const app = await observed({}, { timeoutMs: 20 })
    const handshake = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n'
    app.get('/socket', async ({ ctx, raw }, reply) => {
      reply.hijack()
      raw.socket.write(handshake)
      ctx.afterFunc(() => raw.socket.end('late'))
    })
    // As plugins for WebSockets do it.
    app.server.on('upgrade', (req, socket) => {
      const res = new ServerResponse(req)
      res.assignSocket(socket as Socket)
      app.routing(req, res)
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const head = 'GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'
    expect(await exchange(port, head)).toBe(`${handshake}late`)
    await expect.poll(() => lines().length, patience).toBe(1)
    expect(lines()[0]).toMatchObject({ stream: 'upgrade', status: 101, route: '/socket', outcome: 'ok' })
    expect(await counted(0)).toEqual([])
  })

  it('answers injected requests as it does those of the network', async () => {
    const app = await observed({}, { timeoutMs: 20, deadline: { trust: true } })
    app.get('/wait', async ({ ctx }) => new Promise((resolve) => ctx.afterFunc(() => resolve('late'))))
    expect((await app.inject('/wait')).statusCode).toBe(503)
    expect((await app.inject({ url: '/wait', headers: { 'grpc-timeout': '0m' } })).statusCode).toBe(504)
    expect(await counted(2)).toEqual([
      '1 GET /wait 503 deadline_exceeded',
      '1 GET /wait 504 deadline_exceeded',
    ])
  })

  it('counts what Fastify refuses to decode when the listener is observed too', async () => {
    const observe = (handler: Parameters<typeof createServer>[1] & {}): Server =>
      createServer(observeListener((req, res) => handler(req, res as never), options))
    const app = bare({ serverFactory: (handler) => observe(handler) })
    await app.register(kit, options)
    app.get('/items/:id', () => 'ok')
    await app.listen({ host: '127.0.0.1', port: 0 })
    const targets = ['//', '//[', 'http://[', 'http://a:99999/', '/%', '/items/%ff', '/items/1', '*']
    const { port } = app.server.address() as AddressInfo
    for (const target of targets) {
      const answer = await ask(port, target)
      expect(answer).toMatch(/^HTTP\/1\.1 (200|400|404) /)
      expect(answer).toMatch(/^x-request-id: /im)
    }
    expect(await counted(targets.length)).toEqual([
      '3 GET - 404 -',
      '4 GET - 400 -',
      '1 GET /items/:id 200 -',
    ])
  })
})

function ask(port: number, target: string): Promise<string> {
  return exchange(port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
}

/** All that comes back for `bytes`, until the server closes the connection. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('close', () => resolve(text))
    socket.write(bytes)
  })
}

describe('HTTP/2', () => {
  let client: ClientHttp2Session
  afterEach(() => client.destroy())

  /** Sends a request, hangs up at the first bytes if asked to, and resolves when the stream is closed. */
  function send(path: string, hangUp = false): Promise<number> {
    return new Promise((resolve) => {
      let status = 0
      const stream = client.request({ ':path': path })
      stream.on('response', (headers) => (status = Number(headers[':status'])))
      stream.on('error', () => {})
      stream.on('data', () => hangUp && stream.close(constants.NGHTTP2_CANCEL))
      stream.on('close', () => resolve(status))
    })
  }

  it('counts whole responses, missed deadlines, and clients that cancel', async () => {
    const app = Fastify({
      http2: true as const,
      serverFactory: (handler): Http2Server => createHttp2Server(handler),
    })
    await app.register(kit, { ...options, timeoutMs: 300 })
    app.get('/items/:id', () => 'ok')
    app.get('/wait', async ({ ctx }) => new Promise((resolve) => ctx.afterFunc(() => resolve('late'))))
    app.get('/open', (_request, reply) => {
      reply.hijack()
      reply.raw.write('first')
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    client = connectHttp2(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
    expect([await send('/items/1'), await send('/wait'), await send('/open', true)]).toEqual([200, 503, 200])
    expect(await counted(3)).toEqual([
      '1 GET /items/:id 200 -',
      '1 GET /wait 503 deadline_exceeded',
      '1 GET /open 200 client_abort',
    ])
    client.destroy()
    await app.close()
  })
})

describe('request.log', () => {
  it("is kit's logger, also where the application has one of Fastify's, which keeps what Fastify says", async () => {
    const own = memoryDestination()
    const app = await observed({ logger: { level: 'info', stream: own } })
    app.get('/items/:id', (request) => {
      request.log.info({ id: 7 }, 'reading %s', 'an item')
      throw new Error('no rows')
    })
    await app.inject('/items/7')
    await app.inject('/nowhere')
    await counted(2)
    expect(destination.records.map(({ msg }) => msg)).toEqual(['reading an item', 'request', 'request'])
    expectLog(destination, { msg: 'reading an item', id: 7, requestId: lines()[0]?.['requestId'] })
    expect(own.records.map(({ msg }) => msg)).toEqual([
      'incoming request',
      'no rows',
      'request completed',
      'incoming request',
      'Route GET:/nowhere not found',
      'request completed',
    ])
  })

  it("writes once, through kit, where Fastify's logger is kit's own", async () => {
    const log = createLogger({ level: 'debug', format: 'json', destination })
    const app = Fastify({ loggerInstance: log.named('web').pino })
    await app.register(kit, options)
    app.get('/', (request) => {
      request.log.debug('handling')
      return 'ok'
    })
    await app.inject('/')
    await app.close()
    expect(destination.records.map(({ msg }) => msg)).toEqual([
      'incoming request',
      'handling',
      'request completed',
      'request',
    ])
  })

  it('has all that the type of Fastify promises', async () => {
    const app = await observed()
    app.get('/', (request) => {
      const { log } = request
      for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const)
        log[level](level)
      log.level = 'silent'
      log.child({ part: 'a' }).child({ deep: true }).info('child')
      const own: Parameters<FastifyBaseLogger['child']>[1] = {
        level: 'error',
        serializers: { b: () => 2 },
      }
      const strict = log.child({ b: 1 }, own)
      strict.info('kept back')
      strict.error('let through')
      log.info('Route 66 not found')
      return log.level
    })
    expect((await app.inject('/')).body).toBe('debug')
    await counted(1)
    const { requestId } = lines()[0] ?? {}
    const told = destination.records.filter(({ msg }) => msg !== 'request')
    expect(told.map(({ msg }) => msg)).toEqual([
      'debug',
      'info',
      'warn',
      'error',
      'fatal',
      'child',
      'let through',
      'Route 66 not found',
    ])
    expect(new Set(told.map((line) => line['requestId']))).toEqual(new Set([requestId]))
    expectLog(destination, { msg: 'child', part: 'a', deep: true })
    expectLog(destination, { msg: 'let through', b: 2 })
  })
})
