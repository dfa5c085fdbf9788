import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { background, run } from '@kit/context'
import { createMetrics } from '@kit/metrics'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { observeClient } from './client.ts'
import { requestIdKey } from './request-id.ts'

interface Arrival {
  readonly host: string
  readonly path: string
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

let home: Server
let strange: Server
let arrivals: Arrival[]

beforeEach(async () => {
  arrivals = []
  ;[home, strange] = await Promise.all([listen('home'), listen('strange')])
})
afterEach(() => {
  for (const server of [home, strange]) {
    server.close()
    server.closeAllConnections()
  }
})

/** `/302/x` redirects to what the `to` parameter says, everything else answers its path. */
async function listen(host: string): Promise<Server> {
  const server = createServer((req, res) => void serve(host, req, res)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function serve(host: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of req.setEncoding('utf8')) body += chunk as string
  const { pathname, searchParams } = new URL(req.url ?? '', 'http://x')
  arrivals.push({ host, path: pathname, method: req.method ?? '', headers: req.headers, body })
  const [, status] = /^\/(3\d\d)$/.exec(pathname) ?? []
  const to = searchParams.get('to')
  res.writeHead(Number(status ?? 200), to === null ? {} : { location: to })
  res.end(`${host}${pathname}`)
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A client that tells only `home`, under a context with a request id. */
function careful(input: string | Request, init?: RequestInit): Promise<Response> {
  const fetch = observeClient(globalThis.fetch, {
    metrics: createMetrics(),
    propagate: (url) => url.origin === urlOf(home),
  })
  return run(background.withValue(requestIdKey, 'req-1').withTimeout(10_000), () => fetch(input, init))
}

const redirect = (status: number, to: string): string =>
  `${urlOf(home)}/${status}?to=${encodeURIComponent(to)}`

it('tells a host that it is redirected to nothing that it may not know, and tells home again', async () => {
  const back = `${urlOf(strange)}/302?to=${encodeURIComponent(`${urlOf(home)}/end`)}`
  const response = await careful(redirect(302, back), {
    headers: { authorization: 'secret', cookie: 'c=1', 'x-own': '1' },
  })
  expect([await response.text(), response.url, response.redirected]).toEqual([
    'home/end',
    `${urlOf(home)}/end`,
    true,
  ])
  expect(
    arrivals.map(({ host, headers }) => [
      host,
      headers['x-request-id'],
      headers['grpc-timeout'] === undefined,
      headers.authorization,
      headers.cookie,
      headers['x-own'],
    ]),
  ).toEqual([
    ['home', 'req-1', false, 'secret', 'c=1', '1'],
    ['strange', undefined, true, undefined, undefined, '1'],
    ['home', 'req-1', false, undefined, undefined, '1'],
  ])
})

const body = { body: 'data', headers: { 'content-type': 'text/x' } }

it.each<[number, string]>(
  [301, 302, 303, 307, 308].flatMap((status) =>
    ['GET', 'HEAD', 'POST', 'PUT'].map((method): [number, string] => [status, method]),
  ),
)('does with %i after %s what fetch does', async (status, method) => {
  const init = { method, ...(method.startsWith('P') ? body : {}) }
  const relative = `/${status}?to=${encodeURIComponent('end?x=1#there')}`
  const direct = await fetch(`${urlOf(home)}${relative}`, init)
  const expected = [await direct.text(), direct.url, direct.redirected, direct.status]
  const byFetch = arrivals.splice(0)
  const response = await careful(`${urlOf(home)}${relative}`, init)
  expect([await response.text(), response.url, response.redirected, response.status]).toEqual(expected)
  const seen = (all: Arrival[]): unknown[] =>
    all.map((one) => [
      one.path,
      one.method,
      one.body,
      one.headers['content-type'],
      one.headers['content-length'],
    ])
  expect(seen(arrivals)).toEqual(seen(byFetch))
})

describe('what it does not follow', () => {
  it('a redirect without an address, and one that the caller wants to see', async () => {
    expect((await careful(`${urlOf(home)}/302`)).status).toBe(302)
    expect((await careful(redirect(302, '/x'), { redirect: 'manual' })).status).toBe(302)
    await expect(careful(redirect(302, '/x'), { redirect: 'error' })).rejects.toThrow('fetch failed')
    await expect(careful(new Request(redirect(302, '/x'), { redirect: 'error' }))).rejects.toThrow(
      'fetch failed',
    )
  })

  it.each(['http://', 'file:///etc/passwd', 'javascript:alert(1)', 'data:,x'])(
    'an address such as %s',
    async (to) => {
      await expect(careful(redirect(302, to))).rejects.toThrow('fetch failed')
      expect(arrivals.length).toBe(1)
    },
  )

  it('a circle, for longer than fetch does', async () => {
    const circle = `${urlOf(home)}/308`
    home.removeAllListeners('request')
    home.on('request', (req, res) => {
      arrivals.push({ host: '', path: '', method: '', headers: req.headers, body: '' })
      res.writeHead(308, { location: circle }).end()
    })
    await expect(careful(circle)).rejects.toThrow('fetch failed')
    expect(arrivals.length).toBe(21)
    await expect(fetch(circle)).rejects.toThrow('fetch failed')
    expect(arrivals.length).toBe(42)
  })

  it('307 and 308 with a body that is gone, while a Request without one goes on', async () => {
    const stream = new Blob(['data']).stream()
    await expect(
      careful(redirect(307, '/end'), { method: 'POST', body: stream, duplex: 'half' } as RequestInit),
    ).rejects.toThrow('fetch failed')
    await expect(
      careful(new Request(redirect(308, '/end'), { method: 'POST', body: 'data' })),
    ).rejects.toThrow('fetch failed')
    const kept = await careful(new Request(redirect(308, '/end'), { headers: { 'x-own': '1' } }))
    expect([await kept.text(), arrivals.at(-1)?.headers['x-own']]).toEqual(['home/end', '1'])
    const turned = await careful(new Request(redirect(303, '/end'), { method: 'POST', body: 'data' }))
    expect([await turned.text(), arrivals.at(-1)?.method]).toEqual(['home/end', 'GET'])
  })
})

it('takes a host for which propagate throws as a stranger', async () => {
  const fetch = observeClient(globalThis.fetch, {
    metrics: createMetrics(),
    propagate: () => {
      throw new Error('no')
    },
  })
  const ctx = background.withValue(requestIdKey, 'req-1')
  expect(await (await run(ctx, () => fetch(`${urlOf(home)}/a`))).text()).toBe('home/a')
  expect(arrivals[0]?.headers).not.toHaveProperty('x-request-id')
})
