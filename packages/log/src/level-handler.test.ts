import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { threadId } from 'node:worker_threads'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { manualClock } from '@kit/context/testing'
import type { ManualClock } from '@kit/context/testing'
import { createLogger, levelHandler } from './index.ts'
import type { LogError, LevelHandlerOptions, Logger } from './index.ts'
import { expectLog, memoryDestination } from './testing.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const destination = memoryDestination()
let time: ManualClock
let log: Logger
let handle: (request: Request) => Promise<Response>

beforeEach(() => {
  time = manualClock()
  destination.clear()
  log = createLogger({ format: 'json', destination, level: 'info,db=warn' })
  handle = levelHandler(log.levels, { authorize: 'none' })
})
afterEach(() => time[Symbol.dispose]())

const origin = 'http://service.test'
const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

interface Reply {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

async function send(
  method: string,
  path: string,
  body?: ConstructorParameters<typeof Response>[0],
  headers: Record<string, string> = {},
): Promise<Reply> {
  const init: RequestInit & { duplex?: 'half' } = { method, headers }
  if (body !== undefined) Object.assign(init, { body, duplex: 'half' })
  const response = await handle(new Request(origin + path, init))
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  }
}

describe('like zap', () => {
  test.each<[string, string | undefined, string | undefined, Record<string, string>, number, string]>([
    ['a form', '', 'level=error', form, 200, 'error'],
    [
      'a form with a charset',
      '',
      'level=error',
      { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      200,
      'error',
    ],
    ['a form against the query', '?level=warn', 'level=error', form, 200, 'error'],
    ['the query without a body', '?level=error', undefined, {}, 200, 'error'],
    ['the query with an empty form', '?level=error', '', form, 200, 'error'],
    ['JSON', '', '{"level":"error"}', json, 200, 'error'],
    ['JSON in upper case', '', '{"level":"ERROR"}', json, 200, 'error'],
    ['JSON that curl calls a form', '', '{"level":"error"}', {}, 200, 'error'],
    ['the alias warning', '', '{"level":"warning"}', json, 200, 'warn'],
    ['JSON with another member', '', '{"level":"error","x":1}', json, 200, 'error'],
    ['no body and no query', '', undefined, {}, 400, 'info'],
    ['an empty object', '', '{}', json, 400, 'info'],
    ['an empty level', '', '{"level":""}', json, 400, 'info'],
    ['an empty form level', '', 'level=', form, 400, 'info'],
    ['a level of null', '', '{"level":null}', json, 400, 'info'],
    ['an unknown level', '', '{"level":"loud"}', json, 400, 'info'],
    ['a level that is a number', '', '{"level":30}', json, 400, 'info'],
    ['trailing junk', '', '{"level":"error"}x', json, 400, 'info'],
    ['the level twice', '', '{"level":"error","level":"debug"}', json, 400, 'info'],
    ['the level twice, escaped', '', '{"level":"error","l\\u0065vel":"debug"}', json, 400, 'info'],
    ['a key twice further in', '', '{"level":"error","x":[{"a":1,"b":{"a":2},"a":3}]}', json, 400, 'info'],
    [
      'keys that are only text',
      '',
      '{"level":"error","x":["level",":","\\":",{"level":""},{"level":1}]}',
      json,
      200,
      'error',
    ],
    ['the level twice in a form', '', 'level=error&level=debug', form, 400, 'info'],
    ['the level twice in the query', '?level=error&level=debug', undefined, {}, 400, 'info'],
    ['a list', '', '["error"]', json, 400, 'info'],
    ['null', '', 'null', json, 400, 'info'],
    ['broken JSON', '', '{', json, 400, 'info'],
    ['a polluting body', '', '{"__proto__":{"level":"error"}}', json, 400, 'info'],
  ])('PUT with %s', async (_what, query, body, headers, status, level) => {
    const reply = await send('PUT', `/log/levels${query}`, body, headers)
    expect(reply.status).toBe(status)
    expect(reply.body['level']).toBe(status === 200 ? level : undefined)
    expect(typeof reply.body['error']).toBe(status === 200 ? 'undefined' : 'string')
    expect(log.levels.get().level).toBe(level)
  })

  test('GET gives the root level as JSON', async () => {
    const reply = await send('GET', '/log/levels')
    expect(reply.status).toBe(200)
    expect(reply.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(reply.body['level']).toBe('info')
  })

  test.each(['POST', 'OPTIONS'])('%s is 405 and says what is allowed', async (method) => {
    const reply = await send(
      method,
      '/log/levels',
      method === 'OPTIONS' ? undefined : '{"level":"debug"}',
      json,
    )
    expect(reply.status).toBe(405)
    expect(reply.headers.get('allow')).toBe('GET, HEAD, PUT, PATCH, DELETE')
    expect(log.levels.get().level).toBe('info')
  })
})

describe('like Spring', () => {
  const springType = 'application/vnd.spring-boot.actuator.v3+json'

  test('GET of the tree', async () => {
    log.named('http.client')
    expect((await send('GET', '/log/levels')).body).toEqual({
      level: 'info',
      levels: ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'],
      loggers: {
        ROOT: { configuredLevel: 'info', effectiveLevel: 'info' },
        db: { configuredLevel: 'warn', effectiveLevel: 'warn' },
        http: { configuredLevel: null, effectiveLevel: 'info' },
        'http.client': { configuredLevel: null, effectiveLevel: 'info' },
      },
      groups: {},
      overrides: [],
      revision: 0,
    })
  })

  test("GET with Spring's media type is in upper case", async () => {
    log.levels.set('', 'silent')
    const reply = await send('GET', '/log/levels', undefined, {
      accept: `${springType},application/json;q=0.5`,
    })
    expect(reply.headers.get('content-type')).toBe(springType)
    expect(reply.body).toMatchObject({
      levels: ['OFF', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'],
      loggers: { ROOT: { configuredLevel: 'OFF', effectiveLevel: 'OFF' }, db: { configuredLevel: 'WARN' } },
    })
  })

  test('GET of one logger', async () => {
    expect((await send('GET', '/log/levels/db')).body).toMatchObject({
      configuredLevel: 'warn',
      effectiveLevel: 'warn',
    })
    expect((await send('GET', '/log/levels/ROOT')).body).toMatchObject({ configuredLevel: 'info' })
    expect((await send('GET', '/log/levels/unknown')).status).toBe(404)
    expect((await send('GET', '/log/levels/constructor')).status).toBe(404)
    expect((await send('GET', '/log/levels/__proto__')).status).toBe(404)
  })

  test.each<[string, string, string, Record<string, string>, number, string]>([
    ['a level', 'db', '{"configuredLevel":"ERROR"}', json, 204, 'error'],
    ['a level in lower case', 'db', '{"configuredLevel":"error"}', json, 204, 'error'],
    ["Spring's media type", 'db', '{"configuredLevel":"OFF"}', { 'content-type': springType }, 204, 'silent'],
    [
      'a charset',
      'db',
      '{"configuredLevel":"error"}',
      { 'content-type': 'application/json;charset=UTF-8' },
      204,
      'error',
    ],
    ['null', 'db', '{"configuredLevel":null}', json, 204, 'info'],
    ['an empty object', 'db', '{}', json, 204, 'info'],
    ['a bad level', 'db', '{"configuredLevel":"loud"}', json, 400, 'warn'],
    ['no body', 'db', '', json, 400, 'warn'],
    ['a form', 'db', 'configuredLevel=error', form, 415, 'warn'],
    ['plain text', 'db', '{"configuredLevel":"error"}', { 'content-type': 'text/plain' }, 415, 'warn'],
    [
      'a type that only contains JSON',
      'db',
      '{"configuredLevel":"error"}',
      { 'content-type': 'text/plain;application/json' },
      415,
      'warn',
    ],
  ])('POST with %s', async (_what, name, body, headers, status, level) => {
    expect((await send('POST', `/log/levels/${name}`, body, headers)).status).toBe(status)
    expect(log.levels.get(name).level).toBe(level)
  })

  test('POST for a logger that does not exist yet', async () => {
    expect((await send('POST', '/log/levels/late', '{"configuredLevel":"ERROR"}', json)).status).toBe(204)
    expect(log.named('late').isLevelEnabled('warn')).toBe(false)
  })

  test('POST of null to ROOT restores its start-up level', async () => {
    log.levels.set('', 'error')
    expect((await send('POST', '/log/levels/ROOT', '{"configuredLevel":null}', json)).status).toBe(204)
    expect(log.levels.get().level).toBe('info')
  })
})

describe('beyond them', () => {
  test('PUT of a logger says what happened and when it ends', async () => {
    const reply = await send(
      'PUT',
      '/log/levels/db',
      '{"level":"debug","ttl":"5m","reason":"slow queries"}',
      json,
    )
    expect(reply.status).toBe(200)
    expect(reply.body).toEqual({
      name: 'db',
      before: 'warn',
      after: 'debug',
      expiresAt: time.wallTime() + 300_000,
      revision: 1,
      appliedTo: [{ pid: process.pid, thread: threadId }],
    })
    expectLog(destination, { logger: 'log.levels', target: 'db', reason: 'slow queries', by: 'http' })
    time.advance(300_000)
    expect(log.levels.get('db').level).toBe('warn')
  })

  test.each<[unknown, string, number | undefined]>([
    [undefined, 'debug', 900_000],
    [undefined, 'trace', 900_000],
    [undefined, 'info', undefined],
    [undefined, 'silent', undefined],
    ['none', 'debug', undefined],
    ['1h30m', 'error', 5_400_000],
    ['1.5s', 'error', 1500],
    ['250ms', 'error', 250],
    [1234, 'error', 1234],
    ['48h', 'error', 86_400_000],
    [1e300, 'error', 86_400_000],
  ])('a ttl of %j at %s', async (ttl, level, expected) => {
    const { status, body } = await send('PUT', '/log/levels/db', JSON.stringify({ level, ttl }), json)
    expect(status).toBe(200)
    expect(body['expiresAt']).toBe(expected === undefined ? undefined : time.wallTime() + expected)
  })

  test.each([0, -1, '', '5', 'm', '5 m', '-5m', '5mm', '0s', true, [], null, `${'9'.repeat(40)}s`])(
    'a ttl of %j is refused',
    async (ttl) => {
      expect(
        (await send('PUT', '/log/levels/db', JSON.stringify({ level: 'debug', ttl }), json)).status,
      ).toBe(400)
      expect(log.levels.revision).toBe(0)
    },
  )

  test('what zap and Spring clients set below info ends too', async () => {
    expect((await send('PUT', '/log/levels', 'level=debug', form)).body).toMatchObject({
      level: 'debug',
      expiresAt: time.wallTime() + 900_000,
    })
    expect((await send('PUT', '/log/levels?level=debug&ttl=1m')).body).toMatchObject({
      expiresAt: time.wallTime() + 60_000,
    })
    await send('POST', '/log/levels/db', '{"configuredLevel":"TRACE"}', json)
    time.advance(900_000)
    expect(log.levels.get().level).toBe('info')
    expect(log.levels.get('db').level).toBe('warn')
  })

  test('globs are targets', async () => {
    log.named('db.pool')
    expect((await send('PUT', '/log/levels/db.*', '{"level":"error"}', json)).body).toMatchObject({
      name: 'db.*',
      before: 'warn',
      after: 'error',
    })
    expect(log.levels.get('db.pool').level).toBe('error')
    expect((await send('GET', '/log/levels')).body['loggers']).toHaveProperty(['db.*'])
  })

  test('DELETE goes back to the start-up state, of one or of all', async () => {
    await send('PUT', '/log/levels', '{"level":"error"}', json)
    await send('PUT', '/log/levels/db', '{"level":"trace"}', json)
    expect((await send('DELETE', '/log/levels/db')).body).toMatchObject({
      changes: [{ name: 'db', after: 'warn' }],
    })
    expect((await send('DELETE', '/log/levels')).body).toMatchObject({
      changes: [{ name: 'ROOT', after: 'info' }],
    })
    expect((await send('DELETE', '/log/levels')).body).toMatchObject({ changes: [], revision: 4 })
    expect((await send('DELETE', '/log/levels/unknown')).status).toBe(404)
  })

  test('HEAD is GET without a body', async () => {
    const reply = await send('HEAD', '/log/levels')
    expect([reply.status, reply.headers.get('etag'), reply.body]).toEqual([200, '"0"', {}])
  })

  test('HEAD has no body when it is refused either', async () => {
    for (const path of ['/log/levels/unknown', '/elsewhere', '/log/levels/%ff']) {
      const get = await send('GET', path)
      const head = await send('HEAD', path)
      expect([head.status, head.headers.get('content-type'), head.body]).toEqual([
        get.status,
        get.headers.get('content-type'),
        {},
      ])
    }
    handle = levelHandler(log.levels, { authorize: () => false })
    const denied = await send('HEAD', '/log/levels')
    expect([denied.status, denied.body]).toEqual([403, {}])
  })

  test('If-Match guards against changes in between', async () => {
    const etag = (await send('GET', '/log/levels/db')).headers.get('etag') ?? ''
    expect(
      (await send('PUT', '/log/levels/db', '{"level":"error"}', { ...json, 'if-match': etag })).status,
    ).toBe(200)
    expect(
      (await send('PUT', '/log/levels/db', '{"level":"fatal"}', { ...json, 'if-match': etag })).status,
    ).toBe(412)
    expect((await send('DELETE', '/log/levels/db', undefined, { 'if-match': `"x", "1"` })).status).toBe(200)
    expect((await send('DELETE', '/log/levels/db', undefined, { 'if-match': '*' })).status).toBe(200)
  })

  test('If-Match is decided when the body is there, not before', async () => {
    const open: ReadableStreamDefaultController<Uint8Array>[] = []
    const replies = ['error', 'fatal'].map((level) => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          open.push(controller)
        },
      })
      return { level, reply: send('PUT', '/log/levels/db', body, { ...json, 'if-match': '"0"' }) }
    })
    await expect.poll(() => time.pendingTimers).toBe(2)
    for (const [i, { level }] of replies.entries()) {
      open[i]?.enqueue(Buffer.from(JSON.stringify({ level })))
      open[i]?.close()
    }
    const statuses = (await Promise.all(replies.map(({ reply }) => reply))).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 412]))
    expect(log.levels.revision).toBe(1)
  })

  test('a logger that is really named ROOT does not hide the root', async () => {
    log.named('ROOT').named('child')
    await send('PUT', '/log/levels/=ROOT', '{"level":"error"}', json)
    expect(log.levels.get('ROOT').level).toBe('error')
    expect((await send('GET', '/log/levels')).body['loggers']).toMatchObject({
      ROOT: { configuredLevel: 'info' },
      '=ROOT': { configuredLevel: 'error' },
      'ROOT.child': { configuredLevel: null, effectiveLevel: 'error' },
    })
    expect((await send('GET', '/log/levels/=ROOT')).body).toMatchObject({ name: '=ROOT' })
    expect((await send('GET', '/log/levels/ROOT')).body).toMatchObject({ configuredLevel: 'info' })
  })

  test('a slash at the end of the path is no part of the name', async () => {
    expect((await send('PUT', '/log/levels/db/', '{"level":"error"}', json)).body).toMatchObject({
      name: 'db',
    })
    expect((await send('PUT', '/log/levels/', 'level=error', form)).status).toBe(200)
    for (const path of ['db//', '/', '/db//'])
      expect((await send('PUT', `/log/levels/${path}`, '{"level":"error"}', json)).status).toBe(404)
    expect(log.levels.list().map(({ name }) => name)).toEqual(['', 'db'])
  })

  test('the reply to a zap client and the GETs of a Spring client show when the level ends', async () => {
    const expiresAt = time.wallTime() + 900_000
    expect((await send('PUT', '/log/levels', 'level=debug', form)).body).toMatchObject({ expiresAt })
    await send('POST', '/log/levels/db', '{"configuredLevel":"DEBUG"}', json)
    expect((await send('GET', '/log/levels/db')).body).toMatchObject({ expiresAt })
    expect((await send('GET', '/log/levels')).body['loggers']).toMatchObject({
      ROOT: { expiresAt },
      db: { expiresAt },
    })
  })

  test('a name in the path is decoded, and a bad one refused', async () => {
    log.named('@scope/pkg')
    expect((await send('GET', '/log/levels/%40scope%2Fpkg')).status).toBe(200)
    expect((await send('GET', '/log/levels/@scope/pkg')).status).toBe(200)
    for (const path of [
      '%00',
      'a%0ab',
      'a%1bb',
      'a%20b',
      '%ff',
      '%',
      'a..b',
      '.a',
      '%E2%80%AE',
      'a%2Cb',
      'a%3Db',
      'x'.repeat(300),
    ]) {
      const { status } = await send('PUT', `/log/levels/${path}`, '{"level":"error"}', json)
      expect([path, status]).toEqual([path, 400])
    }
    expect(log.levels.revision).toBe(0)
  })

  test('paths beside the base are not found', async () => {
    for (const path of ['/', '/log', '/log/levelsx', '/log/level'])
      expect((await send('GET', path)).status).toBe(404)
    expect((await send('GET', '/log/levels/')).status).toBe(200)
    handle = levelHandler(log.levels, { authorize: 'none', base: '/' })
    expect((await send('GET', '/')).status).toBe(200)
    expect((await send('GET', '/db')).status).toBe(200)
    handle = levelHandler(log.levels, { authorize: 'none', base: '/admin/loggers/' })
    expect((await send('GET', '/admin/loggers/db')).status).toBe(200)
  })
})

test('credentials in reasons are shown no more than they are logged', async () => {
  const reason = 'https://ann:hunter2@tickets.test/7?token=hunter2'
  const when = { header: { 'x-debug': '1' } }
  await send('PUT', '/log/levels/db', JSON.stringify({ level: 'debug', reason }), json)
  await send('POST', '/log/levels/-/overrides', JSON.stringify({ when, level: 'debug', reason }), json)
  const hidden = 'https://[redacted]@tickets.test/7?token=[redacted]'
  const { body } = await send('GET', '/log/levels/-/audit')
  expect(body['audit']).toMatchObject([
    { kind: 'override', reason: hidden, by: 'http', when },
    { kind: 'level', reason: hidden, by: 'http', after: 'debug' },
  ])
  const shown = await send('GET', '/log/levels/-/overrides')
  expect(shown.body['overrides']).toMatchObject([{ reason: hidden, by: 'http', when }])
  expect(destination.records.map((line) => line['reason'])).toEqual([hidden, hidden])
})

test.each<[number, string, string, (string | undefined)?, Record<string, string>?]>([
  [200, 'GET', ''],
  [200, 'HEAD', ''],
  [200, 'PUT', '', 'level=debug', form],
  [204, 'POST', '/db', '{}', json],
  [304, 'GET', '', undefined, { 'if-none-match': '*' }],
  [400, 'PUT', '/db', '<script>', json],
  [403, 'DELETE', '', undefined, { origin: 'http://evil.test' }],
  [404, 'GET', '/<script>'],
  [405, 'PURGE', ''],
  [412, 'DELETE', '', undefined, { 'if-match': '"another"' }],
  [413, 'PUT', '/db', 'x'.repeat(5000), json],
  [415, 'POST', '/db', '<script>', { 'content-type': 'text/plain' }],
])('an answer of %i forbids sniffing and caching, and is JSON or nothing', async (...given) => {
  const [status, method, path, body, sent] = given
  const answer = await send(method, `/log/levels${path}`, body, sent)
  expect(answer.status).toBe(status)
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('content-type')).toBe(
    [204, 304].includes(status) ? null : 'application/json; charset=utf-8',
  )
})

describe('who may', () => {
  test.each<[unknown, string]>([
    [undefined, 'KIT_LOG_NO_AUTHORIZE'],
    [{}, 'KIT_LOG_NO_AUTHORIZE'],
    [{ authorize: undefined }, 'KIT_LOG_NO_AUTHORIZE'],
    [{ authorize: true }, 'KIT_LOG_NO_AUTHORIZE'],
    [{ authorize: 'None' }, 'KIT_LOG_NO_AUTHORIZE'],
    [{ authorize: 'none', base: 'levels' }, 'KIT_LOG_BAD_OPTION'],
    [{ authorize: 'none', path: '/x' }, 'KIT_LOG_UNKNOWN_OPTION'],
    [{ authorize: 'none', hosts: 'localhost' }, 'KIT_LOG_BAD_OPTION'],
    [{ authorize: 'none', author: 'ada' }, 'KIT_LOG_BAD_OPTION'],
  ])('%j does not mount', (options, code) => {
    expect(() => levelHandler(log.levels, options as LevelHandlerOptions)).toThrow(
      expect.objectContaining({ code }) as LogError,
    )
  })

  test.each<[string, () => unknown]>([
    ['false', () => false],
    ['a rejection', () => Promise.reject(new Error('directory down'))],
    [
      'a throw',
      () => {
        throw new Error('x')
      },
    ],
    ['a promise of false', () => Promise.resolve(false)],
    ['undefined', () => undefined],
    ['something truthy', () => 'yes'],
  ])('%s is 403 on every path and method', async (_what, authorize) => {
    handle = levelHandler(log.levels, { authorize: authorize as () => boolean })
    for (const [method, path] of [
      ['GET', ''],
      ['HEAD', ''],
      ['PUT', '?level=error'],
      ['DELETE', ''],
      ['GET', '/db'],
      ['POST', '/db'],
      ['PUT', '/db'],
      ['DELETE', '/db'],
      ['PATCH', ''],
      ['GET', '/nobody'],
      ['GET', '/%ff'],
      ['GET', '/../x'],
    ] as const) {
      const reply = await send(method, `/log/levels${path}`)
      expect(reply.status).toBe(403)
      expect(JSON.stringify(reply.body)).not.toMatch(/info|warn|directory/)
    }
    expect(log.levels.revision).toBe(0)
  })

  test('authorize sees the request', async () => {
    handle = levelHandler(log.levels, {
      authorize: (request) => request.headers.get('authorization') === 'Bearer key',
    })
    expect((await send('GET', '/log/levels')).status).toBe(403)
    expect((await send('GET', '/log/levels', undefined, { authorization: 'Bearer key' })).status).toBe(200)
  })

  test('pages of another origin may look but not touch', async () => {
    for (const foreign of ['http://evil.test', 'https://service.test', 'http://service.test:8080', 'null']) {
      for (const [method, path, body] of [
        ['PUT', '', 'level=error'],
        ['PUT', '/db', '{"level":"error"}'],
        ['POST', '/db', '{}'],
        ['DELETE', '', undefined],
      ] as const) {
        expect((await send(method, `/log/levels${path}`, body, { ...json, origin: foreign })).status).toBe(
          403,
        )
      }
      expect((await send('GET', '/log/levels', undefined, { origin: foreign })).status).toBe(200)
    }
    expect(log.levels.revision).toBe(0)
    expect((await send('DELETE', '/log/levels', undefined, { origin })).status).toBe(403)
  })

  test('a page of the same origin may, unless its name may have been made to point here', async () => {
    const put = async (at: string, headers: Record<string, string> = {}): Promise<number> => {
      const request = new Request(`${at}/log/levels?level=error`, {
        method: 'PUT',
        headers: { origin: at, ...headers },
      })
      return (await handle(request)).status
    }
    const local = [
      'http://localhost:9000',
      'http://127.0.0.1',
      'http://127.3.2.1:1',
      'http://[::1]:9',
      'http://a.localhost',
    ]
    const strange = [
      'http://rebound.test',
      'http://127.0.0.1.rebound.test',
      'http://localhost.rebound.test',
      'http://10.0.0.1',
    ]
    for (const at of local) expect([at, await put(at)]).toEqual([at, 200])
    for (const at of strange) expect([at, await put(at)]).toEqual([at, 403])
    handle = levelHandler(log.levels, { authorize: () => true })
    for (const at of strange) expect([at, await put(at)]).toEqual([at, 200])
    handle = levelHandler(log.levels, { authorize: 'none', hosts: ['Rebound.test'] })
    expect(await put('http://rebound.test:8080')).toBe(200)
    expect(await put('http://rebound.test', { origin: 'http://localhost' })).toBe(403)
    expect(await put('http://localhost')).toBe(403)
    expect((await send('GET', '/log/levels')).status).toBe(403)
  })

  test('the author is for the application to say', async () => {
    const names = [undefined, '', 'ada', 'x'.repeat(300), 7 as never]
    handle = levelHandler(log.levels, {
      authorize: 'none',
      author: () => {
        if (names.length === 0) throw new Error('x')
        return names.shift()
      },
    })
    for (let i = 0; i < 6; i += 1) await send('PUT', '/log/levels/db', '{"level":"error"}', json)
    expect(log.levels.audit().map(({ by }) => by)).toEqual([
      'http',
      'http',
      'x'.repeat(256),
      'ada',
      'http',
      'http',
    ])
  })
})

describe('the body', () => {
  test('of more than 4 KiB is refused by its declared length, unread', async () => {
    let pulled = 0
    const body = new ReadableStream(
      {
        pull() {
          pulled += 1
        },
      },
      { highWaterMark: 0 },
    )
    expect((await send('PUT', '/log/levels/db', body, { ...json, 'content-length': '4097' })).status).toBe(
      413,
    )
    expect(pulled).toBe(0)
  })

  test('of more than 4 KiB is read one chunk beyond that at most, and cancelled', async () => {
    let given = 0
    let cancelled = false
    const body = new ReadableStream(
      {
        pull(controller) {
          given += 1024
          controller.enqueue(new Uint8Array(1024).fill(32))
        },
        cancel() {
          cancelled = true
        },
      },
      { highWaterMark: 0 },
    )
    expect((await send('PUT', '/log/levels/db', body, json)).status).toBe(413)
    expect(given).toBe(5120)
    expect(cancelled).toBe(true)
  })

  test('of exactly 4 KiB is read', async () => {
    const text = '{"level":"error"}'.padEnd(4096)
    expect((await send('PUT', '/log/levels/db', text, json)).status).toBe(200)
    expect((await send('PUT', '/log/levels/db', `${text} `, json)).status).toBe(413)
  })

  test.each(['gzip', 'br', 'identity', ''])('with the content-encoding %j is refused', async (encoding) => {
    expect(
      (await send('PUT', '/log/levels/db', '{"level":"error"}', { ...json, 'content-encoding': encoding }))
        .status,
    ).toBe(415)
  })

  test('that does not arrive in five seconds is given up', async () => {
    let cancelled = false
    const body = new ReadableStream({
      cancel() {
        cancelled = true
      },
    })
    const reply = send('PUT', '/log/levels/db', body, json)
    await expect.poll(() => time.pendingTimers).toBe(1)
    time.advance(5000)
    expect((await reply).status).toBe(408)
    expect(cancelled).toBe(true)
  })

  test('that fails, is used already, or is not UTF-8 is a 400', async () => {
    const failing = new ReadableStream(
      {
        pull() {
          throw new Error('reset')
        },
      },
      { highWaterMark: 0 },
    )
    expect((await send('PUT', '/log/levels/db', failing, json)).status).toBe(400)
    expect((await send('PUT', '/log/levels/db', new Uint8Array([0x22, 0xff, 0x22]), json)).status).toBe(400)
    handle = levelHandler(log.levels, { authorize: async (request) => (await request.text()) !== '' })
    const { status, body } = await send('PUT', '/log/levels/db', '{"level":"error"}', json)
    expect([status, body['error']]).toEqual([400, 'the request body was already read'])
    handle = levelHandler(log.levels, { authorize: (request) => request.body?.getReader() !== undefined })
    expect((await send('PUT', '/log/levels/db', '{"level":"error"}', json)).status).toBe(400)
    handle = levelHandler(log.levels, { authorize: async (request) => (await request.clone().text()) !== '' })
    expect((await send('PUT', '/log/levels/db', '{"level":"error"}', json)).status).toBe(200)
  })

  test('of any shape is never a 5xx and changes only what it says', async () => {
    const text = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary', maxLength: 50 }),
      fc.constantFrom(
        '{"level":"info","level":"debug"}',
        '{"a":1e400}',
        '\ufeff{}',
        '[[[[[',
        '['.repeat(4000),
        '{"reason":1,"level":"info"}',
        '{"level":{"toString":1}}',
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('PUT', 'POST'),
        fc.constantFrom('', '/db', '/ROOT', '/__proto__', '/a%2f%2e'),
        text,
        async (method, path, body) => {
          const { status } = await send(method, `/log/levels${path}`, body, json)
          expect([200, 204, 400, 405]).toContain(status)
        },
      ),
      { numRuns: 300 },
    )
  })
})

test('works over real HTTP', async () => {
  time[Symbol.dispose]()
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
        method: incoming.method ?? 'GET',
        headers: new Headers(incoming.headers as Record<string, string>),
        ...(incoming.method === 'GET' ? undefined : { body: Readable.toWeb(incoming), duplex: 'half' }),
      } as RequestInit)
      const response = await handle(request)
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      outgoing.end(await response.text())
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log/levels`
    expect(await (await fetch(base)).json()).toMatchObject({ level: 'info' })
    const zap = await fetch(base, { method: 'PUT', body: new URLSearchParams({ level: 'error' }) })
    expect(await zap.json()).toMatchObject({ level: 'error' })
    const spring = await fetch(`${base}/db`, {
      method: 'POST',
      headers: json,
      body: '{"configuredLevel":"TRACE"}',
    })
    expect(spring.status).toBe(204)
    expect(log.named('db').isLevelEnabled('trace')).toBe(true)
    const status = await new Promise((resolve, reject) => {
      const request = httpRequest(
        `${base}/db`,
        { method: 'PUT', headers: { ...json, 'transfer-encoding': 'chunked' } },
        (response) => {
          response.resume()
          resolve(response.statusCode)
        },
      )
      request.on('error', reject)
      request.end('x'.repeat(5000))
    })
    expect(status).toBe(413)
    log.levels.reset()
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})
