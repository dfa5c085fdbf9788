/**
 * Everything that takes a name from outside is given those of `Object.prototype`, each with a value; told on the channel,
 * or printed: how many were tried, of which the value was lost, and what changed in the prototypes of the language. Runs
 * under whatever restrictions Node was started with.
 */

import { strict as assert } from 'node:assert'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { background, createKey } from '@kit/context'
import { observeListener } from '@kit/http/node'
import type { LevelHandlerOptions, Logger } from '@kit/log'
import {
  annotate,
  createLogger,
  eventFields,
  levelHandler,
  withEvent,
  withFields,
  withRequest,
} from '@kit/log'
import { createMetrics } from '@kit/metrics'
import { memory } from '@kit/metrics/memory'
import { opentelemetry } from '@kit/metrics/opentelemetry'
import { prometheus } from '@kit/metrics/prometheus'
import { sinkFromUrl } from '@kit/metrics/url'
import { withMetrics } from '@kit/observe'
import { readPage } from '../tools/exposition-lines.ts'
import { readJson } from '../tools/strict-json.ts'
import { ask } from '../tools/conversation.ts'

/** What the program found. */
export interface PrototypeNames {
  readonly tried: number
  /** Of which the value was lost or changed, or that were not refused as they should be. */
  readonly lost: readonly string[]
  /** Members of built-in prototypes that are not what they were. */
  readonly changed: readonly string[]
}

const names = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'valueOf',
  '__defineGetter__',
]
const value = 'polluted'

/** Throws if the value of a name is lost there. */
type Place = (name: string) => void | Promise<void>

const places: Readonly<Record<string, Place>> = {
  'value of a label': async (name) => assert.equal((await labelled({ key: name })).get('key'), name),
  'name of a label': async (name) => {
    // Names with two underscores are Prometheus's own.
    if (name.startsWith('__')) return refused(() => createMetrics().counter('hits', { labels: [name] }))
    assert.equal((await labelled(object(name))).get(name), value)
  },
  'name of a metric': async (name) => {
    if (name.startsWith('__')) return refused(() => createMetrics().counter(name))
    const { metrics, samples } = page()
    metrics.counter(name).inc(3)
    const sample = (await samples()).find((one) => one.name === `${name}_total`)
    assert.equal(sample?.value, 3)
  },
  'name of an observed function': async (name) => {
    const { metrics, samples } = page()
    withMetrics(name, () => value, { metrics })()
    assert.ok((await samples()).some(({ labels }) => labels.get('function') === name))
  },
  'field of a line': (name) => isWritten(name, (log) => log.info(object(name), 'm')),
  'field within a field': (name) => isWritten(name, (log) => log.info({ field: object(name) }, 'm'), 'field'),
  'field of a child': (name) => isWritten(name, (log) => log.child(object(name)).info('m')),
  'field of a context': (name) => {
    const ctx = withFields(withFields(background, object(name)), { other: 1 })
    isWritten(name, (log) => log.withContext(ctx).info('m'))
  },
  'field of an event': (name) => {
    const ctx = withEvent(background)
    annotate(ctx, object(name))
    annotate(ctx, { other: 1 })
    assert.deepEqual(new Map(Object.entries(eventFields(ctx) ?? {})).get(name), value)
  },
  'name of a logger': (name) => {
    const log = logger()
    const named = log.named(name)
    assert.equal(named.isLevelEnabled('debug'), false)
    log.levels.set(name, 'debug')
    assert.equal(named.isLevelEnabled('debug'), true)
    assert.equal(log.isLevelEnabled('debug'), false)
  },
  'name of a context value': (name) => {
    const key = createKey<string>(name)
    assert.equal(background.value(key), undefined)
    assert.equal(background.withValue(key, value).value(key), value)
  },
  'member of baggage': (name) => {
    const log = logger()
    log.levels.override({ when: { baggage: object(name) }, level: 'debug' })
    const asking = (baggage: string): boolean =>
      log.withContext(withRequest(background, { header: () => baggage })).isLevelEnabled('debug')
    assert.equal(asking(`${name}=${value}`), true)
    assert.equal(asking('other=1'), false)
  },
  'header of a request': (name) => {
    const log = logger()
    log.levels.override({ when: { header: object(name) }, level: 'debug' })
    const asking = (sent: string): boolean => {
      const header = (asked: string): string | undefined => (asked === sent.toLowerCase() ? value : undefined)
      return log.withContext(withRequest(background, { header })).isLevelEnabled('debug')
    }
    assert.equal(asking(name), true)
    assert.equal(asking('other'), false)
  },
  'a logger that levels are set of by HTTP': async (name) => {
    const log = logger()
    const named = log.named(name)
    assert.equal((await put(log, `/${name}`, '{"level":"debug"}')).status, 200)
    assert.equal(named.isLevelEnabled('debug'), true)
    assert.equal(log.isLevelEnabled('debug'), false)
  },
  'a logger that nobody has, by HTTP': async (name) => {
    const answer = await levels(logger())(new Request(`http://localhost/log/levels/${name}`))
    assert.equal(answer.status, 404)
  },
  'member of JSON to the levels': async (name) => {
    const log = logger()
    const answer = await put(log, '', `{${JSON.stringify(name)}:{"level":"debug"}}`)
    assert.equal(answer.status, 400)
    assert.equal(log.isLevelEnabled('debug'), false)
  },
  'member of a form to the levels': async (name) => {
    const log = logger()
    const answer = await put(log, `?${name}[level]=debug`, `${name}=debug&${name}[level]=debug`, form)
    assert.equal(answer.status, 400)
    assert.equal(log.isLevelEnabled('debug'), false)
  },
  'group of loggers': async (name) => {
    const log = logger()
    const groups = JSON.parse(`{${JSON.stringify(name)}:["web","sql"]}`) as Record<string, string[]>
    const answer = await put(log, `/${name}`, '{"level":"debug"}', json, { groups })
    assert.equal(answer.status, 200)
    assert.equal(log.named('sql').isLevelEnabled('debug'), true)
  },
  'parameter of a URL': (name) => refused(() => sinkFromUrl(`prometheus://?${name}=${value}`)),
  'label in a URL': (name) => labelInUrl(name),
  'option of a factory': (name) => {
    for (const make of [createLogger, createMetrics, prometheus, memory, opentelemetry, levelsOf, observing])
      refused(() => make(object(name)))
  },
  'path and headers over a socket': (name) => overSocket(name),
  'attribute in the environment': async (name) => {
    process.env['OTEL_RESOURCE_ATTRIBUTES'] = `${name}=${value},service.version=1`
    const sink = opentelemetry()
    createMetrics().attach(sink)
    const { resourceMetrics } = await sink.producer().collect()
    const attributes = new Map(Object.entries(resourceMetrics.resource.attributes))
    assert.deepEqual([attributes.get(name), attributes.get('service.version')], [value, '1'])
  },
  'level in the environment': (name) => {
    process.env['LOG_LEVEL'] = `warn,${name}=debug`
    const log = createLogger({ destination: { write() {} } })
    assert.deepEqual([log.isLevelEnabled('info'), log.named(name).isLevelEnabled('debug')], [false, true])
  },
  'method in the environment': async (name) => {
    process.env['OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS'] = name
    const { metrics, samples } = page()
    await served({ metrics, log: false }, (port) => ask(port, 'GET /'))
    delete process.env['OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS']
    const methods = new Set((await samples()).map(({ labels }) => labels.get('http_request_method')))
    assert.ok(methods.has('_OTHER'))
    assert.ok(!methods.has('GET'))
  },
}

const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

const throwsOfProto = process.execArgv.includes('--disable-proto=throw')
/** pino, which makes the lines of JSON, has to replace a member of `Error` when it begins. */
const format = process.execArgv.includes('--frozen-intrinsics') ? 'text' : 'json'
process.env['LOG_FORMAT'] = format
const before = prototypes()
const lost: string[] = []
let tried = 0
for (const [where, place] of Object.entries(places)) {
  for (const name of names) {
    tried += 1
    try {
      // oxlint-disable-next-line no-await-in-loop -- the environment is theirs one after the other
      await place(name)
    } catch (error) {
      lost.push(`${name} as ${where}: ${(error as Error).message.split('\n')[0]}`)
    }
  }
}
const after = prototypes()
const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
  (member) => !before.has(member) || !Object.is(before.get(member), after.get(member)),
)
const found: PrototypeNames = { tried, lost, changed }
process.stdout.write(`${JSON.stringify(found)}\n`)

/** An object that has one member of its own, of that name. */
function object(name: string): Record<string, string> {
  return JSON.parse(`{${JSON.stringify(name)}:"${value}"}`) as Record<string, string>
}

/** Every member of the prototypes that objects share. */
function prototypes(): Map<string, unknown> {
  const shared = { Object, Array, Function, String, Number, Map, Set, Promise, Error, RegExp }
  const members = new Map<string, unknown>()
  for (const [name, { prototype }] of Object.entries(shared)) {
    for (const key of Reflect.ownKeys(prototype)) {
      const { value: own, get, set } = Reflect.getOwnPropertyDescriptor(prototype, key) ?? {}
      for (const [part, is] of Object.entries({ own, get, set }))
        members.set(`${name}.prototype.${String(key)} ${part}`, is)
    }
  }
  return members
}

function page() {
  const metrics = createMetrics()
  const sink = prometheus()
  metrics.attach(sink)
  return { metrics, samples: async () => readPage(await sink.text(), 'text') }
}

/** The labels of a counter's one series. */
async function labelled(labels: Record<string, string>): Promise<ReadonlyMap<string, string>> {
  const { metrics, samples } = page()
  metrics.counter('hits', { labels: Object.keys(labels) }).inc(labels)
  const series = (await samples()).filter(({ name }) => name === 'hits_total')
  assert.equal(series.length, 1)
  return new Map(series[0]?.labels)
}

function logger(): Logger {
  return createLogger({ level: 'info', destination: { write() {} } })
}

/** Throws unless the value stands in the one line that is written, in the field of that name, or in one within another. */
function isWritten(name: string, write: (log: Logger) => void, within?: string): void {
  const lines: string[] = []
  write(createLogger({ format, level: 'info', destination: { write: (text) => lines.push(text) } }))
  assert.equal(lines.length, 1)
  const [line = ''] = lines
  if (format === 'text') {
    assert.ok(line.includes(within === undefined ? `${name}=${value}` : `{"${name}":"${value}"}`))
    return
  }
  const fields = readJson(line) as ReadonlyMap<string, unknown>
  const inner = within === undefined ? fields : (fields.get(within) as ReadonlyMap<string, unknown>)
  assert.equal(inner.get(name), value)
}

function refused(make: () => unknown): void {
  assert.throws(make, ({ code }: { code?: unknown }) => typeof code === 'string' && code.startsWith('KIT_'))
}

function levels(
  log: Logger,
  options: Partial<LevelHandlerOptions> = {},
): (request: Request) => Promise<Response> {
  return levelHandler(log.levels, { authorize: 'none', ...options })
}

function levelsOf(options: object): unknown {
  return levelHandler(logger().levels, { authorize: 'none', ...options })
}

function observing(options: object): unknown {
  return observeListener(() => {}, options)
}

function put(
  log: Logger,
  path: string,
  body: string,
  headers: Record<string, string> = json,
  options: Partial<LevelHandlerOptions> = {},
): Promise<Response> {
  return levels(
    log,
    options,
  )(new Request(`http://localhost/log/levels${path}`, { method: 'PUT', headers, body }))
}

async function labelInUrl(name: string): Promise<void> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  try {
    const received = once(socket, 'message')
    const url =
      `statsd://127.0.0.1:${socket.address().port}?dialect=dogstatsd&label.${name}=${value}` as const
    const metrics = createMetrics()
    metrics.attach(sinkFromUrl(url))
    metrics.counter('hits').inc()
    await metrics.shutdown()
    const [datagram] = (await received) as [Buffer]
    assert.ok(datagram.toString().includes(`${name}:${value}`))
  } finally {
    socket.close()
  }
}

async function overSocket(name: string): Promise<void> {
  const lines: string[] = []
  const log = createLogger({ format, level: 'info', destination: { write: (text) => lines.push(text) } })
  const { metrics, samples } = page()
  const options = { metrics, log, requestId: { trust: true }, route: () => `/${name}` }
  // Where `__proto__` throws, so does Node itself when a header is called so, long before anybody could catch it.
  const header = throwsOfProto && name === '__proto__' ? 'other' : name
  const answer = await served(options, (port) =>
    ask(port, `GET /${name}?${name}=${value}`, [`${header}: ${value}`, `x-request-id: ${name}`]),
  )
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('x-request-id'), name)
  for (const part of format === 'text'
    ? [`requestId=${name}`]
    : [`"requestId":"${name}"`, `"route":"/${name}"`])
    assert.ok(lines[0]?.includes(part))
  assert.ok((await samples()).some(({ labels }) => labels.get('http_route') === `/${name}`))
}

async function served<T>(
  options: Parameters<typeof observeListener>[1],
  use: (port: number) => Promise<T>,
): Promise<T> {
  const server = createServer(observeListener((_req, res) => void res.end(), options))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    return await use((server.address() as AddressInfo).port)
  } finally {
    server.close()
    await once(server, 'close')
  }
}
