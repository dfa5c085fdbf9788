/**
 * The upper layer: an HTTP server that kit observes. kit puts the request id, the trace and the address into the
 * context of a request, the application adds its own values, and from here on there is a context instead of headers.
 */

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Context } from '@kit/context'
import { current, run } from '@kit/context'
import type { HttpOptions } from '@kit/http'
import { internal } from '@kit/http'
import { observeListener } from '@kit/http/node'
import { requestScope } from '../scope/request-scope.ts'
import { Rendezvous } from './rendezvous.ts'
import { listOrders } from './service.ts'

/** Strangers reach it: what they claim about themselves is not believed. */
export const open: HttpOptions = {}

/** Only the edge reaches it, on this machine: its request id, its trace and the address that it saw are taken over. */
export const behindTheEdge: HttpOptions = { ...internal, address: { trust: ['127.0.0.1'] } }

/** A server that runs until it is disposed. */
export interface Server extends AsyncDisposable {
  readonly url: string
}

/** `/orders` answers a request by itself, `/pair` when two are there. */
export async function serveOrders(options: HttpOptions): Promise<Server> {
  const paths = new Map([
    ['/orders', new Rendezvous(1)],
    ['/pair', new Rendezvous(2)],
  ])

  // The handler. What `observeListener` derived for the request is ambient here, and explicit from here on.
  async function listener(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const rendezvous = paths.get(req.url ?? '')
    if (rendezvous === undefined) return void res.writeHead(404).end()
    const ctx = requestScope(current(), req.headers)
    await run(ctx, () => answer(ctx, rendezvous, res))
  }

  const route = (req: { url?: string | undefined }): string | undefined =>
    paths.has(req.url ?? '') ? req.url : undefined
  const server = createServer(observeListener(listener, { timeoutMs: 10_000, log: false, route, ...options }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function answer(ctx: Context, rendezvous: Rendezvous, res: ServerResponse): Promise<void> {
  try {
    const list = await listOrders(ctx, rendezvous)
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(list))
  } catch (error) {
    // When the context has ended there is nobody left to answer: the client is gone, or was told 503 by kit.
    if (error !== ctx.err) throw error
  }
}
