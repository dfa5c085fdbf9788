import { once } from 'node:events'
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2'
import type { ClientHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { kit } from './koa.ts'
import { closing, koas, observe, stop } from './served.fixture.ts'

afterEach(stop)

describe.each(koas)('%s', (_, Framework) => {
  it('answers over HTTP/2: whole, failed, too late, and to nobody', async () => {
    const { all, lines, counter } = observe({ timeoutMs: 400 }) // long enough for what is not meant to be late
    const left: { stream?: ClientHttp2Stream } = {}
    const app = new Framework()
    app.silent = true
    app.use(kit(all))
    app.use(async (ctx) => {
      if (ctx.path === '/ok') return void (ctx.body = Readable.from(['o', 'k']))
      if (ctx.path === '/error') throw new Error('meant to be')
      if (ctx.path === '/left') left.stream?.close(constants.NGHTTP2_CANCEL)
      ctx.status = 201
      await new Promise((resolve) => ctx.state.ctx.afterFunc(resolve))
      ctx.body = 'late'
    })
    const callback = app.callback()
    const server = createHttp2Server((req, res) => void callback(req, res)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    closing.push(() => {
      client.destroy()
      server.close()
    })
    const get = async (path: string): Promise<unknown[]> => {
      const stream = client.request({ ':path': path })
      const [headers] = (await once(stream, 'response')) as [Record<string, string>]
      return [headers[':status'], headers['x-request-id']?.length, await text(stream)]
    }
    expect(await get('/ok')).toEqual([200, 32, 'ok'])
    expect(await get('/error')).toEqual([500, 32, 'Internal Server Error'])
    expect(await get('/late')).toEqual([503, 32, 'Service Unavailable\n'])
    await expect.poll(() => counter('kit.http.late_responses')).toBe(1)
    left.stream = client.request({ ':path': '/left' })
    await expect
      .poll(() => lines().map(({ outcome, status }) => [outcome, status]))
      .toEqual([
        ['ok', 200],
        ['error', 500],
        ['deadline', 503],
        ['canceled', null],
      ])
  })
})
