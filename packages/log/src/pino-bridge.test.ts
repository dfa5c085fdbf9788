import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { background, run } from '@kit/context'
import Fastify from 'fastify'
import * as fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import type { Logger as PinoLogger } from 'pino'
import { createLogger, logStats, withFields } from './index.ts'
import type { Logger } from './index.ts'
import { expectLog, memoryDestination } from './testing.ts'

// Its types say that every request of node:http has a logger of pino, in all of the program that they are part of.
const require = createRequire(import.meta.url)
const { pinoHttp } = require('pino-http') as {
  pinoHttp(options: { logger: PinoLogger }): (req: IncomingMessage, res: ServerResponse) => void
}
const destination = memoryDestination()
afterEach(() => destination.clear())

function logger(level = 'info'): Logger {
  return createLogger({ format: 'json', destination, level })
}

const time = expect.any(Number) as number

test('writes lines of ours, with the logger and the fields of where it came from', () => {
  const log = logger().named('web').child({ part: 'api' })
  log.pino.info({ ms: 2 }, 'took %d ms', 2)
  run(withFields(background, { requestId: 'r-1' }), () =>
    log.pino.child({ a: 1 }).child({ a: 2 }).warn('told'),
  )
  expect(destination.records).toEqual([
    { level: 'info', time, logger: 'web', part: 'api', ms: 2, msg: 'took 2 ms' },
    { level: 'warn', time, logger: 'web', requestId: 'r-1', part: 'api', a: 2, msg: 'told' },
  ])
})

test('is one for each logger, and an instance of pino', () => {
  const log = logger()
  expect(log.pino).toBe(log.pino)
  expect(log.child({ a: 1 }).pino).not.toBe(log.pino)
  expect(Object.prototype.toString.call(log.pino)).toBe('[object Pino]')
})

test('follows the live level, and a level of its own lets only less through', () => {
  const log = logger()
  const { pino } = log.named('web')
  const child = pino.child({ a: 1 })
  const strict = pino.child({ b: 1 }, { level: 'error' })
  const seen = (): unknown[] => [
    pino.level,
    pino.isLevelEnabled('debug'),
    child.level,
    strict.level,
    strict.isLevelEnabled('warn'),
    pino.isLevelEnabled('nonsense'),
  ]
  const logAll = (): void => {
    for (const one of [pino, child, strict])
      for (const level of ['debug', 'error'] as const) one[level](level)
  }
  logAll()
  expect(seen()).toEqual(['info', false, 'info', 'error', false, false])
  log.levels.set('web', 'debug')
  logAll()
  expect(seen()).toEqual(['debug', true, 'debug', 'error', false, false])
  log.levels.set('web', 'silent')
  logAll()
  expect(seen()).toEqual(['silent', false, 'silent', 'silent', false, false])
  const lines = destination.records.filter(({ logger: name }) => name === 'web')
  expect(lines.map(({ msg, a, b }) => [msg, a, b])).toEqual([
    ['error', undefined, undefined],
    ['error', 1, undefined],
    ['error', undefined, 1],
    ['debug', undefined, undefined],
    ['error', undefined, undefined],
    ['debug', 1, undefined],
    ['error', 1, undefined],
    ['error', undefined, 1],
  ])
})

test('keeps what pino offers libraries: serializers, prefixes, later bindings, levels of their own', () => {
  const { pino } = logger('trace')
  const child = pino.child(
    { user: { id: 7, name: 'ann' } },
    {
      serializers: { user: ({ id }: { id: number }) => id },
      msgPrefix: '[db] ',
      customLevels: { notice: 35 },
    },
  )
  child.notice({ user: { id: 8 } }, 'seen')
  child.setBindings({ later: true })
  child.trace('again')
  expect(child.bindings()).toEqual({ user: 7, later: true })
  expect(destination.records).toEqual([
    { level: 'info', time, user: 8, msg: '[db] seen' },
    { level: 'trace', time, user: 7, later: true, msg: '[db] again' },
  ])
})

test('redacts by our rules, and writes errors with their causes', () => {
  const { pino } = logger()
  pino
    .child({ headers: { authorization: 'Bearer x' } })
    .error(new Error('outer', { cause: new Error('inner') }))
  expect(destination.records).toMatchObject([
    {
      headers: { authorization: '[redacted]' },
      err: { message: 'outer', cause: [{ message: 'inner' }] },
      msg: 'outer',
    },
  ])
})

test('never throws, where pino does', () => {
  const { pino } = logger()
  const thrower = (): never => {
    throw new Error('from the value')
  }
  const before = logStats().droppedLines
  const hostile = [
    new Proxy({}, { get: thrower, ownKeys: thrower, has: thrower, getPrototypeOf: thrower }),
    Object.defineProperty({}, 'method', { get: thrower, enumerable: true }),
    Object.freeze(new Error('frozen')),
    { toJSON: thrower },
    { err: Object.defineProperty(new Error('x'), 'message', { get: thrower }) },
  ]
  for (const value of hostile) {
    pino.info(value, 'x')
    pino.child({ a: 1 }, { serializers: { a: thrower } }).info({ a: value }, 'x')
  }
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }), (value) => {
      pino.info(value as object, 'x')
    }),
  )
  expect(destination.records).toHaveLength(hostile.length * 2 + 100)
  expect(logStats().droppedLines).toBe(before)
})

test('flushes the destination', async () => {
  let flushed = 0
  const log = createLogger({
    format: 'json',
    destination: { write: () => undefined, flush: (done) => ((flushed += 1), done()) },
  })
  await new Promise<void>((resolve) => log.pino.flush(() => resolve()))
  expect(flushed).toBe(1)
})

test('serves fastify', async () => {
  const log = logger('info,web=debug')
  const app = Fastify({ loggerInstance: log.named('web').pino })
  app.get('/carts/:id', (request) => {
    request.log.debug({ cart: 7, password: 'hunter2' }, 'opened')
    return { ok: true }
  })
  app.get('/fails', () => {
    throw new Error('no cart', { cause: new Error('no row') })
  })
  expect((await app.inject('/carts/7')).json()).toEqual({ ok: true })
  expect((await app.inject('/fails')).statusCode).toBe(500)
  await app.close()
  expectLog(destination, {
    msg: 'opened',
    level: 'debug',
    logger: 'web',
    reqId: 'req-1',
    password: '[redacted]',
  })
  expectLog(destination, { msg: 'incoming request', req: { method: 'GET', url: '/carts/7' } })
  expectLog(destination, { msg: 'request completed', res: { statusCode: 200 } })
  expectLog(destination, { level: 'error', err: { message: 'no cart', cause: [{ message: 'no row' }] } })
})

test('serves pino-http, and keeps the credentials of requests that it logs', async () => {
  const middleware = pinoHttp({ logger: logger().named('web').pino })
  const server = createServer((req, res) => {
    middleware(req, res)
    const { log } = req as IncomingMessage & { log: PinoLogger }
    log.info({ cart: 7 }, 'opened')
    res.end('ok')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const headers = { authorization: 'Bearer s3cret', cookie: 'sid=s3cret' }
  const closed = once(server, 'close')
  expect(await (await fetch(`http://127.0.0.1:${port}/x`, { headers })).text()).toBe('ok')
  server.close()
  server.closeIdleConnections()
  await closed
  const shown = { authorization: '[redacted]', cookie: '[redacted]' }
  expectLog(destination, {
    msg: 'opened',
    logger: 'web',
    cart: 7,
    req: { method: 'GET', url: '/x', headers: shown },
  })
  expectLog(destination, { msg: 'request completed', res: { statusCode: 200 }, req: { method: 'GET' } })
  expect(destination.lines.join('')).not.toContain('s3cret')
})
