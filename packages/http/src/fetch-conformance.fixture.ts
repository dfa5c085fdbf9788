/** The conformance app as a fetch-style handler, behind the bridge from node:http. */

import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import { current } from '@kit/context'
import { toNodeListener } from './bridge.ts'
import { clientAddressKey } from './client-address.ts'
import type { FetchHandler } from './endpoints.ts'
import { observeFetch } from './fetch.ts'
import type { HttpOptions } from './options.ts'
import { requestIdKey } from './request-id.ts'
import type { ConformanceSuite, StartConformanceApp } from './testing/index.ts'
import { adapterConformance, serveConformanceApp } from './testing/index.ts'

const failure = (): Error => new Error('meant to be')

/** The paths of the conformance app, as a router would have them. */
const routes: readonly (readonly [template: string, pattern: RegExp, handler: FetchHandler])[] = [
  ['/items/:id', /^\/items\/([^/]+)$/, item],
  ['/orgs/:org/users/:id', /^\/orgs\/[^/]+\/users\/([^/]+)$/, item],
  ['/orgs/:org/boom', /^\/orgs\/[^/]+\/boom$/, fail],
  ['/echo', /^\/echo$/, echo],
  ['/plain', /^\/plain$/, () => new Response('plain')],
  ['/guarded/:id', /^\/guarded\/[^/]+$/, () => new Response('not you', { status: 401 })],
  ['/fall/:id', /^\/fall\/[^/]+$/, () => new Response('Not Found', { status: 404 })],
  ['/sync-error', /^\/sync-error$/, fail],
  ['/async-error', /^\/async-error$/, async () => Promise.reject(failure())],
  ['/wait', /^\/wait$/, wait],
  [
    '/late',
    /^\/late$/,
    async () => new Promise((resolve) => current().afterFunc(() => resolve(new Response('late')))),
  ],
  ['/stream', /^\/stream$/, () => new Response(parts('first', (close) => current().afterFunc(close)))],
  [
    '/events',
    /^\/events$/,
    () =>
      new Response(
        parts('data: first\n\n', (close) => current().afterFunc(close)),
        { headers: { 'content-type': 'text/event-stream' } },
      ),
  ],
  [
    '/broken',
    /^\/broken$/,
    () => new Response(parts('first', (_, error) => void setImmediate(error, failure()))),
  ],
  ['/large', /^\/large$/, () => new Response(large())],
  ['/redirect', /^\/redirect$/, () => new Response(null, { status: 302, headers: { location: '/items/1' } })],
]

let log: HttpOptions['log']

function item(request: Request): Response {
  if (log) log.debug('handling')
  const requestId = current().value(requestIdKey)
  return Response.json({
    id: new URL(request.url).pathname.split('/').at(-1),
    requestId,
    address: current().value(clientAddressKey),
    logged: true,
  })
}

function fail(): never {
  throw failure()
}

async function echo(request: Request): Promise<Response> {
  const body = await request.text()
  return new Response(body, { status: current().err === undefined ? 200 : 500 })
}

async function wait(): Promise<Response> {
  await new Promise((resolve) => current().afterFunc(resolve))
  current().throwIfDone()
  return new Response()
}

/** A body of one chunk that ends, or fails, when it is told to. */
function parts(
  first: string,
  then: (close: () => void, error: (error: Error) => void) => void,
): ReadableStream {
  let open = true
  return new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(first))
      const close = (): void => {
        if (open) controller.close()
        open = false
      }
      then(close, (error) => controller.error(error))
    },
    cancel() {
      open = false
    },
  })
}

/** 32 MiB in chunks: of a single one, a server that reads ahead knows the end before its client has the beginning. */
function large(): ReadableStream {
  let left = 512
  return new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(2 ** 16))
      if ((left -= 1) === 0) controller.close()
    },
  })
}

function routeOf({ method, url }: Request): (typeof routes)[number] | undefined {
  const { pathname } = new URL(url)
  const methods = pathname === '/echo' ? ['POST'] : ['GET', 'HEAD']
  return methods.includes(method) ? routes.find(([, pattern]) => pattern.test(pathname)) : undefined
}

async function respond(request: Request): Promise<Response> {
  const route = routeOf(request)
  if (route === undefined) return new Response('Not Found', { status: 404 })
  try {
    return await route[2](request)
  } catch {
    return new Response('Internal Server Error', { status: 500 })
  }
}

const startApp: StartConformanceApp = (given, times) => {
  log = given.log
  let handler: FetchHandler = respond
  for (let i = 0; i < times; i += 1)
    handler = observeFetch(handler, { ...given, route: (request) => routeOf(request)?.[0] })
  return serveConformanceApp(createServer(toNodeListener(handler)))
}

/** The bridge refuses what it cannot make a URL of, and names that are none: the parser of Node 20.19 lets them through. */
function reaches({ url = '', method, headers, rawHeaders }: IncomingMessage): boolean {
  const host = headers.host || 'localhost'
  if (rawHeaders.some((name, i) => i % 2 === 0 && !/^[\w!#$%&'*+.^`|~-]+$/.test(name))) return false
  if (method === 'TRACE' || /[\s/@]/.test(host)) return false
  return URL.canParse(url.startsWith('/') ? `http://${host}${url}` : url)
}

const connectionless = 'A Request does not tell the address at the other end of its connection.'
const notApplicable = {
  Upgrades: 'A handler cannot reach the connection; its server upgrades it.',
  'takes the address of the connection for that of the client, whatever a client says was forwarded':
    connectionless,
  'believes what was forwarded as far as hops are trusted, from the right': connectionless,
  'counts pipelined requests whose client leaves before their turn, and cancels them':
    'A server that reads the bodies of pipelined requests before their turn may still hold them.',
  'records the size of a request that came in chunks':
    'Whoever reads the body of a Request knows its size, and nobody else.',
}

export const suites: readonly ConformanceSuite[] = [
  {
    adapter: 'observeFetch, on node:http',
    cases: adapterConformance(startApp, { reaches, notApplicable }),
  },
]
