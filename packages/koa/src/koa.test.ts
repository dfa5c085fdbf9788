import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2'
import type { ClientHttp2Stream } from 'node:http2'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { current } from '@kit/context'
import type { HttpOptions } from '@kit/http'
import { internal, requestIdKey } from '@kit/http'
import { observeListener } from '@kit/http/node'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import Koa from 'koa'
import mount from 'koa-mount'
import { afterEach, describe, expect, it } from 'vitest'
import { kit } from './koa.ts'

const koas = [
  ['Koa 2', createRequire(import.meta.url)('koa2') as typeof Koa],
  ['Koa 3', Koa],
] as const

describe.each(koas)('%s', (_, Framework) => {
  const closing: (() => void)[] = []
  afterEach(() => {
    for (const close of closing.splice(0)) close()
  })

  interface Served {
    readonly url: string
    readonly port: number
    lines(): readonly Record<string, unknown>[]
    readonly errors: { readonly error: unknown; readonly ctx: unknown }[]
    counter(name: string): number
    /** The line of the one request that there was. */
    line(): Promise<Record<string, unknown> | undefined>
  }

  function observe(options?: HttpOptions) {
    const metrics = createMetrics()
    const log = memoryDestination()
    const logger = createLogger({ level: 'debug', format: 'json', destination: log })
    const counter = (name: string): number => {
      const metric = metrics.snapshot().metrics.find((one) => one.name === name)
      return metric === undefined || metric.kind === 'histogram'
        ? 0
        : metric.series.reduce((total, { value }) => total + value, 0)
    }
    const all = { metrics, log: logger, ...options }
    return { all, lines: (): readonly Record<string, unknown>[] => log.records, counter }
  }

  async function listen(server: Server): Promise<number> {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    closing.push(() => {
      server.close()
      server.closeAllConnections()
    })
    return (server.address() as AddressInfo).port
  }

  /** Serves an application that is observed by `kit` with these options, or not at all without. */
  async function serve(build: (app: Koa) => void, options: HttpOptions | null = {}): Promise<Served> {
    const { all, lines, counter } = observe(options ?? {})
    const app = new Framework()
    const errors: Served['errors'] = []
    app.on('error', (error: unknown, ctx: unknown) => errors.push({ error, ctx }))
    if (options !== null) app.use(kit(all))
    build(app)
    const callback = app.callback()
    const port = await listen(createServer((req, res) => void callback(req, res)))
    const line = async (): Promise<Record<string, unknown> | undefined> => {
      const requests = (): Record<string, unknown>[] => lines().filter(({ msg }) => msg === 'request')
      await expect.poll(() => requests().length).toBe(1)
      return requests()[0]
    }
    return { url: `http://127.0.0.1:${port}`, port, lines, errors, counter, line }
  }

  /** All that comes back for a request, as it came, but for what may differ from one time to the next. */
  async function bytes(port: number, head: string): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    socket.write(`${head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    return (await text(socket)).replace(/^date: .*\r\n/im, '')
  }

  const thrown: readonly (readonly [what: string, make: (ctx: Koa.ParameterizedContext) => unknown])[] = [
    ['an error', () => new Error('meant to be')],
    [
      'an error with a status and headers',
      () => Object.assign(new Error('busy'), { status: 503, headers: { 'Retry-After': '7' } }),
    ],
    [
      'an error that is for the client',
      () => Object.assign(new Error('name required'), { status: 400, expose: true }),
    ],
    ['an error with an impossible status', () => Object.assign(new Error('odd'), { status: 42 })],
    ['an error of the file system', () => Object.assign(new Error('no file'), { code: 'ENOENT' })],
    ['text', () => 'a mere text'],
    ['a number', () => 42],
  ]

  it.each(thrown)('answers %s that was thrown as without kit, but for the request id', async (what, make) => {
    const build = (app: Koa): void => {
      app.use((ctx) => {
        ctx.set('X-Before', 'is taken off')
        ctx.status = 201
        throw make(ctx)
      })
    }
    const bare = await serve(build, null)
    const observed = await serve(build)
    const got = await bytes(observed.port, 'GET /x')
    expect(got).toMatch(/^x-request-id: [0-9a-f]{32}\r$/m)
    expect(got.replace(/^x-request-id: .*\r\n/m, '')).toBe(await bytes(bare.port, 'GET /x'))
    expect(observed.errors.map(({ error }) => String(error))).toEqual(
      bare.errors.map(({ error }) => String(error)),
    )
  })

  it('lets an error through as the same object, with the same context', async () => {
    const error = new Error('meant to be')
    let seen: unknown
    const { url, errors, line } = await serve((app) => {
      app.use((ctx) => {
        seen = ctx
        throw error
      })
    })
    expect((await fetch(url)).status).toBe(500)
    expect(errors).toEqual([{ error, ctx: seen }])
    expect(errors[0]?.error).toBe(error)
    expect(errors[0]?.ctx).toBe(seen)
    expect(Object.hasOwn((seen as Koa.Context).res, 'removeHeader')).toBe(false)
    expect(await line()).toMatchObject({ status: 500, outcome: 'error', err: { message: 'meant to be' } })
  })

  it('does not take a thrown answer for a failure', async () => {
    const { url, line } = await serve((app) => {
      app.use((ctx) => ctx.throw(404, 'no such thing'))
    })
    expect((await fetch(url)).status).toBe(404)
    const { level, outcome, status, err } = (await line()) ?? {}
    expect({ level, outcome, status, err }).toEqual({
      level: 'info',
      outcome: 'ok',
      status: 404,
      err: undefined,
    })
  })

  it('sees the error that middleware outside of it answers', async () => {
    const { all, lines } = observe()
    const { url } = await serve((app) => {
      app.use(async (ctx, next) => {
        try {
          await next()
        } catch {
          ctx.status = 502
        }
      })
      app.use(kit(all))
      app.use(() => {
        throw new Error('meant to be')
      })
    }, null)
    const response = await fetch(url)
    expect([response.status, response.headers.get('x-request-id')?.length]).toEqual([502, 32])
    await expect.poll(() => lines().length).toBe(1)
    expect(lines()[0]).toMatchObject({ status: 502, outcome: 'error', err: { message: 'meant to be' } })
  })

  it('sees a body that cannot be serialised', async () => {
    const { url, line } = await serve((app) => {
      app.use((ctx) => {
        ctx.body = { big: 1n }
      })
    })
    const response = await fetch(url)
    expect([response.status, response.headers.get('x-request-id')?.length]).toEqual([500, 32])
    expect(await line()).toMatchObject({ status: 500, outcome: 'error', err: { type: 'TypeError' } })
  })

  it('sees a body stream that fails', async () => {
    const { url, line } = await serve((app) => {
      app.use((ctx) => {
        ctx.body = new Readable({
          read() {
            this.destroy(new Error('disk on fire'))
          },
        })
      })
    })
    await fetch(url).catch(() => {})
    expect(await line()).toMatchObject({ outcome: 'error', err: { message: 'disk on fire' } })
  })

  it('lets a body that is made while it is read find its context', async () => {
    const { url, line, lines } = await serve((app) => {
      app.use((ctx) => {
        const id = ctx.state.ctx.value(requestIdKey)
        ctx.body = Readable.from(
          (async function* parts() {
            for (let i = 0; i < 40; i += 1) {
              yield `${current().value(requestIdKey) === id} `.repeat(i === 0 ? 20_000 : 1)
              await new Promise((resolve) => setImmediate(resolve))
            }
            ctx.log.info('made')
          })(),
        )
      })
    })
    const body = await (await fetch(url)).text()
    expect(new Set(body.trim().split(' '))).toEqual(new Set(['true']))
    const { requestId } = (await line()) ?? {}
    expect(lines().find(({ msg }) => msg === 'made')?.['requestId']).toBe(requestId)
  })

  it('observes what a handler writes past Koa', async () => {
    const { url, line } = await serve((app) => {
      app.use((ctx) => {
        ctx.respond = false
        ctx.res.statusCode = 202
        ctx.res.end('by hand')
      })
    })
    expect(await (await fetch(url)).text()).toBe('by hand')
    expect(await line()).toMatchObject({ status: 202, outcome: 'ok' })
  })

  it("sends the deadline's answer with a reason of its own, and counts one late response", async () => {
    const { port, line, counter, errors } = await serve(
      (app) => {
        app.use(async (ctx) => {
          ctx.status = 201
          ctx.body = 'early'
          await new Promise((resolve) => ctx.state.ctx.afterFunc(resolve))
          ctx.body = 'late'
        })
      },
      { timeoutMs: 30 },
    )
    expect(await bytes(port, 'GET /')).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/)
    expect(await line()).toMatchObject({ status: 503, outcome: 'deadline', errorType: 'deadline_exceeded' })
    await expect.poll(() => counter('kit.http.late_responses')).toBe(1)
    expect(errors).toEqual([])
  })

  it('lets Koa do nothing more for a request that had come too late', async () => {
    const { url, line, counter, errors } = await serve((app) => {
      app.use((ctx) => void (ctx.body = 'never'))
    }, internal)
    const response = await fetch(url, { headers: { 'grpc-timeout': '0m' } })
    expect([response.status, await response.text()]).toEqual([504, 'Gateway Timeout\n'])
    expect(await line()).toMatchObject({ status: 504 })
    expect([counter('kit.http.late_responses'), errors]).toEqual([0, []])
  })

  it('ends the body stream of a handler that is late, and keeps the connection', async () => {
    const streams: Readable[] = []
    const { url, lines } = await serve(
      (app) => {
        app.use(async (ctx) => {
          if (ctx.path === '/late') await new Promise((resolve) => ctx.state.ctx.afterFunc(resolve))
          const stream = Readable.from(
            (async function* parts() {
              await new Promise((resolve) => current().afterFunc(resolve))
              current().throwIfDone()
              yield 'never'
            })(),
          )
          streams.push(stream)
          ctx.body = stream
        })
      },
      { timeoutMs: 30 },
    )
    expect([(await fetch(`${url}/late`)).status, (await fetch(`${url}/slow`)).status]).toEqual([503, 503])
    await expect.poll(() => streams.map(({ destroyed }) => destroyed)).toEqual([true, true])
    await expect.poll(() => lines().map(({ outcome }) => outcome)).toEqual(['deadline', 'deadline'])
  })

  it('cancels the context with the reason when the client leaves, and blames nobody', async () => {
    let left: (cause: unknown) => void = () => {}
    const cause = new Promise((resolve) => {
      left = resolve
    })
    const { port, line } = await serve((app) => {
      app.use(async (ctx) => {
        socket.resetAndDestroy()
        await new Promise((resolve) => ctx.state.ctx.afterFunc(resolve))
        left(ctx.state.ctx.cause)
        ctx.body = 'for nobody'
      })
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await cause).toBe('client disconnected')
    expect(await line()).toMatchObject({ outcome: 'canceled', errorType: 'client_abort', status: null })
  })

  it('observes once, however often and deep it is mounted', async () => {
    const outer = observe()
    const inner = observe()
    const { url } = await serve((app) => {
      const mounted = new Framework()
      mounted.use(kit(inner.all))
      mounted.use((ctx) => void (ctx.body = `${ctx.state.ctx.err === undefined}`))
      app.use(kit(outer.all))
      app.use(kit(inner.all))
      app.use(mount('/mounted', mounted))
    }, null)
    expect(await (await fetch(`${url}/mounted`)).text()).toBe('true')
    await expect.poll(() => outer.lines().length).toBe(1)
    expect(inner.lines().length).toBe(0)
  })

  it('finds the observation of the listener around it', async () => {
    const outer = observe()
    const app = new Framework()
    app.use(kit())
    app.use((ctx) => void (ctx.body = ctx.state.ctx.value(requestIdKey)))
    const port = await listen(createServer(observeListener(app.callback(), outer.all)))
    const response = await fetch(`http://127.0.0.1:${port}/`)
    expect(await response.text()).toBe(response.headers.get('x-request-id'))
    await expect.poll(() => outer.lines().length).toBe(1)
  })

  it('answers over HTTP/2: whole, failed, too late, and to nobody', async () => {
    const { all, lines, counter } = observe({ timeoutMs: 40 })
    const left: { stream?: ClientHttp2Stream } = {}
    const app = new Framework()
    app.silent = true
    app.use(kit(all))
    app.use(async (ctx) => {
      if (ctx.path === '/ok') return void (ctx.body = Readable.from(['o', 'k']))
      if (ctx.path === '/error') throw new Error('meant to be')
      if (ctx.path === '/left') left.stream?.close(constants.NGHTTP2_CANCEL)
      ctx.status = 201
      await new Promise((resolve) => ctx.state.ctx.afterFunc(resolve))
      ctx.body = 'late'
    })
    const callback = app.callback()
    const server = createHttp2Server((req, res) => void callback(req, res)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    closing.push(() => {
      client.destroy()
      server.close()
    })
    const get = async (path: string): Promise<unknown[]> => {
      const stream = client.request({ ':path': path })
      const [headers] = (await once(stream, 'response')) as [Record<string, string>]
      return [headers[':status'], headers['x-request-id']?.length, await text(stream)]
    }
    expect(await get('/ok')).toEqual([200, 32, 'ok'])
    expect(await get('/error')).toEqual([500, 32, 'Internal Server Error'])
    expect(await get('/late')).toEqual([503, 32, 'Service Unavailable\n'])
    await expect.poll(() => counter('kit.http.late_responses')).toBe(1)
    left.stream = client.request({ ':path': '/left' })
    await expect
      .poll(() => lines().map(({ outcome, status }) => [outcome, status]))
      .toEqual([
        ['ok', 200],
        ['error', 500],
        ['deadline', 503],
        ['canceled', null],
      ])
  })
})
