import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { connect, constants as http2Constants, createServer as createHttp2Server } from 'node:http2'
import type { ClientHttp2Session, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import type { AddressInfo } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { pipeline as pipelineUntil } from 'node:stream/promises'
import { current } from '@kit/context'
import { annotate, createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import { describe, expect, it } from 'vitest'
import { observeListener } from './node.ts'
import type { ListenerOptions } from './node.ts'

it('writes what a handler adds into the one line of the request, and lets it replace nothing', async () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', level: 'info', destination })
  const server = createServer(
    observeListener(
      (_req, res) => {
        annotate(current(), { customer: 'ann', status: 418, requestId: 'forged' })
        res.end()
      },
      { log, route: () => '/r' },
    ),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  await response.text()
  await expect.poll(() => destination.records).toHaveLength(1)
  expect(destination.records[0]).toMatchObject({
    msg: 'request',
    customer: 'ann',
    status: 200,
    requestId: response.headers.get('x-request-id'),
  })
  server.close()
  server.closeAllConnections()
})

const brokenOff: readonly [string, (res: ServerResponse) => void][] = [
  ['it was destroyed with', (res) => void res.destroy(new Error('no more rows'))],
  [
    'its body failed with',
    (res) => {
      const rows = new Readable({ read: () => rows.destroy(new Error('no more rows')) })
      pipeline(rows, res, () => {})
    },
  ],
]

/** The one line of a request whose response breaks off within its body. */
async function lineOfBroken(
  listener: (req: IncomingMessage, res: ServerResponse) => void,
  options: ListenerOptions = {},
): Promise<unknown> {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  const server = createServer(observeListener(listener, { log, ...options })).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  await expect(response.text()).rejects.toThrow('terminated')
  await expect.poll(() => destination.records).toHaveLength(1)
  server.close()
  return destination.records[0]
}

it.each(brokenOff)('says in the line of a response that was broken off what %s', async (_, breakOff) => {
  const line = await lineOfBroken((_req, res) => void res.write('first', () => breakOff(res)))
  expect(line).toMatchObject({
    outcome: 'error',
    errorType: 'server_abort',
    err: { message: 'no more rows' },
  })
})

it('keeps to the deadline where a body was given up for it', async () => {
  const givesUp = (_req: IncomingMessage, res: ServerResponse): void => {
    res.write('first')
    const { signal } = current()
    pipelineUntil(new Readable({ read: () => {} }), res, { signal }).catch(() => {})
  }
  expect(await lineOfBroken(givesUp, { timeoutMs: 20 })).toMatchObject({
    outcome: 'deadline',
    err: { code: 'KIT_DEADLINE_EXCEEDED' },
  })
})

it('says in the line of a response over HTTP/2 what it was broken off with', async () => {
  const destination = memoryDestination()
  const log = createLogger({ format: 'json', destination })
  const server = createHttp2Server(
    observeListener(
      (_req: Http2ServerRequest, res: Http2ServerResponse) =>
        void res.write('first', () => void res.stream.destroy(new Error('no more rows'))),
      { log },
    ),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const sent = client.request({ ':path': '/' }).on('error', () => {})
  sent.resume()
  await new Promise((resolve) => sent.on('close', resolve))
  await expect.poll(() => destination.records).toHaveLength(1)
  expect(destination.records[0]).toMatchObject({
    errorType: 'server_abort',
    err: { message: 'no more rows' },
  })
  client.close()
  server.close()
})

it('answers 503 with a head even where a middleware puts its end off', async () => {
  const server = createServer(
    observeListener(
      (_req, res) => {
        const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse
        res.end = ((...args: unknown[]) => {
          setImmediate(() => end(...args))
          return res
        }) as typeof res.end
      },
      { log: false, timeoutMs: 20 },
    ),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  expect([response.status, await response.text()]).toEqual([503, 'Service Unavailable\n'])
  server.close()
  server.closeAllConnections()
})

describe('node:http2', () => {
  async function http2(
    listener: (req: Http2ServerRequest, res: Http2ServerResponse) => unknown,
    use: (client: ClientHttp2Session) => Promise<unknown>,
    counted: number,
  ): Promise<string[]> {
    const metrics = createMetrics()
    const server = createHttp2Server()
    server.on(
      'request',
      observeListener(listener, { metrics, log: false, timeoutMs: 5000, route: () => '/r' }),
    )
    server.on('sessionError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    await use(client)
    const seen = (): string[] =>
      metrics.snapshot().metrics.flatMap((metric) => {
        if (metric.kind !== 'histogram') return []
        return metric.series.map(
          ({ labels, count }) =>
            `${count} ${labels['http.request.method']} ${labels['http.response.status_code']} ${labels['error.type'] ?? 'ok'}`,
        )
      })
    await expect.poll(() => seen().length).toBe(counted)
    const gauge = metrics.snapshot().metrics.find(({ name }) => name === 'http.server.active_requests')
    expect(gauge?.series.every((point) => 'value' in point && point.value === 0)).toBe(true)
    client.destroy()
    server.close()
    return seen()
  }

  function ask(
    client: ClientHttp2Session,
    path = '/',
    method = 'GET',
  ): Promise<{ status: number; code: number; body: string }> {
    return new Promise((resolve) => {
      const stream = client.request({ ':path': path, ':method': method })
      let status = 0
      let body = ''
      stream.setEncoding('utf8')
      stream.on('response', (headers) => (status = Number(headers[':status'])))
      stream.on('data', (chunk: string) => (body += chunk))
      stream.on('error', () => {})
      stream.on('close', () => resolve({ status, code: stream.rstCode ?? 0, body }))
      stream.end()
    })
  }

  it('counts a whole response, and bounds methods that HTTP/1 would not let through', async () => {
    let answer: unknown
    const counted = await http2(
      (_req, res) => res.end('ok'),
      async (client) => {
        answer = await ask(client)
        await ask(client, '/', 'BREWCOFFEE')
      },
      2,
    )
    expect(answer).toMatchObject({ status: 200, body: 'ok' })
    expect(counted).toEqual(['1 GET 200 ok', '1 _OTHER 200 ok'])
  })

  it('sees a stream that the client cancels, though it reports itself as finished', async () => {
    const counted = await http2(
      (_req, res) => void res.write('first'),
      (client) =>
        new Promise((resolve) => {
          const stream = client.request({ ':path': '/' })
          stream.on('error', () => {})
          stream.once('data', () => stream.close(http2Constants.NGHTTP2_CANCEL))
          stream.once('close', resolve)
        }),
      1,
    )
    expect(counted).toEqual(['1 GET 200 client_abort'])
  })

  it('does not blame the service for a connection that its client resets', async () => {
    const counted = await http2(
      (_req, res) => void res.write('first'),
      async (client) => {
        client.on('error', () => {})
        const stream = client.request({ ':path': '/' }).on('error', () => {})
        await once(stream, 'data')
        client.socket.resetAndDestroy()
      },
      1,
    )
    expect(counted).toEqual(['1 GET 200 client_abort'])
  })

  it('does not blame the client for a response that its service just destroys', async () => {
    const counted = await http2(
      (_req, res) => {
        res.write('half')
        setImmediate(() => res.destroy())
      },
      (client) => ask(client),
      1,
    )
    expect(counted).toEqual(['1 GET 200 server_abort'])
  })

  it('does not let a client take half an answer for the whole', async () => {
    let answer: { code: number } | undefined
    const counted = await http2(
      (_req, res) => {
        res.write('half')
        throw new Error('broken')
      },
      async (client) => {
        process.once('uncaughtException', () => {})
        answer = await ask(client)
      },
      1,
    )
    expect(answer?.code).toBe(http2Constants.NGHTTP2_INTERNAL_ERROR)
    expect(counted).toEqual(['1 GET 200 server_abort'])
  })
})

it('counts requests that come to it when their connection has closed, pipelined ones among them', async () => {
  const metrics = createMetrics()
  const log = createLogger({ destination: memoryDestination() })
  const observed = observeListener(() => {}, { metrics, log })
  const server = createServer((req, res) => {
    // Something that comes first, and takes its time.
    req.socket.once('close', () => setImmediate(() => observed(req, res)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connectTcp((server.address() as AddressInfo).port, '127.0.0.1')
  const arrived = once(server, 'request')
  socket.on('error', () => {}).write('GET /x HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3))
  await arrived
  socket.resetAndDestroy()
  const seriesOf = (name: string): number[] => {
    const found = metrics.snapshot().metrics.find((one) => one.name === name)
    return (found?.series ?? []).map((one) => ('count' in one ? one.count : one.value))
  }
  await expect.poll(() => seriesOf('http.server.request.duration')).toEqual([3])
  expect(seriesOf('http.server.active_requests')).toEqual([0])
  server.close()
})
