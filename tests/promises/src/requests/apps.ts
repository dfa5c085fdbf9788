/**
 * One small service for each adapter, as its users would write it, with the same routes everywhere:
 *
 * - `/whole/:id` answers at once, `/streamed/:id` in two parts, `/failed/:id` with a 500;
 * - `/unanswered/:id` never answers, `/begun/:id` sends a part and no more: both go on until their context ends;
 * - `/heavy/:id` answers with 1 MiB in one piece, `/large/:id` with 8 MiB in many, `/read/:id` answers when it has read the body of the request.
 */

import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { Http2Server } from 'node:http2'
import type { HttpOptions } from '@kit/http'

/** A server of the protocol that it was asked for; it does not listen yet. */
export type AppServer = Server | Http2Server

export type Protocol = 'HTTP/1' | 'HTTP/2'

/** An adapter, the protocols that its framework speaks on Node, and how a service with it comes to be. */
export interface App {
  readonly name: string
  readonly protocols: readonly Protocol[]
  make(protocol: Protocol, options?: HttpOptions): Promise<AppServer>
}

/** All adapters. What one does not need is not loaded. */
export const apps: readonly App[] = [
  app('Express', ['HTTP/1'], async () => (await import('./apps/express.ts')).expressApp),
  app('Koa', ['HTTP/1', 'HTTP/2'], async () => (await import('./apps/koa.ts')).koaApp),
  {
    name: 'Fastify',
    protocols: ['HTTP/1', 'HTTP/2'],
    make: async (protocol, options) => (await import('./apps/fastify.ts')).fastifyServer(protocol, options),
  },
  app('Hono', ['HTTP/1', 'HTTP/2'], async () => (await import('./apps/hono.ts')).honoApp),
  app('node:http', ['HTTP/1'], async () => (await import('./apps/node.ts')).nodeApp),
  app('node:http2', ['HTTP/2'], async () => (await import('./apps/node.ts')).nodeApp),
  app('fetch', ['HTTP/1'], async () => (await import('./apps/fetch.ts')).fetchApp),
]

/** Services without kit, one for each protocol. */
export const bareApps: readonly App[] = (['HTTP/1', 'HTTP/2'] as const).map((protocol) =>
  app(`without kit, ${protocol}`, [protocol], async () => (await import('./apps/bare.ts')).bareApp),
)

/** The adapter of this name, or the service without one. */
export function appOf(name: string): App {
  const found = [...apps, ...bareApps].find((one) => one.name === name)
  if (found === undefined) throw new Error(`There is no adapter ${name}.`)
  return found
}

function app(
  name: string,
  protocols: readonly Protocol[],
  load: () => Promise<(options?: HttpOptions) => RequestListener>,
): App {
  return {
    name,
    protocols,
    async make(protocol, options) {
      const listener = (await load())(options)
      return protocol === 'HTTP/1' ? createServer(listener) : createHttp2Server(listener as never)
    },
  }
}
