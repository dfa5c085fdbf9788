import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2'
import type { Http2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { current } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import type { HttpOptions } from '@kit/http'
import { internal } from '@kit/http'
import { observeFetch } from '@kit/http/fetch'
import { observeListener } from '@kit/http/node'
import { serveConformanceApp } from '@kit/http/testing'
import { createLogger } from '@kit/log'
import { expectLog, memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { every } from 'hono/combine'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { stream, streamSSE } from 'hono/streaming'
import { beforeEach, describe, expect, it } from 'vitest'
import type { KitVariables } from './index.ts'
import { kit } from './index.ts'

// A machine that does other work too takes its time.
const patience = { timeout: 20_000 }

type App = Hono<{ Variables: KitVariables }>

let metrics = createMetrics()
let destination = memoryDestination()
let options: HttpOptions
beforeEach(() => {
  metrics = createMetrics()
  destination = memoryDestination()
  options = { metrics, log: createLogger({ level: 'info', format: 'json', destination }) }
})

function observed(more: HttpOptions = {}): App {
  const app: App = new Hono()
  app.use(kit({ ...options, ...more }))
  return app
}

/** What was counted, as `count method route status error`, once as many were. */
async function counted(requests: number): Promise<string[]> {
  const seen = (): [number, string][] =>
    metrics.snapshot().metrics.flatMap((metric) => {
      if (metric.kind !== 'histogram') return []
      return metric.series.map(({ labels, count }): [number, string] => {
        const names = ['http.request.method', 'http.route', 'http.response.status_code', 'error.type']
        return [count, [count, ...names.map((name) => labels[name] || '-')].join(' ')]
      })
    })
  await expect.poll(() => seen().reduce((sum, [count]) => sum + count, 0), patience).toBe(requests)
  return seen().map(([, text]) => text)
}

function late(): unknown {
  const metric = metrics.snapshot().metrics.find(({ name }) => name === 'kit.http.late_responses')
  return metric?.series.map((point) => 'value' in point && point.value)
}

const ok = (c: Context): Response => c.text('ok')
const nobody = (c: Context): Response => c.text('who are you?', 401)

/** The route of one request, as it is counted. */
async function routeOf(app: App, path: string, method = 'GET'): Promise<string> {
  await (await app.request(path, { method })).text()
  return ((await counted(1))[0] ?? '').split(' ')[2] ?? ''
}

describe('routes', () => {
  const cases: [string, (app: App) => unknown, path: string, route: string, method?: string][] = [
    ['a base path', (app) => app.basePath('/v1').get('/x/:id', ok), '/v1/x/7', '/v1/x/:id'],
    [
      'mounted apps, with parameters in their mounts',
      (app) => app.route('/a/:a', new Hono().route('/b/:b', new Hono().get('/:c', ok))),
      '/a/b/b/1/2',
      '/a/:a/b/:b/:c',
    ],
    [
      'a mounted app with an error handler of its own',
      (app) =>
        app.route(
          '/a',
          new Hono().all('/x/:id', nobody).onError((_, c) => nobody(c)),
        ),
      '/a/x/1',
      '/a/x/:id',
    ],
    ['patterns', (app) => app.get('/x/:id{[0-9]+}/*', ok), '/x/12/y', '/x/:id{[0-9]+}/*'],
    ['handlers of all methods', (app) => app.all('/x/:id', ok), '/x/1', '/x/:id', 'PURGE'],
    ['middleware of a route', (app) => app.get('/x/:id', async (_, next) => next(), ok), '/x/1', '/x/:id'],
    [
      'the handler that a guard did not let through to',
      (app) => app.use('/x/*', async (c, _next) => nobody(c)).get('/x/:id', ok),
      '/x/1',
      '/x/:id',
    ],
    [
      'the handler behind combined guards',
      (app) =>
        app
          .use(
            '/x/*',
            every(
              async (_, next) => next(),
              async (c, _next) => nobody(c),
            ),
          )
          .get('/x/:id', ok),
      '/x/1',
      '/x/:id',
    ],
    [
      'the handler that answered, of several that match',
      (app) => app.get('/x/:id', ok).get('*', nobody),
      '/x/1',
      '/x/:id',
    ],
    [
      'the last handler that was asked',
      (app) => app.get('/x/:id', async (_, next) => next()).get('*', nobody),
      '/x/1',
      '/*',
    ],
    [
      'a handler that handed on to none',
      (app) => app.get('/x/:id', async (_, next) => next()),
      '/x/1',
      '/x/:id',
    ],
    [
      'no middleware that answered alone',
      (app) => app.use('/x/*', async (c, _next) => nobody(c)),
      '/x/1',
      '-',
    ],
    ['nothing where nothing matched', (app) => app.get('/x', ok), '/y', '-'],
    ['nothing where the method did not match', (app) => app.get('/x', ok), '/x', '-', 'POST'],
    ['no automatic answer to OPTIONS', (app) => app.use(cors()).get('/x', ok), '/x', '-', 'OPTIONS'],
    [
      'nothing where middleware follows the handlers and answers what they did not match',
      (app) => app.get('/x', ok).use(async (c, _next) => nobody(c)),
      '/y',
      '-',
    ],
  ]
  it.each(cases)('names %s', async (_, build, path, route, method) => {
    const app = observed()
    build(app)
    expect(await routeOf(app, path, method)).toBe(route)
  })
})

describe('errors', () => {
  it('stand in the line of a request that they failed, and in no other', async () => {
    const app = observed()
    app.onError((error, c) => (error instanceof HTTPException ? error.getResponse() : c.text('sorry', 500)))
    app.get('/thrown', () => {
      throw new Error('no rows')
    })
    app.get('/refused', () => {
      throw new HTTPException(403, { message: 'not yours' })
    })
    const text = async (path: string): Promise<string> => (await app.request(path)).text()
    expect([await text('/thrown'), await text('/refused')]).toEqual(['sorry', 'not yours'])
    await counted(2)
    const lines = destination.records.map(({ status, level, err }) => [
      status,
      level,
      (err as Error)?.message,
    ])
    expect(lines).toEqual([
      [500, 'error', 'no rows'],
      [403, 'info', undefined],
    ])
  })

  it('that are none to Hono go on to its server', async () => {
    const app = observed()
    app.get('/x', () => {
      // oxlint-disable-next-line typescript/only-throw-error -- what somebody does
      throw 'a string'
    })
    await expect(async () => app.request('/x')).rejects.toBe('a string')
    expect(await counted(1)).toEqual(['1 GET /x 500 500'])
  })
})

describe('a stream of events', () => {
  it('is one request until it ends, with its context', async () => {
    let proceed = (): void => {}
    const app = observed()
    app.get('/events', (c) =>
      streamSSE(c, async (events) => {
        await events.writeSSE({ data: 'first' })
        await new Promise<void>((resolve) => (proceed = resolve))
        await events.writeSSE({ data: String(current() === c.get('ctx') && c.var.ctx.err === undefined) })
      }),
    )
    const response = await app.request('/events')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe('data: first\n\n')
    expect(await counted(0)).toEqual([])
    proceed()
    expect((await reader?.read())?.value).toBe('data: true\n\n')
    expect((await reader?.read())?.done).toBe(true)
    expect(await counted(1)).toEqual(['1 GET /events 200 -'])
  })
})

describe('deadlines', () => {
  it('are answered in place of a handler, whose own answer is let go', async () => {
    using time = manualClock()
    let answer: (response: Response) => void = () => {}
    const app = observed({ timeoutMs: 50 })
    app.get('/slow', () => new Promise<Response>((resolve) => (answer = resolve)))
    const pending = Promise.resolve(app.request('/slow'))
    time.advance(50)
    const response = await pending
    answer(new Response('late'))
    await expect.poll(late, patience).toEqual([1])
    expect([response.status, await response.text()]).toEqual([503, 'Service Unavailable\n'])
    expect(await counted(1)).toEqual(['1 GET /slow 503 deadline_exceeded'])
  })

  it('that had passed are answered without a handler, on every server', async () => {
    const app = observed(internal)
    app.get('/x', ok)
    const headers = { 'grpc-timeout': '0m' }
    const injected = await app.request('/x', { headers })
    expect([injected.status, await injected.text()]).toEqual([504, 'Gateway Timeout\n'])
    const server = await serveConformanceApp(createServer(getRequestListener(app.fetch) as RequestListener))
    const sent = await fetch(`${server.url}/x`, { headers })
    expect([sent.status, await sent.text()]).toEqual([504, 'Gateway Timeout\n'])
    await server.close()
    expect(await counted(2)).toEqual(['2 GET /x 504 deadline_exceeded'])
    expect(late()).toEqual([0])
  })
})

describe('on its server', () => {
  it('finds the observation around it, which counts what never reaches the app', async () => {
    const app: App = new Hono()
    app.use(kit())
    app.get('/x/:id', (c) => c.text(String(c.get('log') !== undefined && c.get('ctx').err === undefined)))
    const listener = observeListener(getRequestListener(app.fetch), options)
    const server = await serveConformanceApp(createServer(listener))
    const targets = ['//', 'http://[', 'http://a:99999/', '/%', '*', '/\\']
    for (const target of targets) {
      const answer = await ask(Number(new URL(server.url).port), target)
      expect(answer).toMatch(/^HTTP\/1\.1 (400|404) [^]*^x-request-id: /im)
    }
    expect(await (await fetch(`${server.url}/x/1`)).text()).toBe('true')
    await server.close()
    const seen = await counted(targets.length + 1)
    expect(seen).toContain('1 GET /x/:id 200 -')
    expect(seen.filter((line) => !/ GET (-|\/x\/:id) (200|400|404) -$/.test(line))).toEqual([])
  })

  it('knows why a stream broke off', async () => {
    const app = observed()
    app.get('/broken', () => {
      let pulls = 0
      const body = new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setImmediate(resolve))
          pulls += 1
          if (pulls > 2) throw new Error('no more rows')
          controller.enqueue(Buffer.from('row'))
        },
      })
      return new Response(body)
    })
    const server = await serveConformanceApp(createServer(getRequestListener(app.fetch) as RequestListener))
    await expect(fetch(`${server.url}/broken`).then((response) => response.text())).rejects.toThrow(
      'terminated',
    )
    expect(await counted(1)).toEqual(['1 GET /broken 200 server_abort'])
    expectLog(destination, { msg: 'request', outcome: 'error', err: { message: 'no more rows' } })
    await server.close()
  })

  it('finds the observation of the fetch-style handler around it', async () => {
    const app: App = new Hono()
    app.use(kit())
    app.get('/x/:id', ok)
    const handler = observeFetch((request) => app.fetch(request), options)
    expect(await (await handler(new Request('http://shop.test/x/1'))).text()).toBe('ok')
    expect(await counted(1)).toEqual(['1 GET /x/:id 200 -'])
  })

  it('speaks HTTP/2, and sees streams that are cancelled', async () => {
    const app = observed()
    app.get('/x/:id', ok)
    app.get('/open', (c) =>
      stream(c, async (body) => {
        await body.write('first')
        await new Promise((resolve) => c.get('ctx').afterFunc(resolve))
      }),
    )
    const server: Http2Server = createHttp2Server((req, res) => void getRequestListener(app.fetch)(req, res))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const send = (path: string): Promise<void> =>
      new Promise((resolve) => {
        const sent = client.request({ ':path': path })
        sent.on('error', () => {})
        sent.on('data', () => path === '/open' && sent.close(constants.NGHTTP2_CANCEL))
        sent.on('close', resolve)
      })
    await send('/x/1')
    await send('/open')
    expect(await counted(2)).toEqual(['1 GET /x/:id 200 -', '1 GET /open 200 client_abort'])
    client.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
})

it('gives handlers a logger whose lines carry the id of the request', async () => {
  const app = observed()
  app.get('/x', (c) => {
    c.get('log').info({ id: 7 }, 'reading')
    c.var.log.child({ part: 'a' }).info('done')
    return c.text('ok')
  })
  const response = await app.request('/x')
  await response.text()
  await counted(1)
  const requestId = response.headers.get('x-request-id')
  expectLog(destination, { msg: 'reading', id: 7, requestId })
  expectLog(destination, { msg: 'done', part: 'a', requestId })
  expectLog(destination, { msg: 'request', route: '/x', requestId })
})

it('is refused where its options are wrong', () => {
  expect(() => kit({ timeoutMs: -1 })).toThrow(/timeoutMs/)
})

function ask(port: number, target: string): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(port, '127.0.0.1')
    socket.on('data', (chunk) => (text += chunk.toString('latin1')))
    socket.on('close', () => resolve(text))
    socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  })
}
