import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2'
import type { ClientHttp2Session, Http2Server, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { observeListener } from './node.ts'
import { eventually } from './testing/rig.ts'
import { smuggled } from './testing/smuggled.ts'

let metrics: Metrics
let reached: number
let leftovers: (() => unknown)[]

beforeEach(() => {
  metrics = createMetrics()
  reached = 0
  leftovers = []
})
afterEach(async () => {
  for (const tidy of leftovers.toReversed()) await tidy()
})

async function listening(server: Server | Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  leftovers.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Method and number of the requests that were counted. */
function counted(): [string | undefined, number][] {
  const histogram = metrics.snapshot().metrics.find(({ name }) => name === 'http.server.request.duration')
  if (histogram?.kind !== 'histogram') return []
  return histogram.series.map(({ labels, count }) => [labels['http.request.method'], count])
}

function active(): number {
  const gauge = metrics.snapshot().metrics.find(({ name }) => name === 'http.server.active_requests')
  return gauge?.kind === 'gauge' ? gauge.series.reduce((sum, { value }) => sum + value, 0) : 0
}

const total = (): number => counted().reduce((sum, [, count]) => sum + count, 0)

/** What reached the listener was counted once, and nothing is under way. */
async function settled(): Promise<void> {
  await eventually(
    () => active() === 0 && total() >= reached,
    () => `${reached} requests to be counted; there are ${total()}, and ${active()} under way`,
  )
  expect([total(), active()]).toEqual([reached, 0])
}

/** Writes bytes and resolves with all that came back when the connection has closed. */
function say(port: number, bytes: string, end = true): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
    socket.on('close', () => resolve(text))
    if (end) socket.end(bytes, 'latin1')
    else socket.write(bytes, 'latin1')
  })
}

/** Reads the body, then answers. */
async function echo(req: IncomingMessage, res: ServerResponse): Promise<void> {
  let length = 0
  for await (const chunk of req) length += (chunk as Buffer).length
  res.end(String(length))
}

function observed(handler: (req: IncomingMessage, res: ServerResponse) => unknown): RequestListener {
  const inner = observeListener(handler, { metrics, log: false })
  return (req, res) => {
    reached += 1
    inner(req, res)
  }
}

describe('HTTP/1', () => {
  const patient = (req: IncomingMessage, res: ServerResponse): Promise<void> => echo(req, res).catch(() => {})

  it('survives what becomes of smuggled requests when bytes of them are changed, cut or repeated', async () => {
    const port = await listening(createServer(observed(patient)))
    const mutated = fc
      .record({
        bytes: fc.constantFrom(...smuggled.filter(({ length }) => length < 2000)),
        at: fc.nat(2000),
        cut: fc.nat(4),
        put: fc.oneof(
          fc.constantFrom('\r\n', '\n', '\r', '\u0000', ' ', ':', 'chunked', '0\r\n\r\n'),
          fc.string({ maxLength: 4 }),
        ),
      })
      .map(({ bytes, at, cut, put }) => {
        const start = at % bytes.length
        return Buffer.from(bytes.slice(0, start) + put + bytes.slice(start + cut)).toString('latin1')
      })
    await fc.assert(
      fc.asyncProperty(fc.array(mutated, { minLength: 1, maxLength: 8 }), async (conversations) => {
        await Promise.all(conversations.map((bytes) => say(port, bytes)))
        await settled()
      }),
      { numRuns: 60 },
    )
    expect(reached).toBeGreaterThan(50)
  })

  it('counts a slow client once, or not at all before its head was whole, by the timeouts of the server', async () => {
    const timeouts = { headersTimeout: 40, requestTimeout: 80, connectionsCheckingInterval: 10 }
    const port = await listening(createServer(timeouts, observed(patient)))
    const head = 'POST / HTTP/1.1\r\nHost: x\r\n'
    const slow = await Promise.all([
      say(port, 'GET / HT', false),
      say(port, `${head}X: a`, false),
      say(port, `${head}Content-Length: 10\r\n\r\nabc`, false),
      say(port, `${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`, false),
    ])
    expect(slow.map((text) => text.slice(0, 12))).toEqual(Array.from({ length: 4 }, () => 'HTTP/1.1 408'))
    expect(reached).toBe(2)
    await settled()
  })

  it('counts a client once that asks for much and does not read it', async () => {
    const large = Buffer.alloc(2 ** 24)
    const port = await listening(createServer(observed((_req, res) => res.end(large))))
    const sockets = Array.from({ length: 5 }, () => {
      const socket = connect(port, '127.0.0.1').pause()
      socket.on('error', () => {}).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      return socket
    })
    await eventually(
      () => reached === 5,
      () => 'five requests',
    )
    expect(active()).toBe(5)
    for (const socket of sockets.splice(2)) socket.destroy()
    for (const socket of sockets) socket.resetAndDestroy()
    await settled()
  })
})

describe('HTTP/2', () => {
  type Handler = (req: Http2ServerRequest, res: Http2ServerResponse) => unknown

  async function serve(handler: Handler): Promise<number> {
    const inner = observeListener(handler, { metrics, log: false })
    const server = createHttp2Server((req, res) => {
      reached += 1
      inner(req, res)
    })
    server.on('sessionError', () => {})
    return listening(server)
  }

  async function session(port: number, socket = connect(port, '127.0.0.1')): Promise<ClientHttp2Session> {
    const opened = connectHttp2(`http://127.0.0.1:${port}`, { createConnection: () => socket })
    opened.on('error', () => {})
    leftovers.push(() => opened.destroy())
    await once(opened, 'connect')
    return opened
  }

  /** Sends a request and resolves with its status, or undefined when the stream ended without one. */
  function ask(over: ClientHttp2Session, headers: Record<string, string>): Promise<number | undefined> {
    return new Promise((resolve) => {
      let status: number | undefined
      const stream = over.request(headers)
      stream.on('response', (head) => (status = head[':status']))
      stream.on('error', () => {})
      stream.on('close', () => resolve(status))
      stream.resume().end()
    })
  }

  it('counts each stream once that was opened to be reset at once', async () => {
    const port = await serve((_req, res) => setImmediate(() => res.stream?.destroyed || res.end('late')))
    for (let round = 0; round < 5; round += 1) {
      const over = await session(port)
      const closed = Array.from({ length: 300 }, (_, index) => {
        const stream = over.request({ ':path': '/' })
        stream.on('error', () => {})
        if (index % 3 === 0) stream.close(constants.NGHTTP2_CANCEL)
        else setImmediate(() => stream.close(constants.NGHTTP2_CANCEL))
        return once(stream, 'close')
      })
      await Promise.all(closed)
      over.destroy()
    }
    expect(reached).toBeGreaterThan(0)
    await settled()
    expect(await ask(await session(port), { ':path': '/' })).toBe(200)
    await settled()
  })

  it('counts the streams of a session that ends under them', async () => {
    const port = await serve((_req, res) => void res.write('begun'))
    for (const end of ['destroy', 'socket', 'goaway'] as const) {
      const socket = connect(port, '127.0.0.1')
      const over = await session(port, socket)
      const before = reached
      const closed = Array.from({ length: 20 }, () => {
        const stream = over.request({ ':path': '/' })
        stream.on('error', () => {}).resume()
        return once(stream, 'close')
      })
      await eventually(
        () => reached === before + 20,
        () => 'twenty requests',
      )
      if (end === 'goaway') over.goaway(constants.NGHTTP2_PROTOCOL_ERROR)
      if (end === 'socket') socket.resetAndDestroy()
      over.destroy()
      await Promise.all(closed)
      await settled()
    }
    expect(reached).toBe(60)
  })

  it('takes methods that nobody knows for one, and targets for what they are', async () => {
    const port = await serve((_req, res) => void res.end())
    const over = await session(port)
    const methods = ['BREWCOFFEE', 'get', 'PRI', '__proto__', 'constructor', 'M'.repeat(5000)]
    for (const method of methods) await ask(over, { ':method': method, ':path': '/' })
    const targets = ['*', '//', '//[', '/\\', 'http://[', '/%', '/\u0001', '', `/${'a'.repeat(10_000)}`]
    for (const path of targets) await ask(over, { ':path': path })
    await settled()
    expect(counted().map(([method]) => method)).toEqual(expect.arrayContaining(['_OTHER', 'GET']))
    expect(new Set(counted().map(([method]) => method)).size).toBeLessThanOrEqual(2)
  })

  it('survives giant lists of headers, and counts those that are let through', async () => {
    const port = await serve((_req, res) => void res.end())
    const many = (count: number, size: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, 'a'.repeat(size)]))
    for (const list of [many(50, 10), many(1000, 1), many(20, 3000), many(100, 600)]) {
      await ask(await session(port), { ':path': '/', ...list })
    }
    expect(await ask(await session(port), { ':path': '/', ...many(50, 10) })).toBe(200)
    expect(reached).toBeGreaterThanOrEqual(2)
    await settled()
  })
})
