import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo, Server } from 'node:net'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { createMetrics } from '@kit/metrics'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { observeFetch } from './fetch.ts'
import { observeListener } from './node.ts'
import type { ListenerOptions } from './node.ts'

let metrics = createMetrics()
let options: ListenerOptions
const closing: (() => void)[] = []
beforeEach(() => {
  metrics = createMetrics()
  options = { metrics, log: false, bodySizes: true }
})
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** `count sum` of the bodies of requests and of responses, once `requests` were counted. */
async function sizes(
  requests: number,
  names = ['http.server.request.body.size', 'http.server.response.body.size'],
) {
  const seen = (name: string): [number, number] => {
    const metric = metrics.snapshot().metrics.find((one) => one.name === name)
    const series = metric?.kind === 'histogram' ? metric.series : []
    return series.reduce(([count, sum], point) => [count + point.count, sum + point.sum], [0, 0])
  }
  await expect.poll(() => seen(names[1] ?? '')[0], { timeout: 20_000, interval: 1 }).toBe(requests)
  return names.map(seen)
}

describe('body sizes on node:http', () => {
  it('are those that the client sees, whatever is written, in whatever encoding', async () => {
    const encodings = ['utf8', 'latin1', 'utf16le', 'hex', 'base64'] as const
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 50 }),
      fc
        .tuple(fc.constantFrom(...encodings), fc.uint8Array({ maxLength: 20 }))
        .map(([encoding, bytes]) => [encoding, Buffer.from(bytes).toString(encoding)] as const),
    )
    let chunks: readonly (Uint8Array | readonly [BufferEncoding, string])[] = []
    const server = createServer(
      observeListener(async (req, res) => {
        await buffer(req)
        chunks
          .slice(0, -1)
          .forEach((one) => (one instanceof Uint8Array ? res.write(one) : res.write(one[1], one[0])))
        const last = chunks.at(-1)
        if (last === undefined) res.end()
        else if (last instanceof Uint8Array) res.end(last)
        else res.end(last[1], last[0])
      }, options),
    )
    closing.push(() => server.closeAllConnections())
    const url = `http://127.0.0.1:${await portOf(server)}`
    let requests = 0
    const total = { sent: 0, received: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.array(chunk, { maxLength: 6 }),
        fc.uint8Array({ maxLength: 300 }),
        async (given, body) => {
          chunks = given
          const response = await fetch(url, { method: 'POST', body: body as never })
          total.received += (await response.arrayBuffer()).byteLength
          total.sent += body.byteLength
          requests += 1
          expect(await sizes(requests)).toEqual([
            [requests, total.sent],
            [requests, total.received],
          ])
        },
      ),
      { numRuns: 40 },
    )
  })

  it('are the announced one of a request that nobody read, once it was there', async () => {
    const server = createServer(
      observeListener((req, res) => req.resume().on('end', () => res.end()), options),
    )
    closing.push(() => server.closeAllConnections())
    await fetch(`http://127.0.0.1:${await portOf(server)}`, { method: 'POST', body: 'x'.repeat(70_000) })
    expect(await sizes(1)).toEqual([
      [1, 70_000],
      [1, 0],
    ])
  })

  it('are what had come of a request whose client left in the middle of it', async () => {
    let arrived = (): void => {}
    const came = new Promise<void>((resolve) => (arrived = resolve))
    const server = createServer(observeListener((req) => void req.on('data', () => arrived()), options))
    const socket = connect(await portOf(server), '127.0.0.1')
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf')
    await came
    socket.destroy()
    expect(await sizes(1)).toEqual([
      [1, 4],
      [1, 0],
    ])
  })

  it('are none of an answer without a body, whatever was written', async () => {
    const statuses = [204, 304]
    const server = createServer(
      observeListener((_req, res) => {
        res.statusCode = statuses.shift() ?? 200
        res.end('ignored')
      }, options),
    )
    closing.push(() => server.closeAllConnections())
    const url = `http://127.0.0.1:${await portOf(server)}`
    for (const method of ['GET', 'GET', 'HEAD']) await (await fetch(url, { method })).text()
    expect(await sizes(3)).toEqual([
      [3, 0],
      [3, 0],
    ])
  })

  it('have the names of older dashboards where these are wanted', async () => {
    const server = createServer(
      observeListener((_req, res) => res.end('four'), { ...options, names: 'legacy' }),
    )
    closing.push(() => server.closeAllConnections())
    await (await fetch(`http://127.0.0.1:${await portOf(server)}`)).text()
    expect(await sizes(1, ['http.request.size', 'http.response.size'])).toEqual([
      [1, 0],
      [1, 4],
    ])
  })

  it('leave out what is skipped', async () => {
    const server = createServer(
      observeListener((req, res) => res.end(String(Object.hasOwn(res, 'write'))), {
        ...options,
        skip: ({ target }) => target === '/skipped',
      }),
    )
    closing.push(() => server.closeAllConnections())
    const url = `http://127.0.0.1:${await portOf(server)}`
    expect(await (await fetch(`${url}/skipped`)).text()).toBe('false')
    expect(await (await fetch(`${url}/counted`)).text()).toBe('true')
    expect(await sizes(1)).toEqual([
      [1, 0],
      [1, 4],
    ])
  })
})

it('body sizes on node:http2 are counted once, by whatever method they are written', async () => {
  const server = createHttp2Server()
  server.on(
    'request',
    observeListener(async (req, res) => {
      const body = await buffer(req as never)
      res.write('first')
      res.end(body)
    }, options),
  )
  const client = connectHttp2(`http://127.0.0.1:${await portOf(server)}`)
  closing.push(() => client.destroy())
  const ask = async (method: string, body?: string): Promise<number> => {
    const stream = client.request({ ':method': method, ':path': '/' }, { endStream: body === undefined })
    if (body !== undefined) stream.end(body)
    return (await buffer(stream)).byteLength
  }
  expect([await ask('POST', 'x'.repeat(100_000)), await ask('GET')]).toEqual([100_005, 5])
  expect(await sizes(2)).toEqual([
    [2, 100_000],
    [2, 100_010],
  ])
})

describe('body sizes of fetch-style handlers', () => {
  it('are what was read of the response, and what the request announced', async () => {
    const handler = observeFetch(async () => new Response('four'), options as object)
    const post = (headers: Record<string, string>, body: string): Request =>
      new Request('http://x/', { method: 'POST', body, headers })
    await (await handler(post({ 'content-length': '3' }, 'abc'))).text()
    await (await handler(post({ 'content-length': '-3' }, 'abc'))).text() // not known
    await (await handler(new Request('http://x/'))).text()
    expect(await sizes(3)).toEqual([
      [2, 3],
      [3, 12],
    ])
  })

  it('are what had been read of a response that is given up', async () => {
    let chunks = 0
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        chunks += 1
        controller.enqueue(new Uint8Array(10))
      },
    })
    const handler = observeFetch(async () => new Response(body), options as object)
    const reader = (await handler(new Request('http://x/'))).body?.getReader()
    await reader?.read()
    await reader?.read()
    await reader?.cancel()
    expect(await sizes(1)).toEqual([
      [1, 0],
      [1, 20],
    ])
    expect(chunks).toBeGreaterThanOrEqual(2)
  })
})
