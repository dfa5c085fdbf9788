/** A service with Fastify, which makes its own server. */

import { Readable } from 'node:stream'
import { current } from '@kit/context'
import { kit as kitFastify } from '@kit/fastify'
import type { HttpOptions } from '@kit/http'
import { fastify } from 'fastify'
import type { FastifyInstance } from 'fastify'
import type { AppServer, Protocol } from '../apps.ts'
import { begun, ended, failure, heavy, item, lengthOf, parts } from './handlers.ts'

/** The service. */
export async function fastifyServer(protocol: Protocol, options?: HttpOptions): Promise<AppServer> {
  const app: FastifyInstance =
    protocol === 'HTTP/1' ? fastify() : (fastify({ http2: true }) as unknown as FastifyInstance)
  await app.register(kitFastify, options ?? {})
  app.get<{ Params: { id: string } }>('/whole/:id', async (request) => item(request.params.id))
  app.get('/heavy/:id', async () => heavy)
  app.get('/streamed/:id', (_request, reply) => reply.send(Readable.from(['one', 'two'])))
  app.get('/failed/:id', async () => {
    throw failure()
  })
  app.get('/unanswered/:id', async () => ended(current()))
  app.get('/begun/:id', (_request, reply) => reply.send(Readable.from(begun(current()))))
  app.get('/large/:id', (_request, reply) => reply.send(Readable.from(parts())))
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  app.post('/read/:id', async (request) => lengthOf(request.body as Readable))
  await app.ready()
  return app.server
}
