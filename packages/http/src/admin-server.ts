/**
 * The service's back door: metrics, health and log levels on a port of their own, so that the application's
 * port shows none of it and a flood there does not hide it. On loopback unless told otherwise.
 */

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { clock } from '@kit/context'
import type { LevelTree } from '@kit/log'
import type { FetchHandler } from './bridge.ts'
import { toNodeListener } from './bridge.ts'
import { HttpError } from './errors.ts'
import type { HealthChecks } from './health.ts'
import { healthAnswer, healthEndpoint } from './health.ts'
import { rejectUnknown } from './options.ts'
import { ownAnswer, plainAnswer } from './plain-answer.ts'
import { levelEndpoint, metricsEndpoint } from './readings.ts'
import { Scrapes } from './scrapes.ts'

/** Options of {@link adminServer}. What is not given is not served. */
export interface AdminServerOptions {
  /** Default: 9464. 0 takes any free port. */
  port?: number
  /** The address to listen on. Default: `127.0.0.1`, which only this machine reaches. */
  host?: string
  /** The sink shown at `/metrics`, normally `prometheus()`. */
  metrics?: { handler: FetchHandler }
  /** The sink shown at `/metrics.json`, normally `memory()`. */
  memory?: { handler: FetchHandler }
  /** The levels at `/log/levels`; needs `authorize`. */
  levels?: LevelTree
  /** Who may read and change the levels. `'none'` lets everybody who reaches the port, and is refused off loopback. */
  authorize?: ((request: Request) => boolean | Promise<boolean>) | 'none'
  /**
   * What `/readyz` checks: all at once, within a second each, and at most once a second. `/livez` always answers 200 while the
   * process serves.
   */
  health?: HealthChecks
  /** The service is not ready yet: `/readyz` and `/startupz` answer 503 until `ready()`. Default: false. */
  starting?: boolean
  /** Further handlers by path; a path that ends in `/` takes everything below it. */
  routes?: Readonly<Record<string, FetchHandler>>
}

/** A running admin server. */
export interface AdminServer {
  /** `http://127.0.0.1:9464` */
  readonly url: string
  readonly port: number
  readonly server: Server
  /** Pages of metrics that were sent whole so far. */
  readonly scrapes: number
  /** Resolves when a scrape that begins after this call was sent whole. */
  nextScrape(): Promise<void>
  /** The service has started: `/startupz` answers 200, and `/readyz` what the checks say. */
  ready(): void
  /** The service is going: from now on `/readyz` answers 503, whatever the checks say. */
  notReady(): void
  /** Stops accepting, waits for what is being answered at most `timeoutMs` (default 1,000), then cuts it. */
  close(timeoutMs?: number): Promise<void>
}

/**
 * Starts the admin server: `/` (an index), `/metrics`, `/metrics.json`, `/log/levels`, `/livez`, `/readyz`,
 * `/startupz` and `routes`. On a loopback address, requests whose `Host` is another name get 403: a web page that rebinds its
 * name to 127.0.0.1 gets nothing.
 *
 * @throws HttpError `KIT_ADMIN_UNPROTECTED` for levels with `authorize: 'none'` off loopback,
 *   `KIT_ADMIN_PORT_IN_USE`; LogError for levels without `authorize`.
 */
export async function adminServer(options: AdminServerOptions = {}): Promise<AdminServer> {
  const { port = 9464, host = '127.0.0.1' } = options
  rejectUnknown('', options, known)
  const loopback = isLoopback(host)
  const scrapes = new Scrapes()
  let phase: Phase = options.starting === true ? 'starting' : 'ready'
  const routes = routesOf(options, loopback, () => phase)
  const serve = toNodeListener((request) => dispatch(routes, request))
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (req, res) => {
    // A browser always names the host; a client that does not is no browser.
    const name = req.headers.host
    if (loopback && name !== undefined && !isLoopback(hostnameOf(name))) {
      res.writeHead(403, { 'content-type': 'text/plain; charset=utf-8', ...ownAnswer })
      res.end('This host name is not served here.\n')
      return
    }
    if (req.method === 'GET' && options.metrics !== undefined && pathOf(req.url) === '/metrics')
      scrapes.begun(res)
    serve(req, res)
  })
  await listen(server, port, host)
  const bound = (server.address() as AddressInfo).port
  const shown = host.includes(':') ? `[${host}]` : host
  return {
    url: `http://${shown}:${bound}`,
    port: bound,
    server,
    get scrapes() {
      return scrapes.total
    },
    nextScrape: () => scrapes.next(),
    ready: () => {
      if (phase === 'starting') phase = 'ready'
    },
    notReady: () => {
      phase = 'draining'
    },
    close: (timeoutMs = 1000) => close(server, timeoutMs),
  }
}

const known = ['port', 'host', 'metrics', 'memory', 'levels', 'authorize', 'health', 'starting', 'routes']

/** Where a service is in its life. */
type Phase = 'starting' | 'ready' | 'draining'

function routesOf(
  options: AdminServerOptions,
  loopback: boolean,
  phaseNow: () => Phase,
): Map<string, FetchHandler> {
  const routes = new Map<string, FetchHandler>()
  if (options.metrics) routes.set('/metrics', metricsEndpoint(options.metrics))
  if (options.memory) routes.set('/metrics.json', metricsEndpoint(options.memory))
  if (options.levels) {
    const { authorize } = options
    if (authorize === 'none' && !loopback) {
      throw new HttpError(
        'KIT_ADMIN_UNPROTECTED',
        "adminServer: log levels on an address that others reach need an authorize function, not 'none'.",
      )
    }
    const levels = levelEndpoint(options.levels, { authorize: authorize as 'none', base: '/log/levels' })
    routes.set('/log/levels', levels)
    routes.set('/log/levels/', levels)
  }
  routes.set('/livez', healthEndpoint())
  const ready = healthEndpoint(options.health)
  routes.set('/readyz', (request) =>
    phaseNow() === 'ready' ? ready(request) : healthAnswer({ status: phaseNow(), checks: {} }),
  )
  routes.set('/startupz', () =>
    healthAnswer({ status: phaseNow() === 'starting' ? 'starting' : 'ok', checks: {} }),
  )
  const own = Object.entries(options.routes ?? {})
  const shown = [...routes.keys(), ...own.map(([path]) => path)].filter((path) => path !== '/log/levels/')
  routes.set('/', () => plainAnswer(200, `${shown.join('\n')}\n`))
  for (const [path, handler] of own) routes.set(path, handler)
  return routes
}

function pathOf(target: string = '/'): string {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

function dispatch(routes: Map<string, FetchHandler>, request: Request): Response | Promise<Response> {
  const { pathname } = new URL(request.url)
  const exact = routes.get(pathname)
  if (exact) return exact(request)
  for (const [path, handler] of routes) {
    if (path.length > 1 && path.endsWith('/') && pathname.startsWith(path)) return handler(request)
  }
  return plainAnswer(404, 'Not Found\n')
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw new HttpError('KIT_ADMIN_PORT_IN_USE', `adminServer: port ${port} on ${host} is in use.`, error)
  }
}

async function close(server: Server, timeoutMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = clock.setTimer(timeoutMs, () => server.closeAllConnections(), { ref: true })
  await closed
  cut.cancel()
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

/** The name in a Host header, without port and brackets. */
function hostnameOf(header: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(header)
  return bracketed?.[1] ?? header.replace(/:\d*$/, '').toLowerCase()
}
