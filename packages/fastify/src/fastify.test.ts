import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { current } from '@kit/context'
import { requestIdKey } from '@kit/http'
import type { HttpOptions } from '@kit/http'
import type { ConformanceServer } from '@kit/http/testing'
import { adapterConformance, serveConformanceApp, upgradeConformance } from '@kit/http/testing'
import type { FastifyRequest } from 'fastify'
import Fastify from 'fastify'
import { describe, it } from 'vitest'
import { kit } from './index.ts'

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

const failure = (): Error => new Error('meant to be')

async function conformanceApp(options: HttpOptions, times: number): Promise<ConformanceServer> {
  const app = Fastify()
  for (let i = 0; i < times; i += 1) await app.register(kit, options)

  const item = (request: FastifyRequest): unknown => {
    request.log.debug('handling')
    const requestId = current().value(requestIdKey)
    const logged = request.ctx?.value(requestIdKey) === requestId && 'silent' in request.log
    return { id: (request.params as { id: string }).id, requestId, logged }
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
    reply.code(current().err === undefined && current() === request.ctx ? 200 : 500)
    return request.body
  })
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
const refusals = /^survives any request line/

describe('Fastify 5', () => {
  const cases = adapterConformance(conformanceApp).filter(({ name }) => !refusals.test(name))
  it.each(cases)('$name', ({ run }) => run())
  it.each(upgradeConformance(conformanceApp))('$name', ({ run }) => run())
})
