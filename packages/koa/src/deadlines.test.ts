import { Readable } from 'node:stream'
import { current } from '@kit/context'
import { internal } from '@kit/http'
import { afterEach, describe, expect, it } from 'vitest'
import { bytes, koas, serve, stop } from './served.fixture.ts'

afterEach(stop)

describe.each(koas)('%s', (_, Framework) => {
  it("sends the deadline's answer with a reason of its own, and counts one late response", async () => {
    const { port, line, counter, errors } = await serve(
      Framework,
      (app) => {
        app.use(async (ctx) => {
          ctx.status = 201
          ctx.body = 'early'
          await new Promise((resolve) => ctx.state.ctx.afterFunc(resolve))
          ctx.body = 'late'
        })
      },
      { timeoutMs: 30 },
    )
    expect(await bytes(port, 'GET /')).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/)
    expect(await line()).toMatchObject({ status: 503, outcome: 'deadline', errorType: 'deadline_exceeded' })
    await expect.poll(() => counter('kit.http.late_responses')).toBe(1)
    expect(errors).toEqual([])
  })

  it('lets Koa do nothing more for a request that had come too late', async () => {
    const { url, line, counter, errors } = await serve(
      Framework,
      (app) => {
        app.use((ctx) => void (ctx.body = 'never'))
      },
      internal,
    )
    const response = await fetch(url, { headers: { 'grpc-timeout': '0m' } })
    expect([response.status, await response.text()]).toEqual([504, 'Gateway Timeout\n'])
    expect(await line()).toMatchObject({ status: 504 })
    expect([counter('kit.http.late_responses'), errors]).toEqual([0, []])
  })

  it('ends the body stream of a handler that is late, and keeps the connection', async () => {
    const streams: Readable[] = []
    const { url, lines } = await serve(
      Framework,
      (app) => {
        app.use(async (ctx) => {
          if (ctx.path === '/late') await new Promise((resolve) => ctx.state.ctx.afterFunc(resolve))
          const stream = Readable.from(
            (async function* parts() {
              await new Promise((resolve) => current().afterFunc(resolve))
              current().throwIfDone()
              yield 'never'
            })(),
          )
          streams.push(stream)
          ctx.body = stream
        })
      },
      { timeoutMs: 30 },
    )
    expect([(await fetch(`${url}/late`)).status, (await fetch(`${url}/slow`)).status]).toEqual([503, 503])
    await expect.poll(() => streams.map(({ destroyed }) => destroyed)).toEqual([true, true])
    await expect.poll(() => lines().map(({ outcome }) => outcome)).toEqual(['deadline', 'deadline'])
  })
})
