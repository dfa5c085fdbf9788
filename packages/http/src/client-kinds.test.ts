import { once } from 'node:events'
import http from 'node:http'
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { background, run } from '@kit/context'
import type { CancelContext } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import { Agent, fetch as undiciFetch, request as undiciRequest } from 'undici'
import { Agent as Agent6, request as undici6Request } from 'undici6'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { observeClient, observeDispatcher, observeRequest } from './client.ts'
import type { ClientOptions } from './client.ts'
import { requestIdKey } from './request-id.ts'
import { eventually } from './testing/rig.ts'
import { traceKey } from './trace-context.ts'

interface Sent {
  readonly status: number
  read(): Promise<string>
  giveUp(): void
}
interface Send {
  (url: string, init?: { method?: string; headers?: Record<string, string> }): Promise<Sent>
}

/** Every way to make a call, as one. */
const kinds: Record<string, (options: ClientOptions) => Send> = {
  fetch: (options) => {
    const fetch = observeClient(globalThis.fetch, options)
    return async (url, init) => sentBy(await fetch(url, init))
  },
  'fetch that follows by itself': (options) => {
    const fetch = observeClient(globalThis.fetch, { propagate: () => true, ...options })
    return async (url, init) => sentBy(await fetch(url, init))
  },
  'http.request': (options) => {
    const request = observeRequest(http.request, options)
    return (url, init = {}) => ending(request(url, init)).then(sentByNode)
  },
  'http.get': (options) => {
    const get = observeRequest(http.get, options)
    return (url, init = {}) => ending(get({ ...partsOf(url), ...init })).then(sentByNode)
  },
  undici: (options) => {
    const dispatcher = new Agent().compose(observeDispatcher(options))
    return async (url, init) => sentByUndici(await undiciRequest(url, { ...init, dispatcher }))
  },
  'undici fetch': (options) => {
    const dispatcher = new Agent().compose(observeDispatcher(options))
    return async (url, init) => sentBy((await undiciFetch(url, { ...init, dispatcher })) as never)
  },
  'undici 6': (options) => {
    const dispatcher = new Agent6().compose(observeDispatcher(options))
    return async (url, init) => sentByUndici(await undici6Request(url, { ...init, dispatcher } as object))
  },
}

function partsOf(url: string): http.RequestOptions {
  const { hostname, port, pathname } = new URL(url)
  return { host: hostname, port, path: pathname }
}

function sentBy(response: Response): Sent {
  return {
    status: response.status,
    read: () => response.text(),
    giveUp: () => void response.body?.cancel(),
  }
}

function sentByUndici(response: {
  statusCode: number
  body: { text(): Promise<string>; destroy(): unknown; on(event: 'error', fn: () => void): unknown }
}): Sent {
  response.body.on('error', () => {})
  return {
    status: response.statusCode,
    read: () => response.body.text(),
    giveUp: () => void response.body.destroy(),
  }
}

async function ending(req: ClientRequest): Promise<IncomingMessage> {
  req.end()
  const [response] = (await once(req, 'response')) as [IncomingMessage]
  req.on('error', () => {})
  return response
}

function sentByNode(response: IncomingMessage): Sent {
  return {
    status: response.statusCode ?? 0,
    async read() {
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk as string
      return text
    },
    giveUp: () => void response.destroy(),
  }
}

let url: string
let handler: (req: IncomingMessage, res: ServerResponse) => void
let seen: IncomingHttpHeaders | undefined
let metrics: Metrics
let server: http.Server

beforeEach(async () => {
  metrics = createMetrics()
  seen = undefined
  handler = (_req, res) => void res.end('ok')
  server = http
    .createServer((req, res) => {
      seen = req.headers
      handler(req, res)
    })
    .listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  server.close()
  server.closeAllConnections()
})

const trace = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', flags: '01' }

function requestContext(timeoutMs = Infinity): CancelContext {
  return background.withValue(requestIdKey, 'req-1').withValue(traceKey, trace).withTimeout(timeoutMs)
}

/** `['GET', '200', '']`: method, status and error type of every call that was recorded. */
function recorded(): string[][] {
  const histogram = metrics.snapshot().metrics.find(({ name }) => name === 'http.client.request.duration')
  if (histogram?.kind !== 'histogram') return []
  return histogram.series.flatMap(({ labels, count }) =>
    Array.from({ length: count }, () => [
      labels['http.request.method'] ?? '',
      labels['http.response.status_code'] ?? '',
      labels['error.type'] ?? '',
    ]),
  )
}

/** What a promise rejected with, and its cause: the fetch of undici wraps what its dispatcher says. */
async function chainOf(rejecting: Promise<unknown>): Promise<unknown[]> {
  const error = await rejecting.then(
    () => undefined,
    (reason: Error) => reason,
  )
  return [error, error?.cause]
}

async function recordedOnce(): Promise<string[][]> {
  await eventually(
    () => recorded().length > 0,
    () => 'the call to be recorded',
  )
  return recorded()
}

describe.each(Object.entries(kinds))('%s', (_name, make) => {
  it('sends request id, trace and what is left of the deadline, and measures until the end', async () => {
    let finish: () => unknown = () => {}
    handler = (_req, res) => {
      res.write('o')
      finish = () => res.end('k')
    }
    const response = await run(requestContext(5000), () => make({ metrics })(`${url}/a`))
    expect(recorded()).toEqual([])
    finish()
    expect([response.status, await response.read()]).toEqual([200, 'ok'])
    expect(seen).toMatchObject({
      'x-request-id': 'req-1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    })
    expect(seen?.['grpc-timeout']).toMatch(/^\d{1,8}m$/)
    expect(await recordedOnce()).toEqual([['GET', '200', '']])
  })

  it("keeps the caller's own headers, tells strangers nothing, and survives values that cannot be sent", async () => {
    const headers = { 'X-Request-Id': 'mine', 'x-other': 'y', 'grpc-timeout': '50m' }
    await (await run(requestContext(60_000), () => make({ metrics })(url, { headers }))).read()
    expect(seen).toMatchObject({ 'x-request-id': 'mine', 'x-other': 'y', 'grpc-timeout': '50m' })

    const shy = make({ metrics, propagate: (to) => to.host !== new URL(url).host })
    await (await run(requestContext(5000), () => shy(url))).read()
    for (const header of ['x-request-id', 'traceparent', 'grpc-timeout'])
      expect(seen).not.toHaveProperty(header)

    const forging = background.withValue(requestIdKey, 'a\r\nx-admin: 1')
    await (await run(forging, () => make({ metrics })(url))).read()
    expect(seen).not.toHaveProperty('x-request-id')
    expect(seen).not.toHaveProperty('x-admin')
  })

  it('sends nothing when too little time is left', async () => {
    const ctx = requestContext(2)
    const refused = await chainOf(run(ctx, () => make({ metrics })(url)))
    expect(refused).toContainEqual(expect.objectContaining({ code: 'KIT_DEADLINE_EXCEEDED' }))
    expect(await recordedOnce()).toEqual([['GET', '', 'deadline_exceeded']])
    expect(seen).toBeUndefined()
  })

  it('is ended by the deadline before the answer, and its server sees it go', async () => {
    using time = manualClock()
    const gone = new Promise((resolve) => {
      handler = (_req, res) => {
        res.once('close', resolve)
        time.advance(50)
      }
    })
    const ctx = requestContext(50)
    const rejected = await chainOf(run(ctx, () => make({ metrics })(url)))
    expect(rejected).toContain(ctx.err)
    await gone
    expect(await recordedOnce()).toEqual([['GET', '', 'deadline_exceeded']])
  })

  it('is ended in the middle of the body when its context is cancelled, which is no error', async () => {
    const gone = new Promise((resolve) => {
      handler = (_req, res) => {
        res.write('part')
        res.once('close', resolve)
      }
    })
    const ctx = requestContext()
    const response = await run(ctx, () => make({ metrics })(url))
    const read = chainOf(response.read())
    ctx.cancel('enough')
    expect(await read).toContain(ctx.err)
    await gone
    expect(await recordedOnce()).toEqual([['GET', '200', '']])
  })

  it('may be given up in the middle, which is no error', async () => {
    handler = (_req, res) => void res.write('endless')
    const response = await run(requestContext(), () => make({ metrics })(url))
    response.giveUp()
    expect(await recordedOnce()).toEqual([['GET', '200', '']])
  })

  it('counts error statuses, methods nobody knows, a body that breaks off, and a server that is not there', async () => {
    const send = make({ metrics })
    handler = (_req, res) => void res.writeHead(503).end('sorry')
    await (await send(url, { method: 'PROPFIND' })).read()
    expect(await recordedOnce()).toEqual([['_OTHER', '503', '503']])

    metrics = createMetrics()
    handler = (_req, res) => {
      res.writeHead(200, { 'content-length': '100' })
      res.write('part', () => res.destroy())
    }
    const broken = await make({ metrics })(url)
    await expect(broken.read()).rejects.toBeInstanceOf(Error)
    expect(await recordedOnce()).toEqual([
      ['GET', '200', expect.stringMatching(/^(ECONNRESET|UND_ERR_SOCKET)$/)],
    ])

    metrics = createMetrics()
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
    await expect(make({ metrics })(url)).rejects.toBeInstanceOf(Error)
    expect(await recordedOnce()).toEqual([['GET', '', 'ECONNREFUSED']])
  })

  it('leaves nothing on a long-lived context', async () => {
    const parent = background.withCancel()
    const send = make({ metrics })
    for (let i = 0; i < 10; i += 1) await (await run(parent, () => send(url))).read()
    await eventually(
      () => recorded().length === 10,
      () => 'ten calls',
    )
    parent.cancel()
    await new Promise((resolve) => setImmediate(resolve))
    expect(recorded().length).toBe(10)
  })
})

describe('observeRequest', () => {
  it('lets Node throw away a response that nobody listens for', async () => {
    const request = observeRequest(http.request, { metrics })
    request(url, { agent: false }).end()
    expect(await recordedOnce()).toEqual([['GET', '200', '']])
  })

  it('keeps bytes for a reader that comes late', async () => {
    const response = await new Promise<IncomingMessage>((resolve) => {
      observeRequest(http.get, { metrics })(url, resolve)
    })
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await sentByNode(response).read()).toBe('ok')
  })

  it.each([
    ['a flat list', ['Host', 'x', 'X-Request-Id', 'mine', 'a', 'b']],
    ['pairs', [['Host', 'x'] as never, ['X-Request-Id', 'mine'] as never, ['a', 'b'] as never]],
  ])('understands headers as %s', async (_spelling, headers) => {
    const request = observeRequest(http.request, { metrics })
    const response = await run(requestContext(5000), () => ending(request(url, { headers })))
    await sentByNode(response).read()
    expect(seen).toMatchObject({ 'x-request-id': 'mine', a: 'b', traceparent: expect.any(String) })
  })

  it('takes a URL of another realm for one', async () => {
    const { href, protocol, hostname, port, pathname, search, hash } = new URL(`${url}/elsewhere`)
    const foreign = { href, protocol, hostname, port, pathname, search, hash, toString: () => href }
    const paths: unknown[] = []
    handler = (req, res) => {
      paths.push(req.url)
      res.end()
    }
    await ending(observeRequest(http.request, { metrics })(foreign as URL)).then(sentByNode)
    expect(paths).toEqual(['/elsewhere'])
  })

  it('adds no listener that changes what an error does', () => {
    const req = observeRequest(http.request, { metrics })(url)
    expect(['error', 'upgrade', 'connect', 'information'].map((name) => req.listenerCount(name))).toEqual([
      0, 0, 0, 0,
    ])
    req.on('error', () => {}).destroy()
  })

  it('takes a request that is destroyed before the answer as given up', async () => {
    handler = () => req.destroy()
    const req = observeRequest(http.request, { metrics })(url)
    req.on('error', () => {}).end()
    expect(await recordedOnce()).toEqual([['GET', '', '']])
  })

  it('leaves an upgraded connection to its user', async () => {
    server.on('upgrade', (_req, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
      socket.pipe(socket)
    })
    const ctx = requestContext(60_000)
    const req = run(ctx, () =>
      observeRequest(http.request, { metrics })(url, { headers: { connection: 'Upgrade', upgrade: 'echo' } }),
    )
    req.end()
    const [, socket] = (await once(req, 'upgrade')) as [unknown, Socket]
    expect(await recordedOnce()).toEqual([['GET', '101', '']])
    ctx.cancel()
    socket.write('still here')
    expect(String((await once(socket, 'data'))[0])).toBe('still here')
    socket.destroy()
  })

  it('names the server of a socket path, and the port of https', async () => {
    const calls = [
      observeRequest(http.request, { metrics })({ socketPath: '/nowhere/kit.sock' }),
      observeRequest(https.request, { metrics })({ host: '127.0.0.1', port: undefined, lookup: refuse }),
    ]
    for (const call of calls) call.on('error', () => {}).end()
    await eventually(
      () => recorded().length === 2,
      () => 'two calls',
    )
    const histogram = metrics.snapshot().metrics.find(({ name }) => name === 'http.client.request.duration')
    expect(histogram?.series.map(({ labels }) => [labels['server.address'], labels['server.port']])).toEqual(
      expect.arrayContaining([
        ['/nowhere/kit.sock', undefined],
        ['127.0.0.1', '443'],
      ]),
    )
  })

  it('leaves nonsense to the platform, observes once, and keeps the name', () => {
    const request = observeRequest(http.request, { metrics })
    expect(() => request('no url')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_URL' }))
    expect(() => request({ method: 'B A D' })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_HTTP_TOKEN' }),
    )
    expect(() => request({ protocol: 'ftp:' })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_PROTOCOL' }),
    )
    for (const wrong of [{ host: 5 }, { hostname: {} }, { method: 5 }, { headers: 5 }, { agent: 5 }, null]) {
      const codeOf = (make: typeof http.request): unknown => {
        try {
          make(wrong as never)
            .on('error', () => {})
            .destroy()
          return 'made'
        } catch (error) {
          return (error as NodeJS.ErrnoException).code
        }
      }
      expect(codeOf(request)).toBe(codeOf(http.request))
    }
    expect(observeRequest(request)).toBe(request)
    expect(request.name).toBe('request')
  })
})

function refuse(
  _host: string,
  _options: unknown,
  done: (error: Error, address: string, family: number) => void,
): void {
  done(new Error('no'), '', 4)
}

describe('observeDispatcher', () => {
  it('fails a request that waits for a connection when its context ends', async () => {
    const silent = createTcpServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const origin = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    const agent = new Agent({ connections: 1, pipelining: 1 })
    const dispatcher = agent.compose(observeDispatcher({ metrics }))
    const first = undiciRequest(origin, { dispatcher }).catch((error: unknown) => error)
    const ctx = requestContext()
    const queued = run(ctx, () => undiciRequest(origin, { dispatcher }))
    ctx.cancel('enough')
    await expect(queued).rejects.toBe(ctx.err)
    await agent.destroy()
    await first
    silent.close()
    expect(recorded().toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
      ['GET', '', ''],
      ['GET', '', 'UND_ERR_DESTROYED'],
    ])
  })

  it('takes headers as undici does', async () => {
    const dispatcher = new Agent().compose(observeDispatcher({ metrics }))
    for (const headers of [
      ['X-Request-Id', 'mine', 'a', 'b'],
      new Map([
        ['X-Request-Id', 'mine'],
        ['a', 'b'],
      ]),
      { 'X-Request-Id': 'mine', a: ['b', 'c'], gone: undefined },
    ]) {
      const { body } = await run(requestContext(5000), () =>
        undiciRequest(url, { dispatcher, headers: headers as never }),
      )
      await body.text()
      expect(seen).toMatchObject({ 'x-request-id': 'mine', a: expect.stringMatching(/^b/) })
      expect(seen).toHaveProperty('grpc-timeout')
    }
  })
})

it('refuses options it does not know, and a header that is none', () => {
  for (const observe of [observeDispatcher, (o: never) => observeRequest(http.request, o)] as const) {
    expect(() => observe({ metric: 1 } as never)).toThrow(
      expect.objectContaining({ code: 'KIT_HTTP_OPTION_UNKNOWN' }),
    )
    expect(() => observe({ requestIdHeader: 'a b' } as never)).toThrow(
      expect.objectContaining({ code: 'KIT_HTTP_OPTION_INVALID' }),
    )
  }
})
