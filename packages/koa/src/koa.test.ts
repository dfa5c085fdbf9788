import { createServer } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { current } from '@kit/context'
import { requestIdKey } from '@kit/http'
import { observeListener } from '@kit/http/node'
import mount from 'koa-mount'
import { afterEach, describe, expect, it } from 'vitest'
import { kit } from './koa.ts'
import { koas, listen, observe, serve, stop } from './served.fixture.ts'

afterEach(stop)

describe.each(koas)('%s', (_, Framework) => {
  it('lets a body that is made while it is read find its context', async () => {
    const { url, line, lines } = await serve(Framework, (app) => {
      app.use((ctx) => {
        const id = ctx.state.ctx.value(requestIdKey)
        ctx.body = Readable.from(
          (async function* parts() {
            for (let i = 0; i < 40; i += 1) {
              yield `${current().value(requestIdKey) === id} `.repeat(i === 0 ? 20_000 : 1)
              await new Promise((resolve) => setImmediate(resolve))
            }
            ctx.log.info('made')
          })(),
        )
      })
    })
    const body = await (await fetch(url)).text()
    expect(new Set(body.trim().split(' '))).toEqual(new Set(['true']))
    const { requestId } = (await line()) ?? {}
    expect(lines().find(({ msg }) => msg === 'made')?.['requestId']).toBe(requestId)
  })

  it('takes the place of a getter that the application has for all contexts', async () => {
    const { url } = await serve(Framework, (app) => {
      Object.defineProperty(app.context, 'log', { get: () => undefined })
      app.use((ctx) => {
        ctx.body = typeof ctx.log.info
      })
    })
    expect(await (await fetch(url)).text()).toBe('function')
  })

  it('observes what a handler writes past Koa', async () => {
    const { url, line } = await serve(Framework, (app) => {
      app.use((ctx) => {
        ctx.respond = false
        ctx.res.statusCode = 202
        ctx.res.end('by hand')
      })
    })
    expect(await (await fetch(url)).text()).toBe('by hand')
    expect(await line()).toMatchObject({ status: 202, outcome: 'ok' })
  })

  it('cancels the context with the reason when the client leaves, and blames nobody', async () => {
    let left: (cause: unknown) => void = () => {}
    const cause = new Promise((resolve) => {
      left = resolve
    })
    const { port, line } = await serve(Framework, (app) => {
      app.use(async (ctx) => {
        socket.resetAndDestroy()
        await new Promise((resolve) => ctx.state.ctx.afterFunc(resolve))
        left(ctx.state.ctx.cause)
        ctx.body = 'for nobody'
      })
    })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await cause).toBe('client disconnected')
    expect(await line()).toMatchObject({ outcome: 'canceled', errorType: 'client_abort', status: null })
  })

  it('observes once, however often and deep it is mounted', async () => {
    const outer = observe()
    const inner = observe()
    const { url } = await serve(
      Framework,
      (app) => {
        const mounted = new Framework()
        mounted.use(kit(inner.all))
        mounted.use((ctx) => void (ctx.body = `${ctx.state.ctx.err === undefined}`))
        app.use(kit(outer.all))
        app.use(kit(inner.all))
        app.use(mount('/mounted', mounted))
      },
      null,
    )
    expect(await (await fetch(`${url}/mounted`)).text()).toBe('true')
    await expect.poll(() => outer.lines().length).toBe(1)
    expect(inner.lines().length).toBe(0)
  })

  it('finds the observation of the listener around it', async () => {
    const outer = observe()
    const app = new Framework()
    app.use(kit())
    app.use((ctx) => void (ctx.body = ctx.state.ctx.value(requestIdKey)))
    const port = await listen(createServer(observeListener(app.callback(), outer.all)))
    const response = await fetch(`http://127.0.0.1:${port}/`)
    expect(await response.text()).toBe(response.headers.get('x-request-id'))
    await expect.poll(() => outer.lines().length).toBe(1)
  })
})
