import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { ConformanceServer } from '@kit/http/testing'
import { serveConformanceApp } from '@kit/http/testing'
import { createMetrics } from '@kit/metrics'
import { Router } from '@koa/router'

import Koa from 'koa'
import mount from 'koa-mount'
import { afterEach, describe, expect, it } from 'vitest'
import { kit } from './koa.ts'

// The majors have the same shape for all that is used here, so the types of the newest serve all.
const require = createRequire(import.meta.url)
const koas = { 'Koa 2': require('koa2') as typeof Koa, 'Koa 3': Koa }
const routers = {
  '@koa/router 12': require('koa-router12') as typeof Router,
  '@koa/router 13': require('koa-router13') as typeof Router,
  '@koa/router 14': require('koa-router14') as typeof Router,
  '@koa/router 15': Router,
}
const pairs = Object.entries(koas).flatMap(([koa, Framework]) =>
  Object.entries(routers).map(([router, Routes]) => [`${koa}, ${router}`, Framework, Routes] as const),
)

const ok = (ctx: Koa.ParameterizedContext): void => void (ctx.body = 'ok')

describe.each(pairs)('%s', (_, Framework, Routes) => {
  let server: ConformanceServer | undefined
  afterEach(async () => {
    await server?.close()
    server = undefined
  })

  /** What is counted for each of these requests, `GET` where no method is given: status and route. */
  async function counted(build: (app: Koa) => void, requests: string[], first = true): Promise<string[]> {
    const metrics = createMetrics()
    const app = new Framework()
    app.silent = true
    if (first) app.use(kit({ metrics, log: false }))
    else app.context['metrics'] = metrics
    build(app)
    const callback = app.callback()
    server = await serveConformanceApp(createServer((req, res) => void callback(req, res)))
    const found: string[] = []
    for (const request of requests) {
      const [path = '', method = 'GET'] = request.split(' ').toReversed()
      await (await fetch(server.url + path, { method })).text()
      await expect.poll(() => routes().length).toBe(found.length + 1)
      const rest = routes()
      for (const one of found) rest.splice(rest.indexOf(one), 1)
      found.push(...rest)
    }
    return found

    function routes(): string[] {
      const histogram = metrics.snapshot().metrics.find(({ name }) => name === 'http.server.request.duration')
      if (histogram?.kind !== 'histogram') return []
      return histogram.series.flatMap(({ labels, count }) =>
        Array<string>(count).fill(`${labels['http.response.status_code']} ${labels['http.route'] ?? ''}`),
      )
    }
  }

  it('puts the prefixes of nested routers together', async () => {
    const build = (app: Koa): void => {
      const inner = new Routes({ prefix: '/team' })
      inner.get('/:member/x/:n', ok)
      inner.get('/', ok)
      const outer = new Routes({ prefix: '/orgs/:org' })
      outer.use('/teams', inner.routes())
      app.use(outer.routes())
    }
    expect(await counted(build, ['/orgs/team/teams/team/a/x/1', '/orgs/a/teams/team'])).toEqual([
      '200 /orgs/:org/teams/team/:member/x/:n',
      '200 /orgs/:org/teams/team',
    ])
  })

  it('puts the mounts before the route, however deep, and no value that looks like them', async () => {
    const build = (app: Koa): void => {
      const deep = new Framework()
      deep.use(
        new Routes()
          .get('/:a/:b', ok)
          .get('/', ok)
          .get('/boom/:x/:y', () => {
            throw new Error('meant to be')
          })
          .routes(),
      )
      const middle = new Framework()
      middle.use(mount('/b', deep))
      middle.use(new Routes().get('/:id', ok).routes())
      app.use(mount('/', mount('/a', middle)))
    }
    expect(await counted(build, ['/a/b/a/b', '/a/b', '/a/a', '/a/b/boom/1/2'])).toEqual([
      '200 /a/b/:a/:b',
      '200 /a/b',
      '200 /a/:id',
      '500 /a/b/boom/:x/:y',
    ])
  })

  it('leaves out mounts that the request went through and left again', async () => {
    const build = (app: Koa): void => {
      const nothing = new Framework().use((_ctx, next) => next())
      app.use(mount('/a', mount('/b', nothing)))
      app.use(mount('/a/b', new Routes().get('/mounted/:id', ok).routes()))
      app.use(new Routes().get('/a/b/:id', ok).routes())
    }
    expect(await counted(build, ['/a/b/1', '/a/b/mounted/1', '/a/b/c/d'])).toEqual([
      '200 /a/b/:id',
      '200 /a/b/mounted/:id',
      '404 ',
    ])
  })

  it('counts what middleware of a router answers for the route that it stands before', async () => {
    const build = (app: Koa): void => {
      const router = new Routes()
      router.use((ctx, next) => (ctx.query['refuse'] === undefined ? next() : void (ctx.status = 401)))
      router.get('/secret/:id', ok, (_ctx, next) => next())
      router.get('/handed/:id', (ctx, next) => {
        ctx.body = 'ok'
        return next()
      })
      router.use('/handed', (_ctx, next) => next())
      app.use(router.routes())
    }
    expect(await counted(build, ['/secret/1?refuse', '/secret/1', '/handed/1', '/none?refuse'])).toEqual([
      '401 /secret/:id',
      '200 /secret/:id',
      '200 /handed/:id',
      '404 ',
    ])
  })

  it('knows no route where none matched path and method: 404, 405, 501, OPTIONS', async () => {
    const build = (app: Koa): void => {
      const throwing = new Routes({ prefix: '/throwing' })
      throwing.get('/:id', ok)
      const router = new Routes()
      router.get('/items/:id', ok)
      app.use(router.routes()).use(router.allowedMethods())
      app.use(throwing.routes()).use(throwing.allowedMethods({ throw: true }))
    }
    const requests = [
      '/other',
      'POST /items/1',
      'OPTIONS /items/1',
      'PROPFIND /items/1',
      'POST /throwing/1',
      'HEAD /items/1',
    ]
    expect(await counted(build, requests)).toEqual(['404 ', '405 ', '200 ', '501 ', '405 ', '200 /items/:id'])
  })

  it('names the route that was reached last, also when it handed the request on', async () => {
    const build = (app: Koa): void => {
      app.use(
        new Routes()
          .get('/fall/:x', (_ctx, next) => next())
          .get('/over/:x', (_ctx, next) => next())
          .routes(),
      )
      app.use(new Routes().get('/over/:y', ok).routes())
    }
    expect(await counted(build, ['/fall/1', '/over/1'])).toEqual(['404 /fall/:x', '200 /over/:y'])
  })

  it('shows a regular expression as it was written, the root as /, and of several paths the one that matched', async () => {
    const build = (app: Koa): void => {
      const router = new Routes()
      router.get(/^\/ab?cd$/i, ok)
      router.get('/', ok)
      router.get(['/x', '/y/:z'], ok)
      app.use(router.routes())
    }
    expect(await counted(build, ['/acd', '/', '/y/1'])).toEqual(['200 /^\\/ab?cd$/i', '200 /', '200 /y/:z'])
  })

  it('takes what was rewritten for what it is, and nothing of what the client wrote', async () => {
    const build = (app: Koa): void => {
      app.use((ctx, next) => {
        ctx.path = ctx.path.replace(/^\/tenants\/\w+/, '')
        return next()
      })
      const versioned = new Framework()
      versioned.use((ctx, next) => {
        ctx.path = `/v1${ctx.path}`
        return next()
      })
      versioned.use(new Routes().get('/v1/items/:id', ok).routes())
      app.use(mount('/m', versioned))
    }
    expect(await counted(build, ['/tenants/acme/m/items/:id'])).toEqual(['200 /m/v1/items/:id'])
  })

  it('knows the mounts and routers around it from the first request on', async () => {
    const build = (app: Koa): void => {
      const { metrics } = app.context as unknown as { metrics: ReturnType<typeof createMetrics> }
      const router = new Routes()
      router.use(kit({ metrics, log: false }))
      router.get('/routed/:id', ok)
      const inner = new Framework()
      inner.use(kit({ metrics, log: false }))
      inner.use(mount('/deep', new Routes().get('/items/:id', ok).routes()))
      app.use(router.routes())
      app.use(mount('/inner', inner))
    }
    const routes = ['200 /inner/deep/items/:id', '200 /routed/:id']
    const asked = ['/inner/deep/items/1', '/routed/1']
    expect(await counted(build, [...asked, ...asked], false)).toEqual([...routes, ...routes])
    await server?.close()
    expect(await counted(build, asked.toReversed(), false)).toEqual(routes.toReversed())
  })

  it('lets routers of another kind write what they like', async () => {
    const build = (app: Koa): void => {
      app.use((ctx) => {
        if (ctx.path === '/known') ctx['_matchedRoute'] = '/:known'
        else Object.assign(ctx, { matched: true, mountPath: 7, _matchedRoute: Symbol('odd') })
        ctx.body = `${String(ctx['_matchedRoute'])} ${ctx['mountPath']}`
      })
    }
    expect(await counted(build, ['/known', '/odd'])).toEqual(['200 /:known', '200 '])
  })
})
