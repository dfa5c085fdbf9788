/** The conformance app as a listener, on node:http and node:http2. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { constants, createServer as createHttp2Server } from 'node:http2'
import { current } from '@kit/context'
import { clientAddressKey } from './client-address.ts'
import { observeListener } from './node.ts'
import type { HttpOptions } from './options.ts'
import { requestIdKey } from './request-id.ts'
import type { ConformanceSuite } from './testing/index.ts'
import { adapterConformance, serveConformanceApp } from './testing/index.ts'

type Listener = (req: IncomingMessage, res: ServerResponse) => void
type Handler = (req: IncomingMessage, res: ServerResponse, params: string[]) => unknown

const item: Handler = (_req, res, params) => {
  res.setHeader('content-type', 'application/json')
  res.end(
    JSON.stringify({
      id: params.at(-1),
      requestId: current().value(requestIdKey),
      address: current().value(clientAddressKey),
      logged: true,
    }),
  )
}

const nobody: Handler = (_req, res) => {
  res.statusCode = 404
  res.end('nothing here')
}

const routes: readonly (readonly [method: string, pattern: RegExp, template: string, handler: Handler])[] = [
  ['GET', /^\/items\/([^/?]+)/, '/items/:id', item],
  ['GET', /^\/orgs\/([^/]+)\/users\/([^/]+)$/, '/orgs/:org/users/:id', item],
  [
    'GET',
    /^\/orgs\/([^/]+)\/boom$/,
    '/orgs/:org/boom',
    () => {
      throw new Error('boom')
    },
  ],
  [
    'POST',
    /^\/echo$/,
    '/echo',
    async (req, res) => {
      const chunks: Buffer[] = []
      for await (const chunk of req) chunks.push(chunk as Buffer)
      await new Promise((resolve) => setImmediate(resolve))
      res.statusCode = current().err === undefined ? 200 : 500
      res.end(Buffer.concat(chunks))
    },
  ],
  [
    'GET',
    /^\/plain$/,
    '/plain',
    (_req, res) => void res.setHeader('content-type', 'text/plain').end('plain'),
  ],
  ['GET', /^\/guarded\/([^/]+)$/, '/guarded/:id', (_req, res) => void res.writeHead(401).end('not you')],
  ['GET', /^\/fall\/([^/]+)$/, '/fall/:id', nobody],
  [
    'GET',
    /^\/sync-error$/,
    '/sync-error',
    () => {
      throw new Error('sync')
    },
  ],
  [
    'GET',
    /^\/async-error$/,
    '/async-error',
    async () => {
      await Promise.resolve()
      throw new Error('async')
    },
  ],
  [
    'GET',
    /^\/wait$/,
    '/wait',
    async () => {
      const ctx = current()
      await new Promise((resolve) => ctx.afterFunc(resolve))
      ctx.throwIfDone()
    },
  ],
  [
    'GET',
    /^\/late$/,
    '/late',
    (_req, res) => {
      current().afterFunc(() => {
        res.setHeader('x-late', 'yes')
        res.end('late')
      })
    },
  ],
  [
    'GET',
    /^\/broken$/,
    '/broken',
    async (_req, res) => {
      res.write('first')
      await new Promise((resolve) => setImmediate(resolve))
      throw new Error('broken')
    },
  ],
  ['GET', /^\/large$/, '/large', (_req, res) => void res.end(Buffer.alloc(2 ** 25))],
  [
    'GET',
    /^\/stream$/,
    '/stream',
    (_req, res) => {
      res.write('first')
      current().afterFunc(() => res.end())
    },
  ],
  [
    'GET',
    /^\/events$/,
    '/events',
    (_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' }).write('data: first\n\n')
      current().afterFunc(() => res.end())
    },
  ],
  [
    'GET',
    /^\/ws\/([^/]+)$/,
    '/ws/:room',
    (req) =>
      void req.socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      ),
  ],
  [
    'GET',
    /^\/redirect$/,
    '/redirect',
    (_req, res) => void res.writeHead(302, { location: '/items/1' }).end(),
  ],
]

function match(req: IncomingMessage): { template: string; handler: Handler; params: string[] } | undefined {
  for (const [method, pattern, template, handler] of routes) {
    const found = pattern.exec(req.url ?? '')
    if (found !== null && (req.method === method || (req.method === 'HEAD' && method === 'GET'))) {
      return { template, handler, params: found.slice(1) }
    }
  }
  return undefined
}

/** The errors that the app's handlers throw are to reach whoever reports them; here that is the framework of the test. */
function listenerOf(options: HttpOptions, times: number): Listener {
  const app = (req: IncomingMessage, res: ServerResponse): unknown => {
    const route = match(req)
    if (route !== undefined) {
      if (options.log) options.log.withContext(current()).debug('handling')
      return route.handler(req, res, route.params)
    }
    return nobody(req, res, [])
  }
  // What a framework does with an error: answers, and does not let it out.
  const framework = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    try {
      await app(req, res)
    } catch {
      if (res.headersSent) return breakOff(res)
      res.statusCode = 500
      res.end('Internal Server Error\n')
    }
  }
  let listener: Listener = (req, res) => void framework(req, res)
  for (let i = 0; i < times; i += 1) {
    listener = observeListener(listener, {
      ...options,
      route: (req) => match(req as IncomingMessage)?.template,
    })
  }
  return listener
}

/** HTTP/2 takes a stream that is merely destroyed for one that has ended. */
function breakOff(res: ServerResponse | Http2ServerResponse): void {
  if ('stream' in res) res.stream?.close(constants.NGHTTP2_INTERNAL_ERROR)
  else res.destroy()
}

export const suites: readonly ConformanceSuite[] = [
  {
    adapter: 'node:http',
    cases: adapterConformance((options, times) =>
      serveConformanceApp(createServer(listenerOf(options, times))),
    ),
  },
  {
    adapter: 'node:http2',
    cases: adapterConformance(
      (options, times) => serveConformanceApp(createHttp2Server(listenerOf(options, times) as never)),
      { protocol: 'HTTP/2' },
    ),
  },
]
