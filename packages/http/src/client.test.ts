import { once } from 'node:events'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { background, run } from '@kit/context'
import type { Context } from '@kit/context'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { observeClient } from './client.ts'
import { requestIdKey } from './request-id.ts'
import { traceKey } from './trace-context.ts'

let url: string
let handler: (req: IncomingMessage, res: ServerResponse) => void
let seen: IncomingHttpHeaders | undefined
let metrics: Metrics
let fetch: typeof globalThis.fetch
let close: () => Promise<unknown>

beforeEach(async () => {
  metrics = createMetrics()
  fetch = observeClient(globalThis.fetch, { metrics })
  seen = undefined
  handler = (_req, res) => void res.end('ok')
  const server = createServer((req, res) => {
    seen = req.headers
    handler(req, res)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  close = () => {
    server.close()
    server.closeAllConnections()
    return once(server, 'close')
  }
})
afterEach(() => close())

const trace = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', flags: '01' }

function requestContext(timeoutMs = Infinity): Context & { cancel(cause?: unknown): void } {
  return background.withValue(requestIdKey, 'req-1').withValue(traceKey, trace).withTimeout(timeoutMs)
}

/** `['200', '']`: status and error type of every call that was recorded. */
function recorded(): string[][] {
  const histogram = metrics.snapshot().metrics.find(({ name }) => name === 'http.client.request.duration')
  if (histogram?.kind !== 'histogram') return []
  return histogram.series.flatMap(({ labels, count }) =>
    Array.from({ length: count }, () => [
      labels['http.response.status_code'] ?? '',
      labels['error.type'] ?? '',
    ]),
  )
}

describe('what travels', () => {
  it('sends request id, trace and what is left of the deadline', async () => {
    const response = await run(requestContext(5000), () => fetch(`${url}/a`))
    expect(await response.text()).toBe('ok')
    expect(seen).toMatchObject({
      'x-request-id': 'req-1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    })
    expect(seen?.['grpc-timeout']).toMatch(/^\d{1,8}[mu]$/)
    expect(recorded()).toEqual([['200', '']])
  })

  it("keeps the caller's own headers, method and body", async () => {
    handler = (req, res) => {
      res.statusCode = req.method === 'PUT' ? 201 : 500
      req.pipe(res)
    }
    const headers = { 'x-request-id': 'mine', 'x-other': 'y', 'grpc-timeout': '50m' }
    const response = await run(requestContext(60_000), () =>
      fetch(url, { method: 'PUT', headers, body: 'data' }),
    )
    expect([response.status, await response.text()]).toEqual([201, 'data'])
    expect(seen).toMatchObject(headers)
  })

  it('takes a Request as fetch does', async () => {
    const request = new Request(url, { method: 'POST', headers: { 'x-other': 'z' }, body: 'data' })
    await (await run(requestContext(), () => fetch(request))).text()
    expect(seen).toMatchObject({ 'x-other': 'z', 'x-request-id': 'req-1' })
  })

  it('tells strangers nothing', async () => {
    const shy = observeClient(globalThis.fetch, { metrics, propagate: (to) => to.hostname !== '127.0.0.1' })
    await (await run(requestContext(5000), () => shy(url))).text()
    for (const header of ['x-request-id', 'traceparent', 'grpc-timeout'])
      expect(seen).not.toHaveProperty(header)
  })
})

describe('how a call ends', () => {
  it('sends nothing when too little time is left', async () => {
    const ctx = requestContext(2)
    await expect(run(ctx, () => fetch(url))).rejects.toMatchObject({ code: 'KIT_DEADLINE_EXCEEDED' })
    expect(seen).toBeUndefined()
    expect(recorded()).toEqual([['', 'deadline_exceeded']])
  })

  it('is aborted by the deadline before the answer', async () => {
    handler = () => {}
    const ctx = requestContext(30)
    const rejected = await run(ctx, () => fetch(url)).catch((error: unknown) => error)
    expect(rejected).toBe(ctx.err)
    expect(recorded()).toEqual([['', 'deadline_exceeded']])
  })

  it('is aborted in the middle of the body, and its server sees it go', async () => {
    const gone = new Promise((resolve) => {
      handler = (_req, res) => {
        res.write('part')
        res.once('close', resolve)
      }
    })
    const ctx = requestContext()
    const response = await run(ctx, () => fetch(url))
    const reader = response.body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('part')
    ctx.cancel('enough')
    await expect(reader?.read()).rejects.toBe(ctx.err)
    await gone
    expect(recorded()).toEqual([['200', '']])
  })

  it("obeys the caller's own signal as well, gives its reason back, and is no error then", async () => {
    handler = () => {}
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const call = run(requestContext(), () => fetch(url, { signal: controller.signal }))
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    expect(recorded()).toEqual([['', '']])
  })

  it('counts an error status, and a server that is not there by its code', async () => {
    handler = (_req, res) => void res.writeHead(503).end()
    const response = await fetch(url)
    expect([response.status, await response.text()]).toEqual([503, ''])
    await close()
    close = async () => {}
    await expect(fetch(url)).rejects.toThrow('fetch failed')
    expect(recorded()).toEqual([
      ['503', '503'],
      ['', 'ECONNREFUSED'],
    ])
  })

  it('leaves nothing on a long-lived context', async () => {
    const parent = background.withCancel()
    for (let i = 0; i < 20; i += 1) await (await run(parent, () => fetch(url))).text()
    const { length } = recorded()
    parent.cancel()
    await new Promise((resolve) => setImmediate(resolve))
    expect([length, recorded().length]).toEqual([20, 20])
  })
})

describe('the response', () => {
  it('is the one of fetch: status, headers, url, json', async () => {
    handler = (_req, res) =>
      void res.writeHead(201, { 'content-type': 'application/json', etag: 'x' }).end('{"a":1}')
    const response = await fetch(`${url}/path`)
    expect(response).toBeInstanceOf(Response)
    expect([response.status, response.headers.get('etag'), response.url]).toEqual([201, 'x', `${url}/path`])
    expect(await response.json()).toEqual({ a: 1 })
  })

  it('keeps what only fetch can give it: odd statuses, address and type of clones, bytes on demand', async () => {
    handler = (_req, res) => void res.writeHead(999, 'Odd \u00e9').end('bytes')
    const response = await fetch(`${url}/odd`)
    const copy = response.clone()
    expect([response.status, response.ok, copy.status, copy.url]).toEqual([999, false, 999, `${url}/odd`])
    expect(await copy.text()).toBe('bytes')
    const reader = (response.body as ReadableStream<Uint8Array>).getReader({ mode: 'byob' })
    const { value } = await reader.read(new Uint8Array(3))
    expect(new TextDecoder().decode(value)).toBe('byt')
    expect(new TextDecoder().decode((await reader.read(new Uint8Array(9))).value)).toBe('es')
    expect((await reader.read(new Uint8Array(9))).done).toBe(true)
    expect(recorded()).toEqual([['999', '999']])
  })

  it('leaves its connection to the next call', async () => {
    const ports = new Set<number | undefined>()
    handler = (req, res) => {
      ports.add(req.socket.remotePort)
      res.end('x'.repeat(100_000))
    }
    for (let i = 0; i < 10; i += 1) await (await run(requestContext(5000), () => fetch(url))).text()
    expect(ports.size).toBeLessThanOrEqual(2) // as many as fetch alone takes
  })

  it('may be given back unread', async () => {
    handler = (_req, res) => void res.write('endless')
    const response = await fetch(url)
    await response.body?.cancel()
    expect(recorded()).toEqual([['200', '']])
  })
})

it('refuses options it does not know', () => {
  expect(() => observeClient(globalThis.fetch, { metric: 1 } as never)).toThrow(
    expect.objectContaining({ code: 'KIT_HTTP_OPTION_UNKNOWN' }),
  )
})

it('records a response that nobody read when its context ends', async () => {
  handler = (_req, res) => void res.writeHead(503).end('sorry')
  const ctx = requestContext()
  await run(ctx, () => fetch(url))
  expect(recorded()).toEqual([])
  ctx.cancel('finished')
  await new Promise((resolve) => setImmediate(resolve))
  expect(recorded()).toEqual([['503', '503']])
})

it('observes an observed fetch once', () => {
  expect(observeClient(fetch, { metrics })).toBe(fetch)
})
