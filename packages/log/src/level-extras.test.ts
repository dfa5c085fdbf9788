import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { background } from '@kit/context'
import { manualClock } from '@kit/context/testing'
import type { ManualClock } from '@kit/context/testing'
import { createLogger, levelHandler, withRequest } from './index.ts'
import type { LevelCarrier, LevelOperation, Logger } from './index.ts'
import { memoryDestination } from './testing.ts'

const destination = memoryDestination()
let time: ManualClock
let log: Logger
let handle: (request: Request) => Promise<Response>
beforeEach(() => {
  time = manualClock()
  destination.clear()
  log = createLogger({ format: 'json', destination, level: 'info,db=warn' })
  handle = levelHandler(log.levels, {
    authorize: 'none',
    author: (request) => request.headers.get('x-who') ?? '',
  })
})
afterEach(() => time[Symbol.dispose]())

const json = { 'content-type': 'application/json' }

interface Reply {
  status: number
  headers: Headers
  body: Record<string, unknown>
}

async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = json,
): Promise<Reply> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const init = body === undefined ? { method, headers } : { method, headers, body: text }
  const response = await handle(new Request(`http://localhost/log/levels${path}`, init))
  const answer = await response.text()
  return { status: response.status, headers: response.headers, body: answer === '' ? {} : JSON.parse(answer) }
}

describe('PATCH', () => {
  test('changes several levels, with one reason', async () => {
    log.levels.set('http', 'error')
    const { status, body } = await send(
      'PATCH',
      '',
      { 'db.*': 'debug', http: null, ROOT: 'WARN', reason: 'why' },
      { 'x-who': 'ada' },
    )
    expect(status).toBe(200)
    expect(body).toMatchObject({
      changes: [
        { name: 'db.*', before: 'warn', after: 'debug', expiresAt: time.wallTime() + 900_000, revision: 2 },
        { name: 'http', before: 'error', after: 'info', revision: 3 },
        { name: 'ROOT', before: 'info', after: 'warn', revision: 4 },
      ],
      revision: 4,
      appliedTo: [{ pid: process.pid }],
    })
    expect(destination.records.slice(1).map(({ by, reason }) => `${String(by)}: ${String(reason)}`)).toEqual([
      'ada: why',
      'ada: why',
      'ada: why',
    ])
  })

  test('takes a spec, the grammar of LOG_LEVEL', async () => {
    const { body } = await send('PATCH', '', { spec: 'error, db.pool=trace,db.*=debug', ttl: '1h' })
    expect(body['changes']).toHaveLength(3)
    expect(log.levels.list()).toMatchObject([
      { name: '', level: 'error', expiresAt: time.wallTime() + 3_600_000 },
      { name: 'db', level: 'warn' },
      { name: 'db.*', level: 'debug' },
      { name: 'db.pool', level: 'trace' },
    ])
  })

  test('takes the root as zap calls it, and loggers of that name with =', async () => {
    await send('PATCH', '', {
      level: 'error',
      '=level': 'fatal',
      '=spec': 'warn',
      '=ttl': 'warn',
      '=ROOT': 'debug',
      ttl: 'none',
    })
    expect(log.levels.list().map(({ name, configured }) => `${name}=${configured}`)).toEqual([
      '=error',
      'ROOT=debug',
      'db=warn',
      'level=fatal',
      'spec=warn',
      'ttl=warn',
    ])
  })

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['only a reason', { reason: 'x' }],
    ['an unknown level', { a: 'error', b: 'loud' }],
    ['a level that is no text', { a: 'error', b: 30 }],
    ['a bad name', { a: 'error', 'b c': 'error' }],
    ['one target twice', { a: 'error', '=a': 'fatal' }],
    ['the root twice', { level: 'error', ROOT: 'fatal' }],
    ['a key twice', '{"a":"error","a":"fatal"}'],
    ['a bad spec', { spec: 'a=error,b' }],
    ['an empty spec', { spec: '' }],
    ['a spec that is no text', { spec: ['a=error'] }],
    ['a spec and more', { spec: 'a=error', b: 'error' }],
    ['a bad ttl', { a: 'error', ttl: 'soon' }],
    ['a bad reason', { a: 'error', reason: 7 }],
    ['a list', []],
  ])('of %s changes nothing at all', async (_what, body) => {
    expect((await send('PATCH', '', body)).status).toBe(400)
    expect(log.levels.list()).toHaveLength(2)
    expect([log.levels.revision, time.pendingTimers]).toEqual([0, 0])
  })

  test('that needs more names than there are changes nothing at all', async () => {
    for (let i = 0; i < 4090; i += 1) log.named(`n${i}`)
    expect((await send('PATCH', '', { a: 'error', 'b.c.d.e': 'error' })).status).toBe(409)
    expect(log.levels.revision).toBe(0)
    expect((await send('PATCH', '', { 'a.b.c': 'error', 'a.b.d': 'error' })).status).toBe(200)
  })

  test('is guarded by If-Match', async () => {
    expect((await send('PATCH', '', { db: 'error' }, { 'if-match': '"7"' })).status).toBe(412)
    expect((await send('PATCH', '', { db: 'error' }, { 'if-match': '"0"' })).status).toBe(200)
  })
})

test('a GET of what has not changed is 304', async () => {
  const { headers } = await send('GET', '')
  const known = { 'if-none-match': `W/${headers.get('etag') ?? ''}` }
  const same = await send('GET', '', undefined, known)
  expect([same.status, same.body, same.headers.get('etag')]).toEqual([304, {}, '"0"'])
  expect((await send('GET', '/db', undefined, known)).status).toBe(304)
  log.levels.override({ when: { user: 'ann' }, level: 'debug' })
  expect((await send('GET', '', undefined, known)).status).toBe(200)
})

describe('overrides', () => {
  const acme = {
    when: { header: { 'X-Tenant': 'acme' } },
    level: 'DEBUG',
    ttl: '5m',
    sample: 1,
    max: 3,
    reason: 'slow',
  }
  const acmes = log0()
  function log0(): ReturnType<typeof withRequest> {
    return withRequest(background, { header: (name) => (name === 'x-tenant' ? 'acme' : undefined) })
  }

  test('are posted, seen, and ended', async () => {
    const posted = await send('POST', '/-/overrides', acme, { ...json, 'x-who': 'ada' })
    const id = posted.body['id'] as string
    expect(posted.status).toBe(201)
    expect(posted.headers.get('location')).toBe(`/log/levels/-/overrides/${id}`)
    const state = {
      id,
      when: { header: { 'x-tenant': 'acme' } },
      level: 'debug',
      expiresAt: time.wallTime() + 300_000,
      sample: 1,
      max: 3,
      reason: 'slow',
      by: 'ada',
    }
    expect(posted.body).toEqual({
      ...state,
      lines: 0,
      revision: 1,
      appliedTo: [expect.objectContaining({ pid: process.pid })],
    })
    log.named('db.pool').withContext(acmes).debug('x')
    expect((await send('GET', '/-/overrides')).body).toEqual({ overrides: [{ ...state, lines: 1 }] })
    expect((await send('GET', `/-/overrides/${id}`)).body).toEqual({ ...state, lines: 1 })
    expect((await send('GET', '')).body['overrides']).toEqual([state])
    expect((await send('HEAD', '/-/overrides')).status).toBe(200)

    const ended = await send('DELETE', `/-/overrides/${id}`, undefined, { 'x-who': 'bob' })
    expect([ended.status, ended.body]).toMatchObject([200, { ended: [{ id, lines: 1 }], revision: 2 }])
    expect((await send('DELETE', `/-/overrides/${id}`)).status).toBe(404)
    expect((await send('GET', `/-/overrides/${id}`)).status).toBe(404)
    log.named('db.pool').withContext(acmes).debug('y')
    expect(destination.records.map(({ msg }) => msg)).toEqual([
      'log override begun',
      'x',
      'log override ended',
    ])
  })

  test('end by themselves, all of them, at the latest after a day', async () => {
    const { body } = await send('POST', '/-/overrides', { ...acme, ttl: '1000h' })
    expect(body['expiresAt']).toBe(time.wallTime() + 86_400_000)
    const usual = await send('POST', '/-/overrides', { when: { user: 'ann' }, level: 'trace' })
    expect(usual.body['expiresAt']).toBe(time.wallTime() + 900_000)
    time.advance(86_400_000)
    expect((await send('GET', '/-/overrides')).body).toEqual({ overrides: [] })
  })

  test('can be ended all at once', async () => {
    for (const user of ['ann', 'bob']) await send('POST', '/-/overrides', { when: { user }, level: 'debug' })
    expect((await send('DELETE', '/-/overrides')).body['ended']).toHaveLength(2)
    expect(log.levels.overrides()).toEqual([])
  })

  test.each<[string, unknown, Record<string, string>, number]>([
    ['no condition', { level: 'debug' }, json, 400],
    ['an empty condition', { when: {}, level: 'debug' }, json, 400],
    ['a condition of null', { when: null, level: 'debug' }, json, 400],
    ['a text', { when: 'x', level: 'debug' }, json, 400],
    ['credentials', { when: { header: { Cookie: 'x' } }, level: 'debug' }, json, 400],
    ['no level', { when: { user: 'a' } }, json, 400],
    ['a level of null', { when: { user: 'a' }, level: null }, json, 400],
    ['an unknown level', { when: { user: 'a' }, level: 'loud' }, json, 400],
    ['silent', { when: { user: 'a' }, level: 'off' }, json, 400],
    ['no end', { when: { user: 'a' }, level: 'debug', ttl: 'none' }, json, 400],
    ['no time', { when: { user: 'a' }, level: 'debug', ttl: 0 }, json, 400],
    ['a sample of a text', { when: { user: 'a' }, level: 'debug', sample: '1' }, json, 400],
    ['a sample of 2', { when: { user: 'a' }, level: 'debug', sample: 2 }, json, 400],
    ['a max of null', { when: { user: 'a' }, level: 'debug', max: null }, json, 400],
    ['a misspelt member', { when: { user: 'a' }, level: 'debug', tll: '5m' }, json, 400],
    ['a long reason', { when: { user: 'a' }, level: 'debug', reason: 'x'.repeat(257) }, json, 400],
    ['a polluting body', '{"__proto__":{"when":{"user":"a"},"level":"debug"}}', json, 400],
    ['no JSON', '{', json, 400],
    ['a form', 'level=debug', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['plain text', { when: { user: 'a' }, level: 'debug' }, { 'content-type': 'text/plain' }, 415],
    [
      'a page of another origin',
      { when: { user: 'a' }, level: 'debug' },
      { ...json, origin: 'http://evil.test' },
      403,
    ],
    ['stale levels', { when: { user: 'a' }, level: 'debug' }, { ...json, 'if-match': '"4"' }, 412],
    ['too much', `{"when":{"user":"a"},"level":"debug"}${' '.repeat(4096)}`, json, 413],
    ['an encoding', { when: { user: 'a' }, level: 'debug' }, { ...json, 'content-encoding': 'gzip' }, 415],
  ])('with %s are refused', async (_what, body, headers, status) => {
    expect((await send('POST', '/-/overrides', body, headers)).status).toBe(status)
    expect([log.levels.overrides(), log.levels.revision, time.pendingTimers]).toEqual([[], 0, 0])
  })

  test('are at most 32', async () => {
    for (let i = 0; i < 32; i += 1) log.levels.override({ when: () => true, level: 'debug' })
    expect((await send('POST', '/-/overrides', acme)).status).toBe(409)
    expect((await send('GET', '/-/overrides')).body['overrides']).toHaveLength(32)
  })
})

describe('the audit', () => {
  test('has the last 256 entries, newest first', async () => {
    await send('PUT', '/db', { level: 'debug', ttl: '1m', reason: 'why' }, { 'x-who': 'ada' })
    time.advance(60_000)
    await send('DELETE', '', undefined, { 'x-who': 'eve' })
    log.levels.set('', 'error')
    await send('DELETE', '/ROOT', undefined, { 'x-who': 'eve' })
    const { status, body } = await send('GET', '/-/audit')
    expect(status).toBe(200)
    expect(body['audit']).toMatchObject([
      { kind: 'level', name: '', after: 'info', reason: 'reset', by: 'eve' },
      { kind: 'level', name: '', after: 'error' },
      {
        kind: 'level',
        name: 'db',
        before: 'debug',
        after: 'warn',
        reason: 'expired',
        by: 'ada',
        at: time.wallTime(),
      },
      {
        kind: 'level',
        name: 'db',
        before: 'warn',
        after: 'debug',
        reason: 'why',
        by: 'ada',
        expiresAt: time.wallTime(),
      },
    ])
    for (let i = 0; i < 300; i += 1) log.levels.set('db', 'error', { reason: String(i) })
    const audit = (await send('GET', '/-/audit')).body['audit'] as { reason: string }[]
    expect(audit.map(({ reason }) => reason)).toEqual(Array.from({ length: 256 }, (_, i) => String(299 - i)))
  })

  test('cannot be changed', async () => {
    for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
      const { status, headers } = await send(method, '/-/audit')
      expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    }
    expect(() => Object.assign(log.levels.set('a', 'info'), { by: 'nobody' })).toThrow(TypeError)
    expect(() => Object.assign(log.levels.audit()[0] ?? {}, { by: 'nobody' })).toThrow(TypeError)
  })
})

describe('a flush', () => {
  test('has the active recordings write what they keep, and says how much that was', async () => {
    using one = log.record(background)
    using two = log.record(background, { level: 'trace' })
    log.withContext(one.ctx).debug('one')
    for (const name of ['two', 'three']) log.named('db').withContext(two.ctx).trace(name)
    const { status, body } = await send('POST', '/-/flush', { reason: 'stuck' }, { ...json, 'x-who': 'ada' })
    expect([status, body]).toEqual([200, { recordings: 2, lines: 3 }])
    expect(destination.records).toMatchObject([
      { level: 'info', logger: 'log.recorder', reason: 'stuck', by: 'ada', recordedLines: 1 },
      { level: 'debug', msg: 'one', recorded: true },
      { level: 'info', logger: 'log.recorder', reason: 'stuck', by: 'ada', recordedLines: 2 },
      { level: 'trace', logger: 'db', msg: 'two', recorded: true },
      { level: 'trace', logger: 'db', msg: 'three', recorded: true },
    ])
    log.withContext(one.ctx).debug('later')
    expect((await send('POST', '/-/flush', undefined, {})).body).toEqual({ recordings: 1, lines: 1 })
    expect(destination.records.at(-2)).toMatchObject({ reason: 'asked for', recordedLines: 1 })
    expect(log.levels.revision).toBe(0)
  })

  test.each<[number, unknown, Record<string, string>]>([
    [415, '{"reason":"x"}', { 'content-type': 'text/plain' }],
    [400, '{"reason":7}', json],
    [400, '{"why":"x"}', json],
    [400, '[]', json],
    [403, undefined, { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }],
  ])('is refused with %i for %j and %j', async (status, body, headers) => {
    using recording = log.record(background)
    log.withContext(recording.ctx).debug('x')
    expect((await send('POST', '/-/flush', body, headers)).status).toBe(status)
    expect(destination.lines).toEqual([])
  })

  test('is a POST, and has nothing below it', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const { status, headers } = await send(method, '/-/flush')
      expect([status, headers.get('allow')]).toEqual([405, 'POST'])
    }
    expect((await send('POST', '/-/flush/x')).status).toBe(404)
  })
})

test('what lies under /-/ hides no logger, and there is nothing else', async () => {
  log.named('-')
  log.named('-/audit')
  for (const path of [
    '/-',
    '/-/',
    '/-/levels',
    '/-/overrides/',
    '/-/overrides/a/b',
    '/-/audit/1',
    '/-/constructor',
  ]) {
    const { status } = await send('GET', path)
    expect([path, status]).toEqual([path, path === '/-/overrides/' ? 200 : 404])
  }
  expect((await send('GET', '/=-')).body).toMatchObject({ name: '=-', configuredLevel: null })
  expect((await send('PUT', '/=-%2Faudit', { level: 'error' })).body).toMatchObject({ name: '=-/audit' })
  expect(Object.keys((await send('GET', '')).body['loggers'] as object)).toContain('=-/audit')
  const { headers } = await send('PUT', '/-/overrides', {})
  expect(headers.get('allow')).toBe('GET, HEAD, POST, DELETE')
})

describe('what is done to a tree', () => {
  test('is told to carriers, and what they bring is told to the others', async () => {
    const told: Record<string, LevelOperation[]> = { a: [], b: [] }
    const carrier = (name: string, thread: number): LevelCarrier => ({
      send: async (operation) => {
        told[name]?.push(operation)
        return [{ pid: 1, thread }]
      },
    })
    const [a, b] = [carrier('a', 1), carrier('b', 2)]
    const stop = log.levels.carry(a)
    log.levels.carry(b)
    log.levels.carry({
      send: () => {
        throw new Error('carrier')
      },
    })
    const { body } = await send('PUT', '/db', { level: 'debug', ttl: '1m' })
    expect(body['appliedTo']).toMatchObject([
      { pid: process.pid },
      { pid: 1, thread: 1 },
      { pid: 1, thread: 2 },
    ])
    const set = {
      kind: 'set',
      name: 'db',
      level: 'debug',
      expiresAt: time.wallTime() + 60_000,
      by: 'http',
    } as const
    expect(told).toEqual({ a: [set], b: [set] })
    log.levels.apply({ kind: 'set', name: 'http', level: 'error' }, a)
    expect(told['a']).toHaveLength(1)
    expect(told['b']?.at(-1)).toEqual({ kind: 'set', name: 'http', level: 'error' })
    time.advance(60_000)
    expect(told['b']).toHaveLength(2)
    stop()
    log.levels.reset('http', 'ada')
    const { id } = log.levels.override({ when: { user: 'ann' }, level: 'debug' })
    log.levels.override({ when: () => false, level: 'debug' }).end()
    log.levels.endOverride(id)
    expect(told['a']).toHaveLength(1)
    expect(told['b']?.slice(2)).toMatchObject([
      { kind: 'reset', name: 'http', by: 'ada' },
      { kind: 'override', id, when: { user: ['ann'] } },
      { kind: 'end', id },
    ])
  })

  test('brings a fresh tree to where this one is', () => {
    const fresh = createLogger({ format: 'json', destination: memoryDestination(), level: 'info,db=warn' })
    log.levels.set('', 'error')
    log.levels.set('', 'debug', { ttlMs: 1000 })
    log.levels.set('db', null)
    log.levels.set('a.*', 'trace', { ttlMs: 50 })
    log.levels.override({ when: { user: 'ann' }, level: 'trace', ttlMs: 500 })
    log.levels.override({ when: () => true, level: 'trace' })
    for (const operation of log.levels.operations()) fresh.levels.apply(structuredClone(operation))
    const shown = ({ levels }: Logger): unknown[] =>
      levels.list().map(({ name, level, expiresAt }) => [name, level, expiresAt])
    const known = (one: Logger): unknown[] => shown(one).filter((state) => (state as string[])[0] !== 'a')
    expect(known(fresh)).toEqual(known(log))
    expect(fresh.levels.overrides()).toMatchObject([
      { when: { user: ['ann'] }, expiresAt: time.wallTime() + 500 },
    ])
    time.advance(1000)
    expect(fresh.levels.get().level).toBe('error')
    expect(known(fresh)).toEqual(known(log))
    // What is over when it arrives leaves what was to come after it.
    const over = { kind: 'set', name: 'db', level: 'trace', expiresAt: time.wallTime() } as const
    fresh.levels.apply({ ...over, revertTo: null })
    expect(fresh.levels.get('db')).toEqual({ level: 'error', configured: undefined })
    fresh.levels.apply(over)
    expect(fresh.levels.get('db')).toEqual({ level: 'warn', configured: 'warn' })
    const { revision } = fresh.levels
    fresh.levels.apply(over)
    expect(fresh.levels.revision).toBe(revision)
  })
})
