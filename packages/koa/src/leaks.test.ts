import { once } from 'node:events'
import type { EventEmitter } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo, Socket } from 'node:net'
import { Readable } from 'node:stream'
import { current } from '@kit/context'
import { liveContexts } from '@kit/context/testing'
import { createMetrics } from '@kit/metrics'
import { Router } from '@koa/router'
import Koa from 'koa'
import { expect, it } from 'vitest'
import { kit } from './koa.ts'

const koas = [
  ['Koa 2', createRequire(import.meta.url)('koa2') as typeof Koa],
  ['Koa 3', Koa],
] as const

const connections = 10
/** A multiple of 40, in which each kind has its share. */
const requestsOnEach = 40 * Math.ceil(3 * Number(process.env['KIT_FUZZ_RUNS'] ?? 1))

/** What the requests are for, and the error type that each is to be counted with. */
const errorOf = { whole: '', streamed: '', failed: '500', unanswered: 'client_abort', begun: 'client_abort' }

function kindOf(n: number): keyof typeof errorOf {
  if (n % 40 === 13) return 'unanswered'
  if (n % 40 === 27) return 'begun'
  return (['whole', 'streamed', 'failed'] as const)[n % 3] ?? 'whole'
}

it.each(koas)(
  '%s: of thousands of requests, a twentieth given up by their clients, nothing is left',
  async (_, Framework) => {
    const metrics = createMetrics()
    const app = new Framework()
    const arrived = new Map<string, () => void>()
    const router = new Router()
    router.get('/whole/:id', (ctx) => void (ctx.body = { id: ctx.params['id'] }))
    router.get('/streamed/:id', (ctx) => void (ctx.body = Readable.from(['o', 'k'])))
    router.get('/failed/:id', () => {
      throw new Error('meant to be')
    })
    router.get('/unanswered/:id', async (ctx) => {
      arrived.get(ctx.params['id'] ?? '')?.()
      await new Promise((resolve) => ctx.state.ctx.afterFunc(resolve))
    })
    router.get('/begun/:id', (ctx) => {
      const { signal } = ctx.state.ctx
      const leave = arrived.get(ctx.params['id'] ?? '')
      ctx.body = Readable.from(
        (async function* parts() {
          yield 'first'
          leave?.()
          await new Promise((resolve) => signal.addEventListener('abort', resolve))
          expect(current().err).toBeDefined()
        })(),
      )
    })
    app.silent = true
    app.use(kit({ metrics, log: false, timeoutMs: 600_000 }))
    app.use(router.routes())
    const callback = app.callback()
    const server = createServer({ keepAliveTimeout: 600_000 }, (req, res) => void callback(req, res))
    const sockets: Socket[] = []
    server.on('connection', (socket) => sockets.push(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo

    const agent = new Agent({ keepAlive: true, maxSockets: connections })
    const send = (path: string, options: { agent: Agent | false }): ClientRequest =>
      request({ ...options, port, host: '127.0.0.1', path })
        .on('error', () => {})
        .end()
    const finish = async (path: string): Promise<void> => {
      const [response] = (await once(send(path, { agent }), 'response')) as [IncomingMessage]
      response.resume()
      await once(response, 'close')
    }
    const giveUp = async (path: string, id: string): Promise<void> => {
      const sent = send(path, { agent: false })
      sent.on('response', (response) => response.on('error', () => {}).resume())
      arrived.set(id, () => sent.destroy())
      await new Promise((resolve) => sent.once('close', resolve))
      arrived.delete(id)
    }
    const round = (n: number): Promise<void> => {
      const path = `/${kindOf(n)}/${n}`
      return errorOf[kindOf(n)] === 'client_abort' ? giveUp(path, String(n)) : finish(path)
    }
    const watched: EventEmitter[] = [server, app, process]
    const seen = (): unknown => ({
      listeners: [...watched, ...sockets.filter(({ destroyed }) => !destroyed)].map(listenersOf),
      // Timers are those of the test that waits: kit's keep nothing alive.
      handles: process
        .getActiveResourcesInfo()
        .filter((type) => !/^(Immediate|TickObject|Timeout)$/.test(type))
        .toSorted(),
      contexts: liveContexts().filter(({ watched: listened }) => listened).length,
      active: sumOf(metrics, 'http.server.active_requests'),
    })

    await Promise.all(Array.from({ length: connections }, (_unused, n) => finish(`/whole/${n}`)))
    const before = seen()
    await Promise.all(
      Array.from({ length: connections }, async (_unused, connection) => {
        for (let n = 0; n < requestsOnEach; n += 1) await round(connection * requestsOnEach + n)
      }),
    )
    await expect.poll(seen, { timeout: 10_000 }).toEqual(before)
    expect(before).toMatchObject({ active: 0, contexts: 0 })
    const given: Record<string, number> = { '': connections }
    for (let n = 0; n < connections * requestsOnEach; n += 1) {
      const error = errorOf[kindOf(n)]
      given[error] = (given[error] ?? 0) + 1
    }
    expect(countsOf(metrics)).toEqual(given)
    expect(given['client_abort']).toBe((connections * requestsOnEach) / 20)

    agent.destroy()
    server.close()
    await once(server, 'close')
  },
)

function listenersOf(emitter: EventEmitter): Record<string, number> {
  return Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]))
}

type Metrics = ReturnType<typeof createMetrics>

function sumOf(metrics: Metrics, name: string): number {
  const metric = metrics.snapshot().metrics.find((one) => one.name === name)
  return metric === undefined || metric.kind === 'histogram'
    ? NaN
    : metric.series.reduce((sum, { value }) => sum + value, 0)
}

/** How many requests ended with which error type. */
function countsOf(metrics: Metrics): Record<string, number> {
  const counts: Record<string, number> = {}
  const histogram = metrics.snapshot().metrics.find(({ name }) => name === 'http.server.request.duration')
  if (histogram?.kind !== 'histogram') return counts
  for (const { labels, count } of histogram.series) {
    const type = labels['error.type'] ?? ''
    counts[type] = (counts[type] ?? 0) + count
  }
  return counts
}
