import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { current } from '@kit/context'
import type { ManualClock } from '@kit/context/testing'
import { manualClock } from '@kit/context/testing'
import { createLogger, logStats, setUser } from '@kit/log'
import type { Logger, OverrideOptions } from '@kit/log'
import { memoryDestination } from '@kit/log/testing'
import { createMetrics } from '@kit/metrics'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Exchange, HttpOptions } from './index.ts'
import { createObserver } from './index.ts'
import { observeListener } from './node.ts'
import { Http1Client } from './testing/client.ts'
import type { ConformanceServer } from './testing/index.ts'
import { serveConformanceApp } from './testing/index.ts'

/* What the log does for single requests: through node:http and real connections, time being the test's own. */

const destination = memoryDestination()
let time: ManualClock
let log: Logger
let server: ConformanceServer | undefined
beforeEach(() => {
  time = manualClock()
  destination.clear()
  log = createLogger({ format: 'json', destination, level: 'info' })
})
afterEach(async () => {
  await server?.close()
  server = undefined
  time[Symbol.dispose]()
})

type Handler = (req: IncomingMessage, res: ServerResponse) => unknown

async function serve(handler: Handler, options: HttpOptions): Promise<Http1Client> {
  const route = (req: { url?: string | undefined }): string | undefined =>
    req.url?.startsWith('/orders/') === true ? '/orders/:id' : undefined
  const observed = observeListener(handler, { metrics: createMetrics(), log, route, ...options })
  server = await serveConformanceApp(
    createServer((req, res) => {
      // What the listener throws has been answered; here it goes to where errors are reported.
      const result = observed(req, res) as unknown
      void Promise.resolve(result).catch(() => undefined)
    }),
  )
  return new Http1Client(server.url)
}

/** The messages so far, without those about the levels; of a dump, what it tells. */
function said(): unknown[] {
  return destination.records
    .filter(({ logger }) => logger !== 'log.levels')
    .map(({ logger, msg, recorded, recordedLines, reason }) => {
      if (logger === 'log.recorder') return `${String(recordedLines)} because of ${String(reason)}`
      return recorded === true ? `recorded: ${String(msg)}` : msg
    })
}

/** A request that came through nothing. */
function arrival(header: (name: string) => string | undefined): Exchange {
  const peerAddress = undefined
  return { method: 'GET', target: '/', scheme: 'http', protocolVersion: '1.1', peerAddress, header }
}

describe('an override of the log', () => {
  const handler: Handler = (req, res) => {
    const pool = log.named('db.pool')
    pool.debug('of the module')
    if (req.headers['authorization'] !== undefined) setUser(current(), 'ann')
    log.withContext(current()).debug('of the request')
    res.end()
  }

  const requests = {
    'x-debug': { path: '/orders/1', headers: { 'x-debug': '1' } },
    baggage: { path: '/other', headers: { baggage: 'tenant=acme' } },
    user: { path: '/other', headers: { authorization: 'Bearer x' } },
    none: { path: '/other', headers: {} },
  }
  const all = ['of the module', 'of the request', 'request']

  it.each<[string, OverrideOptions['when'], keyof typeof requests, string[]]>([
    ['header', { header: { 'x-debug': '1' } }, 'x-debug', all],
    ['baggage', { baggage: { tenant: 'acme' } }, 'baggage', all],
    ['route', { route: '/orders/*' }, 'x-debug', all],
    ['user, once it is known', { user: 'ann' }, 'user', ['of the request', 'request']],
    ['header and route', { header: 'x-debug', route: '/other' }, 'x-debug', []],
  ])('reaches the lines of a request by its %s', async (_what, when, name, lines) => {
    log.levels.set('', 'error')
    log.levels.override({ when, level: 'debug' })
    const client = await serve(handler, {})
    for (const one of [name, 'none'] as const)
      await client.send(requests[one].path, { headers: requests[one].headers })
    client.close()
    // The second request leaves no line, so its end is seen by another.
    await expect.poll(said).toEqual(lines)
    log.levels.set('', 'info')
    await client.send('/other')
    client.close()
    await expect.poll(said).toEqual([...lines, 'request'])
  })

  it('reaches the line of a request that ends where its context is not the ambient one', () => {
    log.levels.set('', 'error')
    using _override = log.levels.override({ when: { header: { 'x-debug': '1' } }, level: 'info' })
    for (const value of ['1', '0']) {
      const observer = createObserver({ metrics: createMetrics(), log })
      observer
        .begin(
          {},
          arrival(() => value),
        )
        .observation.end({ kind: 'finished', status: 200 })
    }
    expect(said()).toEqual(['request'])
  })

  it('costs a request no look at its headers or its route while there is none', () => {
    const read: string[] = []
    const observer = createObserver({ metrics: createMetrics(), log })
    const { observation } = observer.begin(
      {},
      arrival((name) => {
        read.push(name)
        return '1'
      }),
    )
    read.length = 0
    observation.route(() => {
      read.push('route')
      return undefined
    })
    observation.log.debug('x')
    expect(read).toEqual([])
    using _override = log.levels.override({ when: { header: 'x-a', route: '/' }, level: 'debug' })
    observation.log.debug('x')
    expect(read).toEqual(['x-a', 'route'])
    observation.end({ kind: 'finished', status: 200 })
  })
})

describe('a recorder', () => {
  const pool = (): Logger => log.named('db.pool')
  const handlers: Record<string, Handler> = {
    '/ok': (_req, res) => {
      pool().debug('fine')
      res.end()
    },
    '/fails': async () => {
      pool().debug({ query: 1 }, 'before')
      pool().trace('too low')
      await Promise.resolve()
      throw new Error('broken')
    },
    '/500': (_req, res) => {
      pool().debug('before')
      res.statusCode = 500
      res.end()
    },
    '/slow': (_req, res) => {
      pool().debug('before')
      time.advance(101)
      res.end()
    },
    '/late': async (_req, res) => {
      pool().debug('before the deadline')
      const over = new Promise((resolve) => current().afterFunc(resolve))
      time.advance(5000)
      await over
      pool().debug('after the deadline')
      res.end('late')
    },
    '/waits': async () => {
      pool().debug('waiting')
      started()
      await new Promise((resolve) => current().afterFunc(resolve))
    },
  }
  let started: () => void = () => {}

  const dispatch: Handler = (req, res) => handlers[req.url ?? '']?.(req, res)

  it.each<[string, HttpOptions, number, unknown[]]>([
    ['/ok', {}, 200, ['request']],
    ['/fails', {}, 500, ['request', '1 because of error', 'recorded: before']],
    ['/500', {}, 500, ['request', '1 because of error', 'recorded: before']],
    ['/slow', {}, 200, ['request']],
    ['/slow', { recorder: { slowMs: 101 } }, 200, ['request']],
    ['/slow', { recorder: { slowMs: 100 } }, 200, ['request', '1 because of slow', 'recorded: before']],
    [
      '/fails',
      { recorder: { level: 'trace', slowMs: 0 } },
      500,
      ['request', '2 because of error', 'recorded: before', 'recorded: too low'],
    ],
    ['/fails', { recorder: { level: 'info' } }, 500, ['request']],
    [
      '/fails',
      { recorder: { maxLines: 1, level: 'trace' } },
      500,
      ['request', '1 because of error', 'recorded: too low'],
    ],
    ['/fails', { recorder: { when: () => false } }, 500, ['request']],
    [
      '/fails',
      { recorder: { when: ({ target }) => target === '/fails' } },
      500,
      ['request', '1 because of error', 'recorded: before'],
    ],
    [
      '/fails',
      {
        recorder: {
          when: () => {
            throw new Error('when')
          },
        },
      },
      500,
      ['request'],
    ],
    ['/fails', { skip: () => true }, 500, []],
  ])('%s with %j is answered with %i and leaves %j', async (path, options, status, lines) => {
    const client = await serve(dispatch, { recorder: {}, ...options })
    expect((await client.send(path)).status).toBe(status)
    client.close()
    await expect.poll(() => logStats().activeRecordings).toBe(0)
    await expect.poll(said).toEqual(lines)
  })

  it('shows what came before and after the deadline', async () => {
    const client = await serve(dispatch, { recorder: {}, timeoutMs: 5000 })
    expect((await client.send('/late')).status).toBe(503)
    client.close()
    await expect
      .poll(said)
      .toEqual([
        'request',
        '2 because of deadline',
        'recorded: before the deadline',
        'recorded: after the deadline',
      ])
    expect(logStats()).toMatchObject({ activeRecordings: 0, recordedCharacters: 0 })
  })

  it('shows the line of a request among them where its level refuses it', async () => {
    log.levels.set('', 'warn')
    const client = await serve(dispatch, { recorder: { slowMs: 0 } })
    await client.send('/slow')
    client.close()
    await expect.poll(said).toEqual(['2 because of slow', 'recorded: before', 'recorded: request'])
    const ids = destination.records.slice(1).map(({ requestId }) => requestId)
    expect(new Set(ids).size).toBe(1)
  })

  it('keeps the lines of requests apart, and forgets those of a client that left', async () => {
    const arrived = new Promise<void>((resolve) => {
      started = resolve
    })
    const client = await serve(dispatch, { recorder: {} })
    const left = client.hangUp('/waits', arrived)
    await arrived
    const inFlight = logStats().activeRecordings
    await client.send('/fails')
    await left
    client.close()
    await expect.poll(() => logStats().activeRecordings).toBe(0)
    await expect
      .poll(() =>
        said()
          .map(String)
          .toSorted((a, b) => (a < b ? -1 : 1)),
      )
      .toEqual(['1 because of error', 'recorded: before', 'request', 'request'])
    expect([inFlight, log.isLevelEnabled('debug')]).toEqual([1, false])
  })

  it('of an adapter that is mounted twice is one', async () => {
    const inner = observeListener(dispatch, { log, metrics: createMetrics(), recorder: {} })
    const client = await serve((req, res) => inner(req, res), { recorder: {} })
    await client.send('/500')
    client.close()
    await expect.poll(said).toEqual(['request', '1 because of error', 'recorded: before'])
  })
})
