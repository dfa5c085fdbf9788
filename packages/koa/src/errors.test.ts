import { Readable } from 'node:stream'
import { current } from '@kit/context'
import Koa from 'koa'
import { afterEach, describe, expect, it } from 'vitest'
import { kit } from './koa.ts'
import { bytes, koas, observe, serve, stop } from './served.fixture.ts'

afterEach(stop)

describe.each(koas)('%s', (_, Framework) => {
  const thrown: readonly (readonly [what: string, make: (ctx: Koa.ParameterizedContext) => unknown])[] = [
    ['an error', () => new Error('meant to be')],
    [
      'an error with a status and headers',
      () => Object.assign(new Error('busy'), { status: 503, headers: { 'Retry-After': '7' } }),
    ],
    [
      'an error that is for the client',
      () => Object.assign(new Error('name required'), { status: 400, expose: true }),
    ],
    ['an error with an impossible status', () => Object.assign(new Error('odd'), { status: 42 })],
    ['an error of the file system', () => Object.assign(new Error('no file'), { code: 'ENOENT' })],
    ['text', () => 'a mere text'],
    ['a number', () => 42],
  ]

  it.each(thrown)('answers %s that was thrown as without kit, but for the request id', async (what, make) => {
    const build = (app: Koa): void => {
      app.use((ctx) => {
        ctx.set('X-Before', 'is taken off')
        ctx.status = 201
        throw make(ctx)
      })
    }
    const bare = await serve(Framework, build, null)
    const observed = await serve(Framework, build)
    const got = await bytes(observed.port, 'GET /x')
    expect(got).toMatch(/^x-request-id: [0-9a-f]{32}\r$/m)
    expect(got.replace(/^x-request-id: .*\r\n/m, '')).toBe(await bytes(bare.port, 'GET /x'))
    expect(observed.errors.map(({ error }) => String(error))).toEqual(
      bare.errors.map(({ error }) => String(error)),
    )
  })

  it('lets an error through as the same object, with the same context', async () => {
    const error = new Error('meant to be')
    let seen: unknown
    const { url, errors, line } = await serve(Framework, (app) => {
      app.use((ctx) => {
        seen = ctx
        throw error
      })
    })
    expect((await fetch(url)).status).toBe(500)
    expect(errors).toEqual([{ error, ctx: seen }])
    expect(errors[0]?.error).toBe(error)
    expect(errors[0]?.ctx).toBe(seen)
    expect(Object.hasOwn((seen as Koa.Context).res, 'removeHeader')).toBe(false)
    expect(await line()).toMatchObject({ status: 500, outcome: 'error', err: { message: 'meant to be' } })
  })

  it('does not take a thrown answer for a failure', async () => {
    const { url, line } = await serve(Framework, (app) => {
      app.use((ctx) => ctx.throw(404, 'no such thing'))
    })
    expect((await fetch(url)).status).toBe(404)
    const { level, outcome, status, err } = (await line()) ?? {}
    expect({ level, outcome, status, err }).toEqual({
      level: 'info',
      outcome: 'ok',
      status: 404,
      err: undefined,
    })
  })

  it('sees the error that middleware outside of it answers', async () => {
    const { all, lines } = observe()
    const { url } = await serve(
      Framework,
      (app) => {
        app.use(async (ctx, next) => {
          try {
            await next()
          } catch {
            ctx.status = 502
          }
        })
        app.use(kit(all))
        app.use(() => {
          throw new Error('meant to be')
        })
      },
      null,
    )
    const response = await fetch(url)
    expect([response.status, response.headers.get('x-request-id')?.length]).toEqual([502, 32])
    await expect.poll(() => lines().length).toBe(1)
    expect(lines()[0]).toMatchObject({ status: 502, outcome: 'error', err: { message: 'meant to be' } })
  })

  it('sees a body that cannot be serialised', async () => {
    const { url, line } = await serve(Framework, (app) => {
      app.use((ctx) => {
        ctx.body = { big: 1n }
      })
    })
    const response = await fetch(url)
    expect([response.status, response.headers.get('x-request-id')?.length]).toEqual([500, 32])
    expect(await line()).toMatchObject({ status: 500, outcome: 'error', err: { type: 'TypeError' } })
  })

  it('sees a body stream that fails', async () => {
    const { url, line } = await serve(Framework, (app) => {
      app.use((ctx) => {
        ctx.body = new Readable({
          read() {
            this.destroy(new Error('disk on fire'))
          },
        })
      })
    })
    await fetch(url).catch(() => {})
    expect(await line()).toMatchObject({ outcome: 'error', err: { message: 'disk on fire' } })
  })
})

it('knows why a web stream broke off, and has it made within the context of the request', async () => {
  const seen: unknown[] = []
  const { url, line } = await serve(Koa, (app) => {
    app.use((ctx) => {
      let pulls = 0
      ctx.body = new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setImmediate(resolve))
          pulls += 1
          seen.push(current() === ctx.state['ctx'])
          if (pulls > 2) throw new Error('no more rows')
          controller.enqueue(Buffer.from('row'))
        },
      })
    })
  })
  await expect(fetch(url).then((response) => response.text())).rejects.toThrow('terminated')
  expect(await line()).toMatchObject({ outcome: 'error', err: { message: 'no more rows' } })
  expect(new Set(seen)).toEqual(new Set([true]))
})
