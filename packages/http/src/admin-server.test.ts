import { once } from 'node:events'
import { connect } from 'node:net'
import { manualClock } from '@kit/context/testing'
import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import { memory } from '@kit/metrics/memory'
import { prometheus } from '@kit/metrics/prometheus'
import { afterEach, describe, expect, it } from 'vitest'
import { adminServer } from './admin-server.ts'
import type { AdminServer, AdminServerOptions } from './admin-server.ts'
import { healthEndpoint } from './health.ts'
import { eventually } from './testing/rig.ts'
import { smuggled } from './testing/smuggled.ts'
import { hostileTargets } from './testing/targets.ts'

let running: AdminServer | undefined
afterEach(async () => {
  await running?.close(0)
  running = undefined
})

async function start(options: AdminServerOptions = {}): Promise<AdminServer> {
  running = await adminServer({ port: 0, ...options })
  return running
}

async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => (text += chunk))
  socket.write(bytes)
  await once(socket, 'close')
  return text
}

describe('what it serves', () => {
  it('metrics, memory, levels, health, routes of one’s own, and an index of them', async () => {
    const metrics = createMetrics()
    const [page, recent] = [prometheus(), memory()]
    metrics.attach(page)
    metrics.attach(recent)
    metrics.counter('orders').inc(3)
    const log = createLogger({ destination: { write: () => {} } })
    const { url } = await start({
      metrics: page,
      memory: recent,
      levels: log.levels,
      authorize: (request) => request.headers.get('authorization') === 'Bearer x',
      routes: { '/custom/': (request) => new Response(new URL(request.url).pathname) },
    })
    const text = async (path: string, init?: RequestInit): Promise<string> =>
      (await fetch(url + path, init)).text()

    expect(await text('/metrics')).toContain('orders_total 3')
    expect(JSON.parse(await text('/metrics.json'))).toHaveProperty('totals')
    expect(await text('/livez')).toBe('{"status":"ok","checks":{}}')
    expect(await text('/custom/deep/er')).toBe('/custom/deep/er')
    expect((await text('/')).split('\n')).toEqual(
      expect.arrayContaining(['/metrics', '/log/levels', '/readyz']),
    )
    expect((await fetch(`${url}/nowhere`)).status).toBe(404)
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405)

    const headers = { authorization: 'Bearer x' }
    expect((await fetch(`${url}/log/levels`)).status).toBeGreaterThanOrEqual(401)
    const put = await fetch(`${url}/log/levels`, { method: 'PUT', headers, body: '{"level":"debug"}' })
    expect(put.status).toBe(200)
    expect(log.isLevelEnabled('debug')).toBe(true)
  })

  it('answers 503 at /readyz when a check fails or takes too long, without saying why', async () => {
    const { url } = await start({
      health: { good: () => {}, bad: () => Promise.reject(new Error('password')) },
    })
    const response = await fetch(`${url}/readyz`)
    const body = await response.text()
    expect(response.status).toBe(503)
    expect(JSON.parse(body)).toMatchObject({ checks: { good: { status: 'ok' }, bad: { status: 'failed' } } })
    expect(body).not.toContain('password')

    using clock = manualClock()
    let checked: Promise<unknown> | undefined
    const endpoint = healthEndpoint(
      { stuck: (ctx) => (checked = new Promise((resolve) => ctx.afterFunc(resolve))) },
      { timeoutMs: 50 },
    )
    const answer = endpoint(new Request('http://localhost/readyz'))
    clock.advance(50)
    expect(await (await answer).json()).toMatchObject({ checks: { stuck: { status: 'timeout' } } })
    await checked
  })
})

describe('what it refuses', () => {
  it('log levels without authorize, or open ones off loopback', async () => {
    const { levels } = createLogger({ destination: { write: () => {} } })
    await expect(adminServer({ port: 0, levels })).rejects.toThrow(/authorize/)
    await expect(adminServer({ prot: 0 } as never)).rejects.toMatchObject({ code: 'KIT_HTTP_OPTION_UNKNOWN' })
    await expect(adminServer({ port: 0, host: '0.0.0.0', levels, authorize: 'none' })).rejects.toMatchObject({
      code: 'KIT_ADMIN_UNPROTECTED',
    })
  })

  it('a port that is in use, in a word', async () => {
    const { port } = await start()
    await expect(adminServer({ port })).rejects.toMatchObject({
      code: 'KIT_ADMIN_PORT_IN_USE',
      message: `adminServer: port ${port} on 127.0.0.1 is in use.`,
    })
  })

  it('a page that rebinds its own name to loopback', async () => {
    const { port } = await start()
    const ask = (host: string): Promise<string> =>
      raw(port, `GET /livez HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    for (const host of [
      'evil.example:9464',
      '127.0.0.1.evil.example',
      '[::1]evil.example',
      '[::1]@evil.example',
    ])
      expect(await ask(host)).toMatch(/^HTTP\/1.1 403/)
    for (const host of [`127.0.0.1:${port}`, 'localhost', `[::1]:${port}`]) {
      expect(await ask(host)).toMatch(/^HTTP\/1.1 200/)
    }
  })

  it('no client that names no host, and no method that no Request can stand for', async () => {
    const { port } = await start()
    expect(await raw(port, 'GET /livez HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1.1 200/)
    expect(await raw(port, 'TRACE /livez HTTP/1.1\r\nHost: LocalHost\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 400/,
    )
  })

  it('the rest of a body that nobody reads, and not the next request', async () => {
    const { url } = await start()
    const body = 'x'.repeat(1_000_000)
    await fetch(`${url}/livez`, { method: 'POST', body }).catch(() => {})
    expect((await fetch(`${url}/livez`)).status).toBe(200)
  })

  it('nothing by falling over: targets that are no URLs, handlers that throw', async () => {
    const { port, url } = await start({
      routes: {
        '/throws': () => {
          throw new Error('secret')
        },
      },
    })
    for (const target of hostileTargets) {
      expect(
        await raw(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
      ).toMatch(/^HTTP\/1.1 [24]\d\d/)
    }
    const broken = await fetch(`${url}/throws`)
    expect([broken.status, await broken.text()]).toEqual([500, 'Internal Server Error\n'])
    expect((await fetch(`${url}/livez`)).status).toBe(200)
  })
})

it('forbids sniffing and caching, and answers nothing that a browser shows as a page', async () => {
  const [page, recent] = [prometheus(), memory()]
  const { port } = await start({
    metrics: page,
    memory: recent,
    levels: createLogger({ destination: { write: () => {} } }).levels,
    authorize: 'none',
    health: { '<script>': () => Promise.reject(new Error('<script>')) },
    routes: { '/throws': () => Promise.reject(new Error('<script>')), '/<script>': () => new Response() },
  })
  const answers: [status: number, start: string, host?: string][] = [
    [200, 'GET /'],
    [200, 'GET /livez'],
    [503, 'GET /readyz'],
    [200, 'GET /startupz'],
    [503, 'GET /metrics'],
    [405, 'PUT /metrics'],
    [503, 'GET /metrics.json'],
    [405, 'PUT /metrics.json'],
    [200, 'GET /log/levels'],
    [404, 'GET /<script>alert(1)</script>'],
    [500, 'GET /throws'],
    [400, 'GET http://['],
    [403, 'GET /', '<script>'],
  ]
  for (const [status, request, host = 'localhost'] of answers) {
    const text = await raw(port, `${request} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    const head = text.slice(0, text.indexOf('\r\n\r\n')).toLowerCase()
    expect(head).toContain(`http/1.1 ${status} `)
    expect(head).toContain('\r\nx-content-type-options: nosniff')
    expect(head).toContain('\r\ncache-control: no-store')
    expect(head).toMatch(/\r\ncontent-type: (?:text\/plain|application\/json)/)
  }
})

it('survives smuggled, malformed and oversized requests', async () => {
  const page = prometheus()
  const metrics = createMetrics()
  metrics.attach(page)
  const { port, url } = await start({ metrics: page })
  for (const bytes of smuggled) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {}).resume()
    socket.on('end', () => socket.destroy())
    socket.end(bytes, 'latin1')
    await new Promise((resolve) => socket.once('close', resolve))
  }
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  expect((await fetch(`${url}/metrics`)).status).toBe(200)
})

it('counts the scrapes that were sent whole, and tells who waits for one that begins from now on', async () => {
  const answers = [new Response('', { status: 500 }), new Response('a'), new Response('b')]
  const admin = await start({ metrics: { handler: () => answers.shift() ?? new Response() } })
  let told = false
  const next = admin.nextScrape().then(() => (told = true))
  await (await fetch(`${admin.url}/livez`)).text()
  await (await fetch(`${admin.url}/metrics`)).text()
  expect([told, admin.scrapes]).toEqual([false, 0])
  await (await fetch(`${admin.url}/metrics?x`)).text()
  await next
  await (await fetch(`${admin.url}/metrics`)).text()
  await new Promise((resolve) => setImmediate(resolve))
  expect(admin.scrapes).toBe(2)
})

it('waits for another scrape when a pipelined one is lost with its connection', async () => {
  let asked = 0
  const handler = (): Response | Promise<Response> =>
    ++asked === 1 ? new Promise<Response>(() => {}) : new Response('a')
  const admin = await start({ metrics: { handler } })
  const scrape = 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const asks = (count: number): Promise<void> =>
    eventually(
      () => asked === count,
      () => `${count} scrapes; there are ${asked}`,
    )
  const socket = connect(admin.port, '127.0.0.1')
  socket.on('error', () => {}).write(scrape)
  await asks(1)
  const next = admin.nextScrape()
  socket.write(scrape)
  await asks(2)
  socket.resetAndDestroy()
  await (await fetch(`${admin.url}/metrics`)).text()
  await (await fetch(`${admin.url}/metrics`)).text()
  await next
  expect(admin.scrapes).toBe(2)
})

it('closes when what is being answered has been, or cuts it after its patience', async () => {
  const { url, close } = await start({ routes: { '/stuck': () => new Promise<Response>(() => {}) } })
  const stuck = fetch(`${url}/stuck`).catch((error: unknown) => error)
  await (await fetch(`${url}/livez`)).text()
  await close(10)
  running = undefined
  expect(await stuck).toBeInstanceOf(TypeError)
})
