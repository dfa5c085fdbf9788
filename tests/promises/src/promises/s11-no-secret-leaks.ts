/** S11: secrets that requests, calls, errors and log calls have in them are in nothing that kit writes or shows. */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { background, current, run } from '@kit/context'
import { observeClient, observeDispatcher, observeRequest } from '@kit/http/client'
import { adminServer } from '@kit/http/endpoints'
import type { AdminServer } from '@kit/http/endpoints'
import type { Logger, LoggerOptions } from '@kit/log'
import { annotate, createLogger } from '@kit/log'
import { openTelemetryLogs } from '@kit/log/opentelemetry'
import type { Metrics } from '@kit/metrics'
import { createMetrics } from '@kit/metrics'
import { memory } from '@kit/metrics/memory'
import type { OtelMetricProducer } from '@kit/metrics/opentelemetry'
import { opentelemetry } from '@kit/metrics/opentelemetry'
import { prometheus } from '@kit/metrics/prometheus'
import { statsd } from '@kit/metrics/statsd'
import { observe } from '@kit/observe'
import type { PublishedPromise, Trial } from '../promise.ts'
import { basic, Canaries } from '../tools/canaries.ts'
import { say } from '../tools/conversation.ts'
import { randomFrom } from '../tools/naughty.ts'
import { places } from '../tools/secret-places.ts'
import { onEveryFramework } from '../tools/services.ts'

export const promise: PublishedPromise = {
  id: 'S11',
  says: 'Secrets in headers, URLs, errors with their causes, and in whatever is logged by a name or in a form that tells them, are not in lines of the log, recordings, OpenTelemetry records, pages and packets of metrics, health, levels or error answers. What redaction cannot find is listed in the README of @kit/log.',
  tiers: ['change', 'nightly'],
  speaksOf: [
    'packages/log/src/encode',
    'packages/log/src/redact.ts',
    'packages/log/src/secrets.ts',
    'packages/log/src/hide-named.ts',
    'packages/log/src/hide-text.ts',
    'packages/log/src/key-patterns.ts',
    'packages/log/src/scan.ts',
    'packages/log/src/opentelemetry',
    'packages/log/src/level-dialect.ts',
    'packages/log/src/level-extras.ts',
    'packages/http/src/answer.ts',
    'packages/http/src/bridge.ts',
    'packages/http/src/client-call.ts',
    'packages/http/src/client-request.ts',
    'packages/http/src/head.ts',
    'packages/http/src/health.ts',
    'packages/http/src/observer.ts',
  ],
  async run(trial) {
    const rounds = trial.pick({ change: 1, nightly: 25, release: 25 })
    const random = randomFrom(trial.seed)
    const found = new Found()
    for (let round = 0; round < rounds; round += 1) {
      const seen = new Seen(random)
      logCalls(seen)
      await requests(seen)
      await calls(seen)
      await admin(seen)
      found.add(seen)
      trial.progress(round + 1, rounds, 'rounds')
    }
    found.tell(trial)
    control(trial)
  },
  plants: [
    {
      bug: 'credentials in URLs are written',
      file: 'log/dist/hide-text.js',
      find: "return text.includes('://') ? text.replace(USER_INFO, () => `://${censor}@`) : text;",
      replace: 'return text;',
    },
    {
      bug: 'what stands in pairs is not looked at',
      file: 'log/dist/encode/pairs.js',
      find: '(isPair || isHeaderLike(item)) &&',
      replace: 'false &&',
    },
    {
      bug: 'the query is logged with the path',
      file: 'http/dist/head.js',
      find: 'const path = query === -1 ? target : target.slice(0, query);',
      replace: 'const path = target;',
    },
    {
      bug: 'health says why a check failed',
      file: 'http/dist/health.js',
      find: "catch {\n            return this.#result(ctx.err === undefined ? 'failed' : 'timeout');",
      replace:
        "catch (error) {\n            return this.#result(ctx.err === undefined ? String(error) : 'timeout');",
    },
  ],
}

/** Where secrets must not be. */
const outputs = [
  'lines of the log as JSON',
  'lines of the log as text',
  'lines that a recording kept',
  'records for OpenTelemetry',
  'pages and packets of metrics',
  'pages of the admin port',
  'answers to failed requests',
] as const
type Output = (typeof outputs)[number]

/** All secrets so far, and all that was written and shown. */
class Seen {
  readonly canaries: Canaries
  readonly #texts = new Map<Output, string[]>(outputs.map((output) => [output, []]))

  constructor(random: () => number) {
    this.canaries = new Canaries(random)
  }

  add(output: Output, ...texts: readonly string[]): void {
    this.#texts.get(output)?.push(...texts)
  }

  /** A logger all of whose lines go to an output, and its records to OpenTelemetry. */
  logger(output: Output, options: LoggerOptions): Logger {
    const provider = {
      getLogger: (scope: string) => ({
        emit: ({ body, attributes }: { body?: string; attributes: object }) =>
          this.add('records for OpenTelemetry', JSON.stringify([scope, body, attributes])),
      }),
    }
    return createLogger({
      level: 'trace',
      destination: { write: (line) => this.add(output, line) },
      records: openTelemetryLogs({ provider }),
      ...options,
    })
  }

  /** How many texts came to an output, and the places whose secret is in one of them. */
  in(output: Output): readonly [texts: number, found: readonly string[]] {
    const texts = this.#texts.get(output) ?? []
    return [texts.length, this.canaries.foundIn(texts.join('\n'))]
  }
}

/** What was found in all rounds. */
class Found {
  #secrets = 0
  readonly #texts = new Map<Output, number>()
  readonly #places = new Map<Output, readonly string[]>()

  add(seen: Seen): void {
    this.#secrets += seen.canaries.count
    for (const output of outputs) {
      const [texts, secretPlaces] = seen.in(output)
      this.#texts.set(output, texts + (this.#texts.get(output) ?? 0))
      this.#places.set(output, [...(this.#places.get(output) ?? []), ...secretPlaces])
    }
  }

  tell(trial: Trial): void {
    trial.figure({ what: 'secrets', value: this.#secrets, unit: 'secrets', atLeast: 200 })
    for (const output of outputs) {
      const found = this.#places.get(output) ?? []
      const where = found.length === 0 ? '' : `: ${[...new Set(found)].slice(0, 3).join('; ')}`
      trial.figure({ what: output, value: this.#texts.get(output) ?? 0, unit: 'texts', atLeast: 1 })
      trial.figure({
        what: `secrets in ${output}${where}`,
        value: found.length,
        unit: 'secrets',
        exactly: 0,
      })
    }
  }
}

/** Each way to log a secret, in each way to write a line. */
function logCalls(seen: Seen): void {
  const all = (log: Logger, how: string): void => {
    for (const [place, put] of places) put(log, seen.canaries.at(`${place}, ${how}`))
  }
  all(seen.logger('lines of the log as JSON', { format: 'json' }), 'as JSON')
  all(seen.logger('lines of the log as text', { format: 'text' }), 'as text')
  const silent = seen.logger('lines that a recording kept', { format: 'json', level: 'silent' })
  using recording = silent.record(background, { maxLines: 10_000, maxCharacters: 1_048_576 })
  run(recording.ctx, () => all(silent, 'recorded'))
  recording.dump('to be seen')
}

/** That the secrets would be found: without redaction by names they are in the lines. */
function control(trial: Trial): void {
  const canaries = new Canaries(randomFrom(trial.seed))
  const lines: string[] = []
  const log = createLogger({
    format: 'json',
    level: 'trace',
    redact: { keys: [] },
    destination: { write: (line) => lines.push(line) },
  })
  for (const [place, put] of places) put(log, canaries.at(place))
  trial.figure({
    what: `of ${places.size} ways to log a secret, found in lines without redaction by names`,
    value: canaries.foundIn(lines.join('\n')).length,
    unit: 'secrets',
    atLeast: Math.floor(places.size * 0.85),
  })
}

/** Headers that hold credentials, or text with a credential in it. */
function secretHeaders(canaries: Canaries, where: string): string[] {
  const of = (name: string, value: (secret: string) => string = (secret) => secret): string =>
    `${name}: ${value(canaries.at(`the header ${name}, ${where}`))}`
  return [
    of('Authorization', (secret) => `Bearer ${secret}`),
    of('Proxy-Authorization', (secret) => `Basic ${basic(secret)}`),
    of('X-Forwarded-Authorization'),
    of('Cookie', (secret) => `theme=dark; session=${secret}`),
    of('X-Api-Key'),
    of('X-Goog-Api-Key'),
    of('X-Auth-Token'),
    of('X-Access-Token'),
    of('X-Amz-Security-Token'),
    of('X-Csrf-Token'),
    of('X-Vault-Token'),
    of('Private-Token'),
    of('Ocp-Apim-Subscription-Key'),
    of('X-Client-Secret'),
    of('Baggage', (secret) => `tenant=a,token=${secret}`),
    of('Tracestate', (secret) => `vendor=password=${secret}`),
    of('Referer', (secret) => `https://ann:${secret}@shop.test/cb?access_token=${secret}`),
    of('X-Request-Id', (secret) => `token=${secret}`),
  ]
}

/** Requests with secrets, which handlers log and fail with, on every framework. */
async function requests(seen: Seen): Promise<void> {
  const { canaries } = seen
  const metrics = createMetrics()
  const sinks = await Sinks.on(metrics)
  await onEveryFramework(
    (framework) => {
      const log = seen.logger('lines of the log as JSON', { format: 'json', level: 'info' })
      const options = { metrics, log, recorder: {}, requestId: { trust: true }, trace: { trust: true } }
      return { options, handle: (headers) => fail(log, canaries, framework, headers) }
    },
    async ({ port }, framework) => {
      const at = (place: string): string => canaries.at(`${place}, on ${framework}`)
      const targets = [
        `/items/1?token=${at('a query')}&api_key=${at('another query')}`,
        `/items/1;password=${at('a path parameter')}`,
        `/items/1#access_token=${at('a fragment')}`,
        `http://ann:${at('a target with credentials')}@127.0.0.1/items/1`,
        // Not by a name that tells it: no query is logged at all.
        `/items/1?state=${at('a query without a name for it')}`,
      ]
      for (const target of targets) {
        const head = [
          `GET ${target} HTTP/1.1`,
          'Host: 127.0.0.1',
          'Connection: close',
          ...secretHeaders(canaries, `on ${framework}`),
        ]
        seen.add('answers to failed requests', await say(port, `${head.join('\r\n')}\r\n\r\n`))
      }
    },
  )
  seen.add('pages and packets of metrics', ...(await sinks.close()))
}

/** What a handler does that fails: it has logged what it got, and its error says with what it failed. */
function fail(
  log: Logger,
  canaries: Canaries,
  where: string,
  headers: Readonly<Record<string, unknown>>,
): never {
  const at = (place: string): string => canaries.at(`${place}, on ${where}`)
  log.debug({ headers: { ...headers } }, 'asked')
  log.info({ rawHeaders: Object.entries(headers).flat(), pairs: Object.entries(headers) }, 'asked')
  annotate(current(), {
    password: at('a field of the request'),
    query: `?token=${at('a text of the request')}`,
  })
  throw Object.assign(
    new Error(`connect postgres://ann:${at('the message of an error')}@db`, {
      cause: Object.assign(new Error(`password=${at('the message of a cause')}`), {
        apiKey: at('a field of a cause'),
      }),
    }),
    { config: { headers }, code: `token=${at('the code of an error')}` },
  )
}

/** Calls with secrets, by every client, to who answers, who refuses, and who is not there. */
async function calls(seen: Seen): Promise<void> {
  const { canaries } = seen
  const metrics = createMetrics()
  const sinks = await Sinks.on(metrics)
  const log = seen.logger('lines of the log as text', { format: 'text' })
  const server = createServer((req, res) => {
    res.writeHead(req.url?.startsWith('/refused') === true ? 401 : 200).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const fetchIt = observeClient(undefined, { metrics })
  const requestIt = observeRequest(request, { metrics })
  for (const to of [`127.0.0.1:${port}/`, `127.0.0.1:${port}/refused`, '127.0.0.1:1/nobody']) {
    const at = (place: string): string => canaries.at(`${place}, to ${to}`)
    const headers = { authorization: `Bearer ${at('a header of a call')}` }
    await logged(log, async () => fetchIt(`http://${to}?token=${at('a query of fetch')}`, { headers }))
    await logged(log, async () => fetchIt(`http://ann:${at('credentials of fetch')}@${to}`))
    await logged(log, async () => {
      const url = `http://ann:${at('credentials of a request')}@${to}?token=${at('a query of a request')}`
      const req = requestIt(url, { headers, auth: `ann:${at('auth of a request')}` }).end()
      const [res] = (await once(req, 'response')) as [NodeJS.ReadableStream]
      await once(res.resume(), 'end')
    })
    await logged(log, async () => {
      const dispatch = observeDispatcher({ metrics })((_options: object, handler: Handler) => {
        handler.onResponseError?.({}, new Error(`${to}?token=${at('an error of a dispatcher')}`))
        return true
      })
      const origin = `http://ann:${at('credentials of a dispatcher')}@${to}`
      await new Promise((_resolve, reject) => {
        const handler: Handler = {
          onRequestStart() {},
          onResponseError: (_controller, error) => reject(error),
        }
        dispatch({ origin, path: '/', method: 'GET', headers }, handler)
      })
    })
    const job = observe(
      'charge',
      async () => {
        throw Object.assign(new TypeError(`https://ann:${at('an observed function')}@pay`), {
          code: `token=${at('the code of an observed function')}`,
          cause: new Error(`secret=${at('the cause of an observed function')}`),
        })
      },
      { metrics, log },
    )
    await logged(log, job)
  }
  server.closeAllConnections()
  server.close()
  seen.add('pages and packets of metrics', ...(await sinks.close()))
}

interface Handler {
  onRequestStart?(controller: object, context: object): void
  onResponseError?(controller: object, error: Error): void
}

/** As applications do it: what failed is logged, with its error. */
async function logged(log: Logger, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.error({ err: error }, 'call failed')
  }
}

/** Every sink on the same metrics, and what each of them shows at the end. */
class Sinks {
  readonly #metrics: Metrics
  readonly #page = prometheus()
  readonly #recent = memory()
  readonly #producer: OtelMetricProducer
  readonly #socket = createSocket('udp4')
  readonly #packets: string[] = []

  private constructor(metrics: Metrics, producer: OtelMetricProducer) {
    this.#metrics = metrics
    this.#producer = producer
  }

  static async on(metrics: Metrics): Promise<Sinks> {
    const sink = opentelemetry()
    metrics.attach(sink)
    const sinks = new Sinks(metrics, sink.producer())
    metrics.attach(sinks.#page)
    metrics.attach(sinks.#recent)
    sinks.#socket.bind(0, '127.0.0.1').on('message', (packet) => sinks.#packets.push(packet.toString()))
    await once(sinks.#socket, 'listening')
    metrics.attach(statsd({ dialect: 'dogstatsd', host: '127.0.0.1', port: sinks.#socket.address().port }))
    return sinks
  }

  async close(): Promise<string[]> {
    const ask = async (
      sink: { handler(request: Request): Response | Promise<Response> },
      accept: string,
    ): Promise<string> =>
      (await sink.handler(new Request('http://127.0.0.1/', { headers: { accept } }))).text()
    const texts = [
      await ask(this.#page, 'text/plain'),
      await ask(this.#page, 'application/openmetrics-text'),
      await ask(this.#recent, 'application/json'),
      JSON.stringify(await this.#producer.collect()),
    ]
    await this.#metrics.flush()
    if (this.#packets.length === 0) await once(this.#socket, 'message')
    await this.#metrics.shutdown()
    this.#socket.close()
    return [...texts, ...this.#packets]
  }
}

/** An operator who names secrets where levels are changed, and parts of the service that fail with them. */
async function admin(seen: Seen): Promise<void> {
  const { canaries } = seen
  const log = seen.logger('lines of the log as JSON', { format: 'json' })
  const at = (place: string): string => canaries.at(`${place}, on the admin port`)
  const failure = (): Error =>
    new Error(`postgres://ann:${at('a failed check')}@db`, { cause: at('the cause of a failed check') })
  const port = await adminServer({
    port: 0,
    levels: log.levels,
    authorize: 'none',
    health: {
      database: () => Promise.reject(failure()),
      cache: () => {
        throw Object.assign(failure(), { code: at('the code of a failed check') })
      },
    },
    routes: {
      '/throws': () => {
        throw failure()
      },
    },
  })
  try {
    await changeLevels(port, at)
    for (const path of ['/', '/livez', '/readyz', '/startupz', '/throws', '/nothing']) {
      seen.add('pages of the admin port', await show(`${port.url}${path}?token=${at(`a query of ${path}`)}`))
    }
    for (const path of ['', '/db', '/-/audit', '/-/overrides'])
      seen.add('pages of the admin port', await show(`${port.url}/log/levels${path}`))
  } finally {
    await port.close(0)
  }
}

async function changeLevels({ url }: AdminServer, at: (place: string) => string): Promise<void> {
  const send = (method: string, path: string, body: object): Promise<Response> =>
    fetch(`${url}/log/levels${path}`, {
      method,
      body: JSON.stringify(body),
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${at('the header of an operator')}`,
      },
    })
  await send('PUT', '/db', {
    level: 'debug',
    reason: `https://ann:${at('a reason')}@tickets/1?token=${at('a query in a reason')}`,
  })
  await send('POST', '/-/overrides', {
    when: { header: { authorization: `Bearer ${at('a condition on a header that is refused')}` } },
    level: 'debug',
  })
  await send('POST', '/-/overrides', {
    when: { baggage: { password: at('a condition on baggage that is refused') } },
    level: 'debug',
  })
  await send('POST', '/-/overrides', {
    when: { header: { 'x-debug': '1' } },
    level: 'debug',
    reason: `password=${at('the reason of an override')}`,
  })
}

async function show(url: string): Promise<string> {
  const response = await fetch(url)
  return JSON.stringify([[...response.headers], await response.text()])
}
