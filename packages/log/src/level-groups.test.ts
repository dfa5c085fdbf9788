import { manualClock } from '@kit/context/testing'
import { describe, expect, test } from 'vitest'
import { createLogger, levelHandler } from './index.ts'
import type { Logger } from './index.ts'
import { memoryDestination } from './testing.ts'

const groups = { web: ['http', 'express.*'], root: [''] }

function open(): {
  log: Logger
  send: (method: string, path: string, body?: object) => Promise<[number, unknown]>
} {
  const log = createLogger({
    format: 'json',
    level: 'info,http=warn,web=error',
    destination: memoryDestination(),
  })
  const handle = levelHandler(log.levels, { authorize: 'none', groups })
  return {
    log,
    async send(method, path, body) {
      const response = await handle(
        new Request(`http://localhost/log/levels${path}`, {
          method,
          body: body === undefined ? null : JSON.stringify(body),
        }),
      )
      return [response.status, await response.json()]
    },
  }
}

describe('a group', () => {
  test('is changed as a whole, for a while, and says of each member what came of it', async () => {
    const time = manualClock()
    try {
      const { log, send } = open()
      const [status, body] = await send('PUT', '/web', { level: 'debug', ttl: '5m', reason: 'slow' })
      expect(status).toBe(200)
      expect(body).toMatchObject({
        changes: [
          { name: 'http', before: 'warn', after: 'debug' },
          { name: 'express.*', before: 'info', after: 'debug' },
        ],
      })
      expect(log.levels.audit().slice(0, 2)).toMatchObject([{ reason: 'slow' }, { reason: 'slow' }])
      expect(await send('GET', '/web')).toEqual([
        200,
        { name: 'web', configuredLevel: 'debug', members: ['http', 'express.*'] },
      ])
      time.advance(5 * 60_000)
      expect([log.levels.get('http').configured, log.levels.get('express.*').configured]).toEqual([
        'warn',
        undefined,
      ])
    } finally {
      time[Symbol.dispose]()
    }
  })

  test('goes back as a whole to what it was at start-up', async () => {
    const { log, send } = open()
    await send('PUT', '/web', { level: 'error' })
    const [status, body] = await send('DELETE', '/web')
    expect([status, body]).toMatchObject([200, { changes: [{ name: 'http' }, { name: 'express.*' }] }])
    expect(log.levels.get('http').configured).toBe('warn')
  })

  test('stands for its members in a PATCH, all or none', async () => {
    const { log, send } = open()
    expect((await send('PATCH', '', { web: 'error', db: 'warn' }))[0]).toBe(200)
    expect(['http', 'express.router', 'db'].map((name) => log.levels.get(name).level)).toEqual([
      'error',
      'error',
      'warn',
    ])
    const { revision } = log.levels
    expect(await send('PATCH', '', { web: 'trace', http: 'warn' })).toMatchObject([
      400,
      { error: '"http" is there twice' },
    ])
    expect(await send('PATCH', '', { web: 'loud' })).toMatchObject([400, {}])
    expect(log.levels.revision).toBe(revision)
  })

  test('hides a logger of its name, which is reached with a = before it', async () => {
    const { log, send } = open()
    expect((await send('GET', ''))[1]).toMatchObject({
      loggers: { '=web': { configuredLevel: 'error' } },
      groups: {
        web: { members: ['http', 'express.*'] },
        root: { configuredLevel: 'info', members: ['ROOT'] },
      },
    })
    expect(await send('PUT', '/=web', { level: 'warn' })).toMatchObject([
      200,
      { name: '=web', after: 'warn' },
    ])
    expect(log.levels.get('web').level).toBe('warn')
    expect(log.levels.get('http').level).toBe('warn')
  })

  test('keeps to If-Match, and changes nothing for a page of another origin', async () => {
    const { log } = open()
    const handle = levelHandler(log.levels, { authorize: 'none', groups })
    const put = async (headers: Record<string, string>): Promise<number> => {
      const request = new Request('http://localhost/log/levels/web', {
        method: 'PUT',
        headers,
        body: '{"level":"error"}',
      })
      return (await handle(request)).status
    }
    expect(await put({ 'if-match': '"99"' })).toBe(412)
    expect(await put({ origin: 'http://evil.test' })).toBe(403)
    expect(log.levels.revision).toBe(0)
  })
})

test.each<[string, unknown]>([
  ['no object', 'web'],
  ['no list', { web: 'http' }],
  ['an empty list', { web: [] }],
  ['a member that is no name', { web: ['http', 7] }],
  ['a member that is a bad name', { web: ['a..b'] }],
  ['a member twice', { web: ['http', 'http'] }],
  ['too many members', { web: Array.from({ length: 257 }, (_, i) => `m${i}`) }],
  ['too many groups', Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`g${i}`, ['a']]))],
  ...['', 'ROOT', '-', '-/audit', '=x', 'level', 'spec', 'ttl', 'reason', 'a b\n'].map(
    (name): [string, unknown] => [`the name ${JSON.stringify(name)}`, { [name]: ['http'] }],
  ),
])('groups are refused with %s', (_what, wrong) => {
  const { levels } = createLogger({ destination: memoryDestination() })
  expect(() => levelHandler(levels, { authorize: 'none', groups: wrong as never })).toThrow(
    expect.objectContaining({ code: 'KIT_LOG_BAD_OPTION' }) as Error,
  )
})
