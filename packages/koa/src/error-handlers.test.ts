import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { createLogger } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import Koa from 'koa'
import { expect, it } from 'vitest'
import { kit } from './koa.ts'

const koas = [
  ['Koa 2', createRequire(import.meta.url)('koa2') as typeof Koa],
  ['Koa 3', Koa],
] as const

/** What the error handlers of these tests are called with. */
type OnError = (this: Koa.Context, error: unknown) => void

/** Answers an error in its own way, as packages that replace Koa's do. */
function answering(text: string): OnError {
  return function (error) {
    if (error === null || error === undefined) return
    this.res.statusCode = 502
    this.res.end(text)
  }
}

it.each(koas)(
  '%s: an error handler is asked whenever it was set, and the error is known',
  async (_, Framework) => {
    const log = memoryDestination()
    const app = new Framework()
    app.silent = true
    app.use(kit({ metrics: createMetrics(), log: createLogger({ format: 'json', destination: log }) }))
    app.use((ctx) => {
      if (ctx.path === '/own') Object.assign(ctx, { onerror: answering('own') })
      throw new Error(`failed at ${ctx.path}`)
    })
    const handle = app.callback()
    const server = createServer((req, res) => void handle(req, res)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const ask = async (path: string): Promise<string> => {
      const { port } = server.address() as AddressInfo
      const response = await fetch(`http://127.0.0.1:${port}${path}`)
      return `${response.status} ${await response.text()} ${String(response.headers.has('x-request-id'))}`
    }
    try {
      expect(await ask('/first')).toBe('500 Internal Server Error true')
      Object.assign(app.context, { onerror: answering('replaced') })
      expect(await ask('/second')).toBe('502 replaced true')
      expect(await ask('/third')).toBe('502 replaced true')
      expect(await ask('/own')).toBe('502 own true')
      expect(log.records.map(({ err }) => (err as { message?: unknown } | undefined)?.message)).toEqual([
        'failed at /first',
        'failed at /second',
        'failed at /third',
        'failed at /own',
      ])
    } finally {
      server.close()
      server.closeAllConnections()
    }
  },
)
