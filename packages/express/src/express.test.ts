import { createRequire } from 'node:module'
import { createServer } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { current } from '@kit/context'
import type { Exchange, HttpOptions } from '@kit/http'
import { observeListener } from '@kit/http/node'
import type { ConformanceServer } from '@kit/http/testing'
import { serveConformanceApp } from '@kit/http/testing'
import { createLogger, logStats, setUser } from '@kit/log'
import type { OverrideOptions } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import type { Express, Request, Response } from 'express'
import express5 from 'express'
import { afterEach, describe, expect, it } from 'vitest'
import { kit } from './express.ts'

// Express 4 has the same shape for all that is used here, so the types of 5 serve both.
const express4 = createRequire(import.meta.url)('express4') as typeof express5

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const majors = [
  ['Express 4', express4],
  ['Express 5', express5],
] as const

/** Express shows the stack of an error to the client, and this one has none. */
function failure(): Error {
  return Object.assign(new Error('meant to be'), { stack: '' })
}

describe.each(majors)('%s: route templates', (_, express) => {
  let server: ConformanceServer | undefined
  afterEach(async () => {
    await server?.close()
    server = undefined
  })

  const ok = (_req: Request, res: Response): void => void res.send('ok')

  async function templates(
    build: (app: Express) => void,
    paths: string[],
    options?: HttpOptions,
  ): Promise<string[]> {
    const metrics = createMetrics()
    const app = express()
    app.set('env', 'test')
    app.use(kit({ metrics, log: false, ...options }))
    build(app)
    server = await serveConformanceApp(createServer(app))
    for (const path of paths) await (await fetch(server.url + path)).text()
    const counted = (): string[] => {
      const histogram = metrics.snapshot().metrics.find(({ name }) => name === 'http.server.request.duration')
      return histogram?.kind === 'histogram'
        ? histogram.series.flatMap(({ labels, count }) =>
            Array<string>(count).fill(labels['http.route'] ?? ''),
          )
        : []
    }
    await expect.poll(() => counted().length).toBe(paths.length)
    return [...new Set(counted())]
  }

  it('tells a value from a segment that looks like it', async () => {
    const build = (app: Express): void => {
      const inner = express.Router()
      inner.get('/team/:member/x/:n', ok)
      app.use('/orgs/:org', inner)
    }
    expect(await templates(build, ['/orgs/team/team/a/x/1'])).toEqual(['/orgs/:org/team/:member/x/:n'])
  })

  it('knows by which of two mounts a shared router was reached', async () => {
    const build = (app: Express): void => {
      const shared = express.Router()
      shared.get('/:id', ok)
      app.use('/cats', shared)
      app.use('/dogs/:breed', shared)
    }
    expect(await templates(build, ['/cats/tom', '/dogs/collie/lassie'])).toEqual([
      '/cats/:id',
      '/dogs/:breed/:id',
    ])
  })

  it('picks the alternative that matched, of a mount or a route with several', async () => {
    const build = (app: Express): void => {
      const inner = express.Router()
      inner.get(['/x', '/y/:z'], ok)
      app.use(['/a', '/b/:c'], inner)
    }
    expect(await templates(build, ['/a/x', '/b/1/y/2'])).toEqual(['/a/x', '/b/:c/y/:z'])
  })

  it('names mounted applications, and survives errors that leave them', async () => {
    const build = (app: Express): void => {
      const sub = express()
      const deep = express()
      sub.set('env', 'test')
      deep.get('/deep/:id', ok)
      sub.get('/item/:id', ok)
      sub.get('/broken/:id', (_req, _res, next) => next(new Error('broken')))
      sub.use('/d/:d', deep)
      app.use('/v/:version', sub)
    }
    expect(await templates(build, ['/v/1/item/2', '/v/1/d/3/deep/4', '/v/1/broken/5'])).toEqual([
      '/v/:version/item/:id',
      '/v/:version/d/:d/deep/:id',
      '/v/:version/broken/:id',
    ])
  })

  it('knows by which of its mounts an application was reached', async () => {
    const build = (app: Express): void => {
      const twice = express()
      twice.get('/x/:id', ok)
      const either = express()
      either.get('/y', ok)
      app.use('/a', twice)
      app.use('/b/:org', twice)
      app.use(['/c', '/d'], either)
    }
    expect(await templates(build, ['/a/x/1', '/b/o/x/1', '/c/y', '/d/y'])).toEqual([
      '/a/x/:id',
      '/b/:org/x/:id',
      '/c/y',
      '/d/y',
    ])
  })

  it('knows by which of two mounts a router was reached when middleware rewrote the target', async () => {
    const build = (app: Express): void => {
      const shared = express.Router()
      shared.get('/x/:id', ok)
      shared.get('/forward/:id', (req, res) => {
        req.url = '/elsewhere'
        res.send('ok')
      })
      shared.get('/boom', () => {
        throw failure()
      })
      app.use((req, _res, next) => {
        req.url = req.url.replace('/latest', '/v2')
        next()
      })
      app.use('/v1', shared)
      app.use('/v2', shared)
    }
    const paths = ['/latest/x/1', '/v1/x/1', '/latest/boom', '/v2/forward/1']
    expect(await templates(build, paths)).toEqual(['/v2/x/:id', '/v1/x/:id', '/v2/boom', '/v2/forward/:id'])
  })

  it('keeps no application that a handler made for one request', async () => {
    const made: WeakRef<Express>[] = []
    const build = (app: Express): void => {
      app.use('/made', (req, res, next) => {
        const once = express()
        once.get('/x', ok)
        made.push(new WeakRef(once))
        once(req, res, next)
      })
    }
    await templates(
      build,
      Array.from({ length: 20 }, () => '/made/x'),
    )
    const kept = (): number => {
      collect()
      return made.filter((one) => one.deref() !== undefined).length
    }
    // The last requests of a connection may still be held by it.
    await expect.poll(kept, { timeout: 20_000 }).toBeLessThan(5)
  })

  it('names an application that is mounted by a router', async () => {
    const build = (app: Express): void => {
      const sub = express()
      const router = express.Router()
      sub.get('/item/:id', ok)
      router.use('/sub', sub)
      app.use('/r/:r', router)
    }
    expect(await templates(build, ['/r/1/sub/item/2'])).toEqual(['/r/:r/sub/item/:id'])
  })

  it('shows a regular expression as it was written, and the root as /', async () => {
    const build = (app: Express): void => {
      app.get(/^\/ab?cd$/i, ok)
      app.get('/', ok)
    }
    expect(await templates(build, ['/acd', '/'])).toEqual(['/^\\/ab?cd$/i', '/'])
  })

  it('lets a mount at the root add nothing', async () => {
    const build = (app: Express): void => {
      const inner = express.Router()
      const innermost = express.Router()
      innermost.get('/', ok)
      inner.use('/list', innermost)
      app.use(inner)
    }
    expect(await templates(build, ['/list'])).toEqual(['/list'])
  })

  it('keeps the template of a route that handed the request on', async () => {
    const build = (app: Express): void => {
      app.get('/fall/:x', (_req, _res, next) => next())
    }
    expect(await templates(build, ['/fall/1', '/fall/2'])).toEqual(['/fall/:x'])
  })

  it('sees what the client sent as the target, also from within a mount', async () => {
    const seen: string[] = []
    const build = (app: Express): void => {
      app.use('/mount', express.Router().get('/x', ok))
    }
    await templates(build, ['/mount/x?q=1'], {
      skip(exchange: Exchange) {
        seen.push(exchange.target)
        return false
      },
    })
    expect(seen).toEqual(['/mount/x?q=1'])
  })
})

describe.each(majors)('%s: the log of single requests', (_, express) => {
  it('is raised by route, header and user, and recorded for requests that fail', async () => {
    const destination = memoryDestination()
    const log = createLogger({ format: 'json', destination, level: 'warn' })
    const pool = log.named('db.pool')
    const app = express()
    app.set('env', 'test')
    app.use(kit({ metrics: createMetrics(), log, recorder: {} }))
    app.use((req, _res, next) => {
      pool.debug('before the route')
      setUser(req.ctx, req.get('x-user'))
      next()
    })
    const orders = express.Router({ mergeParams: true })
    orders.get('/orders/:id', (req, res) => {
      pool.debug('in the route')
      req.log.debug('of the request')
      res.send('ok')
    })
    orders.get('/boom', () => {
      pool.debug('before the boom')
      throw failure()
    })
    app.use('/orgs/:org', orders)
    const server = await serveConformanceApp(createServer(app))
    const said = async (path: string, when?: OverrideOptions['when'], headers = {}): Promise<unknown[]> => {
      using override = when === undefined ? undefined : log.levels.override({ when, level: 'debug' })
      destination.clear()
      await (await fetch(server.url + path, { headers })).text()
      // The request has ended when its recording has.
      await expect.poll(() => logStats().activeRecordings).toBe(0)
      expect(override?.lines).not.toBe(0)
      return destination.records
        .filter(({ logger }) => logger !== 'log.levels')
        .map(({ msg, recorded }) => (recorded === true ? `recorded: ${String(msg)}` : msg))
    }
    const inRoute = ['in the route', 'of the request', 'request']
    expect(await said('/orgs/a/orders/1', { route: '/orgs/:org/orders/:id' })).toEqual(inRoute)
    expect(await said('/orgs/a/orders/1', { user: 'ann' }, { 'x-user': 'ann' })).toEqual(inRoute)
    expect(await said('/orgs/a/orders/1', { header: 'x-user' }, { 'x-user': 'ann' })).toEqual([
      'before the route',
      ...inRoute,
    ])
    expect(await said('/orgs/a/orders/1')).toEqual([])
    expect(await said('/orgs/a/boom')).toEqual([
      'request',
      '2 recorded lines',
      'recorded: before the route',
      'recorded: before the boom',
    ])
    await server.close()
  })
})

it('finds the observation of the listener around it, and tells it the route', async () => {
  const metrics = createMetrics()
  const app = express5()
  app.use(kit())
  app.get('/items/:id', (req, res) => res.send(String(req.log !== undefined && req.ctx.err === undefined)))
  const server = await serveConformanceApp(createServer(observeListener(app, { metrics, log: false })))
  expect(await (await fetch(`${server.url}/items/1`)).text()).toBe('true')
  await server.close()
  const routes = (): unknown[] =>
    metrics
      .snapshot()
      .metrics.flatMap((metric) => metric.series.flatMap(({ labels }) => labels['http.route'] ?? []))
  await expect.poll(routes).toEqual(['/items/:id'])
})

it.each(majors)(
  '%s: takes the place of getters that the application has for all requests',
  async (_, express) => {
    const app = express()
    for (const name of ['ctx', 'log']) Object.defineProperty(app.request, name, { get: () => undefined })
    app.use(kit({ metrics: createMetrics(), log: false }))
    app.get('/', (req, res) => res.send(`${req.ctx === current()} ${typeof req.log.info}`))
    const server = await serveConformanceApp(createServer(app))
    expect(await (await fetch(server.url)).text()).toBe('true function')
    await server.close()
  },
)
