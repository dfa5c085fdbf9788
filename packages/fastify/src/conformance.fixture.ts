/** The conformance app on Fastify, over HTTP/1.1 and over HTTP/2. */

import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { background, current } from '@kit/context'
import { clientAddressKey, requestIdKey } from '@kit/http'
import type { HttpOptions } from '@kit/http'
import type { ConformanceServer, ConformanceSuite } from '@kit/http/testing'
import { adapterConformance, serveConformanceApp } from '@kit/http/testing'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Fastify from 'fastify'
import { kit } from './index.ts'

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

const failure = (): Error => new Error('meant to be')

async function conformanceApp(
  app: FastifyInstance,
  options: HttpOptions,
  times: number,
): Promise<ConformanceServer> {
  for (let i = 0; i < times; i += 1) await app.register(kit, options)

  const item = (request: FastifyRequest): unknown => {
    request.log.debug('handling')
    const requestId = current().value(requestIdKey)
    const logged = request.ctx?.value(requestIdKey) === requestId && 'silent' in request.log
    return {
      id: (request.params as { id: string }).id,
      requestId,
      address: current().value(clientAddressKey),
      logged,
    }
  }
  app.get('/items/:id', item)
  await app.register(
    async (orgs) => {
      orgs.get('/users/:id', item)
      orgs.get('/boom', () => {
        throw failure()
      })
    },
    { prefix: '/orgs/:org' },
  )
  app.post('/echo', async (request, reply) => {
    await turn()
    reply.code(current().err === undefined && current() === (request.ctx ?? background) ? 200 : 500)
    return request.body
  })
  app.get('/plain', (_request, reply) => reply.type('text/plain').send('plain'))
  app.get(
    '/guarded/:id',
    { preHandler: async (_request, reply) => reply.code(401).send({ error: 'not you' }) },
    item,
  )
  app.get('/fall/:id', (_request, reply) => void reply.callNotFound())
  app.get('/sync-error', () => {
    throw failure()
  })
  app.get('/async-error', async () => {
    await turn()
    throw failure()
  })
  app.get('/wait', async (request) => {
    await new Promise((resolve) => request.ctx.afterFunc(resolve))
    request.ctx.throwIfDone()
  })
  app.get('/late', (request, reply) => {
    request.ctx.afterFunc(() => void reply.header('x-late', 'yes').send('late'))
  })
  app.get('/stream', (request, reply) => {
    const body = new Readable({ read() {} })
    body.push('first')
    request.ctx.afterFunc(() => body.push(null))
    return reply.send(body)
  })
  app.get('/ws/:room', (request, reply) => {
    reply.hijack()
    request.raw.socket.write(switching)
  })
  app.get('/events', (request, reply) => {
    const body = new Readable({ read() {} })
    body.push('data: first\n\n')
    request.ctx.afterFunc(() => body.push(null))
    return reply.type('text/event-stream').send(body)
  })
  app.get('/broken', (_request, reply) => {
    async function* broken(): AsyncGenerator<string> {
      yield 'first'
      await turn()
      throw failure()
    }
    return reply.send(Readable.from(broken()))
  })
  app.get('/large', (_request, reply) => reply.send(Buffer.alloc(2 ** 25)))
  app.get('/redirect', (_request, reply) => reply.redirect('/items/1'))
  await app.ready()
  return serveConformanceApp(app.server)
}

/** Fastify answers a target that it cannot decode before it asks any plugin; plugin.test.ts has what remains. */
function reaches({ url = '' }: IncomingMessage): boolean {
  try {
    decodeURI(url)
    return true
  } catch {
    return false
  }
}

export const suites: readonly ConformanceSuite[] = [
  {
    adapter: 'Fastify 5',
    cases: adapterConformance((options, times) => conformanceApp(Fastify(), options, times), { reaches }),
  },
  {
    adapter: 'Fastify 5 over HTTP/2',
    cases: adapterConformance(
      (options, times) =>
        conformanceApp(Fastify({ http2: true }) as unknown as FastifyInstance, options, times),
      {
        protocol: 'HTTP/2',
        notApplicable: {
          'lets no client take an answer that the service broke off for the whole':
            'Fastify ends the stream as if it were whole, observed or not.',
        },
      },
    ),
  },
]
