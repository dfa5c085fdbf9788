/** S8: no text that a stranger brings becomes markup: kit's answers are no pages to a browser, and its pages hold text as text. */

import { createServer, get } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { background } from '@kit/context'
import { drain } from '@kit/http/drain'
import { adminServer } from '@kit/http/endpoints'
import { createLogger, levelHandler } from '@kit/log'
import type { Logger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import { memory } from '@kit/metrics/memory'
import { prometheus } from '@kit/metrics/prometheus'
import type { PublishedPromise, Trial } from '../promise.ts'
import type { Answer } from '../tools/conversation.ts'
import { ask, inParallel } from '../tools/conversation.ts'
import { hostileText, naughtyStrings, randomFrom } from '../tools/naughty.ts'
import { listed } from '../tools/listed.ts'
import { outlineOf } from '../tools/outline.ts'
import { onEveryFramework } from '../tools/services.ts'
import { reportPage } from '../report/page.ts'
import type { Report } from '../report/report.ts'

export const promise: PublishedPromise = {
  id: 'S8',
  says: 'Nothing that a stranger writes becomes markup: each answer that kit makes itself is of a type that no browser takes for a page, and forbids sniffing and caching; the pages that it writes hold every text as text, load nothing and run nothing.',
  tiers: ['change', 'nightly'],
  speaksOf: [
    'packages/http/src/admin-server.ts',
    'packages/http/src/answer.ts',
    'packages/http/src/bridge.ts',
    'packages/http/src/health.ts',
    'packages/http/src/plain-answer.ts',
    'packages/http/src/readings.ts',
    'packages/log/src/level-handler.ts',
    'packages/log/src/level-reply.ts',
    'packages/metrics/src/sinks/answer.ts',
    'packages/metrics/src/sinks/memory/memory.ts',
    'packages/metrics/src/sinks/prometheus/prometheus.ts',
    'tests/promises/src/report',
  ],
  async run(trial) {
    const texts = textsOf(trial)
    const judged = new Judged()
    await adminAnswers(texts, judged)
    await handlerAnswers(texts, judged)
    await requestAnswers(texts, judged)
    await drainAnswer(judged)
    judged.tell(trial)
    pages(trial, texts)
  },
  plants: [
    {
      bug: 'short answers do not forbid sniffing',
      file: 'http/dist/plain-answer.js',
      find: ", 'x-content-type-options': 'nosniff'",
      replace: '',
    },
    {
      bug: 'answers about levels may be cached',
      file: 'log/dist/level-reply.js',
      find: "'cache-control': 'no-store', ",
      replace: '',
    },
    {
      bug: 'what a sink answers beside its page is of no type',
      file: 'metrics/dist/sinks/answer.js',
      find: "'content-type': 'text/plain; charset=utf-8', ",
      replace: "'content-type': 'text/html', ",
    },
    {
      bug: 'quotes are not escaped in reports',
      file: '../tests/promises/dist/report/html.js',
      find: `/[&<>"']/g`,
      replace: '/[&<>]/g',
    },
  ],
}

/** What ends an attribute, an element, a comment, a style or a script, and what runs without any of these. */
const breaking: readonly string[] = listed(
  `"><img src=x onerror=alert(1)>¦'><svg onload=alert(1)>¦</style><script>alert(1)</script>¦--><b>¦]]><b>¦" onmouseover="alert(1)¦' autofocus onfocus='alert(1)¦javascript:alert(1)¦</title><script>alert(1)</script>¦<!doctype html><html><body onload=alert(1)>¦&lt;script&gt;¦&#60;b&#62;¦<a href="javascript:alert(1)">¦</pre></table></svg><b>¦<base href=//evil>¦<meta http-equiv=refresh content=0>¦<foreignObject><b>¦+ADw-script+AD4-¦<\u0000script>¦\r\nX-Forged: 1\r\n\r\n<script>`,
)

function textsOf(trial: Trial): string[] {
  const random = randomFrom(trial.seed)
  const [every, made] = trial.pick({ change: [6, 40], nightly: [1, 2_000], release: [1, 2_000] } as const)
  const naughty = naughtyStrings.filter((_, i) => i % every === trial.seed % every)
  return [...breaking, ...naughty, ...Array.from({ length: made }, () => hostileText(random))]
}

/** The types of kit's answers, none of which is a page to any browser. */
const harmless: RegExp =
  /^(?:(?:text\/plain|application\/openmetrics-text); (?:version=[\d.]+; )?charset=utf-8|application\/(?:[\w.-]+\+)?json(?:; charset=utf-8)?)$/

/** What a browser would make of answers. */
class Judged {
  readonly #statuses = new Set<number>()
  #answers = 0
  #sniffed = 0
  #cached = 0
  #mistyped = 0
  #forged = 0

  add({ status, headers }: Pick<Answer, 'status' | 'headers'>): void {
    this.#answers += 1
    this.#statuses.add(status)
    if (headers.get('x-content-type-options') !== 'nosniff') this.#sniffed += 1
    if (headers.get('cache-control') !== 'no-store') this.#cached += 1
    if (headers.has('x-forged')) this.#forged += 1
    const type = headers.get('content-type')
    const isEmpty = status === 204 || status === 304
    if (isEmpty ? type !== undefined : !harmless.test(type ?? '')) this.#mistyped += 1
  }

  async addResponse(response: Response): Promise<void> {
    await response.arrayBuffer()
    this.add({ status: response.status, headers: new Map(response.headers) })
  }

  tell(trial: Trial): void {
    const none = (what: string, value: number): void =>
      trial.figure({ what, value, unit: 'answers', exactly: 0 })
    trial.figure({ what: 'answers of kit', value: this.#answers, unit: 'answers', atLeast: 500 })
    trial.figure({ what: 'statuses among them', value: this.#statuses.size, unit: 'statuses', atLeast: 14 })
    none('answers without `x-content-type-options: nosniff`', this.#sniffed)
    none('answers without `cache-control: no-store`', this.#cached)
    none('answers that are neither plain text, JSON nor OpenMetrics', this.#mistyped)
    none('answers with a header that a text brought', this.#forged)
  }
}

const json = 'Content-Type: application/json'

/** The admin port, with these texts as the names of loggers and checks, as labels and helps of metrics, and in requests. */
async function adminAnswers(texts: readonly string[], judged: Judged): Promise<void> {
  const metrics = createMetrics()
  const [page, recent] = [prometheus(), memory()]
  metrics.attach(page)
  metrics.attach(recent)
  const log = quietLogger()
  const seen = metrics.counter('texts', { help: texts[0]!, labels: ['text'] })
  texts.forEach((text, i) => {
    seen.inc({ text })
    metrics.gauge(`help.${i}`, { help: text || 'none' }).set(1)
    unlessRefused(() => void log.named(text))
  })
  const health = Object.fromEntries(
    texts.slice(0, 50).map((text) => [text, () => Promise.reject(new Error(text))]),
  )
  const admin = await adminServer({
    port: 0,
    metrics: page,
    memory: recent,
    levels: log.levels,
    authorize: (request) => !request.headers.has('x-stranger'),
    health,
    routes: {
      '/throws': (request) => {
        throw new Error(request.url)
      },
    },
  })
  const add = async (
    ...asked: readonly [start: string, lines?: readonly string[], body?: string]
  ): Promise<void> => judged.add(await ask(admin.port, ...asked))
  try {
    for (const path of ['/', '/livez', '/readyz', '/startupz', '/metrics', '/metrics.json', '/throws']) {
      for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) await add(`${method} ${path}`)
      await add(`GET ${path}`, ['Host: <script>'])
      await add(`GET ${path}`, ['Accept: text/html, application/openmetrics-text'])
    }
    for (const start of ['GET http://[', 'TRACE /', 'GET /nothing.html', 'GET /log/levels/-/nothing'])
      await add(start)
    await levelAnswers(add)
    await inParallel(texts, 8, async (text) => {
      const path = encodeURIComponent(wellFormed(text))
      await add(`GET /${path}`)
      await add(`GET /log/levels/${path}`)
      await add(`PUT /log/levels/${path}`, [json], JSON.stringify({ level: text, reason: text }))
      await add(`PUT /log/levels/db`, [json], JSON.stringify({ level: 'debug', reason: text.slice(0, 256) }))
      await add(
        `POST /log/levels/-/overrides`,
        [json],
        JSON.stringify({ [text]: text, when: { header: { [text]: text } } }),
      )
    })
    for (const path of ['', '/db', '/-/audit', '/-/overrides']) await add(`GET /log/levels${path}`)
  } finally {
    await admin.close(0)
  }
}

/** Each status that the level handler has. */
async function levelAnswers(
  add: (start: string, lines?: readonly string[], body?: string) => Promise<void>,
): Promise<void> {
  const base = '/log/levels'
  await add(`GET ${base}`, ['If-None-Match: *'])
  await add(`POST ${base}/db`, [json], '{"configuredLevel":"DEBUG"}')
  await add(`POST ${base}/-/overrides`, [json], '{"when":{"header":{"x":"<b>"}},"level":"debug"}')
  await add(`POST ${base}/-/flush`, [json], '{}')
  await add(`PUT ${base}`, [json], '<script>')
  await add(`GET ${base}`, ['X-Stranger: 1'])
  await add(`PUT ${base}`, [json, 'Origin: http://evil.example'], '{"level":"debug"}')
  await add(`PURGE ${base}`)
  await add(`DELETE ${base}`, ['If-Match: "other"'])
  await add(`PUT ${base}`, [json], `{"level":"debug","reason":"${'x'.repeat(5_000)}"}`)
  await add(`POST ${base}/db`, ['Content-Type: text/html'], '<script>')
  await add(`GET ${base}`, ['Accept: application/vnd.spring-boot.actuator.v3+json'])
}

/** The handlers as they are mounted by those who have servers of their own. */
async function handlerAnswers(texts: readonly string[], judged: Judged): Promise<void> {
  const log = quietLogger()
  const levels = levelHandler(log.levels, { authorize: 'none' })
  const attached = [prometheus(), memory()]
  const metrics = createMetrics()
  for (const sink of attached) metrics.attach(sink)
  for (const text of texts.slice(0, 50)) metrics.incrCounter('texts', 1, { text })
  const handlers = [levels, ...[...attached, prometheus(), memory()].map(({ handler }) => handler)]
  for (const handler of handlers) {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT']) {
      const headers = { accept: 'text/html', 'content-type': 'text/html' }
      const body = method.startsWith('P') ? { body: '<script>' } : {}
      const url = 'http://127.0.0.1/log/levels'
      await judged.addResponse(await handler(new Request(url, { method, headers, ...body })))
    }
  }
}

/** What kit answers in the place of handlers: when they are too late, when it is too late for them, and when they fail. */
async function requestAnswers(texts: readonly string[], judged: Judged): Promise<void> {
  const options = { metrics: createMetrics(), log: false as const, deadline: { trust: true } }
  await onEveryFramework(
    () => ({ options, handle: () => new Promise(() => {}) }),
    async ({ port }) => {
      const html = 'Accept: text/html'
      for (const text of texts.slice(0, 20)) {
        const target = `/items/${encodeURIComponent(wellFormed(text))}`
        judged.add(await ask(port, `GET ${target}`, [html, 'Grpc-Timeout: 10m'], '', '127.0.0.1', true))
        judged.add(await ask(port, `GET ${target}`, [html, 'Grpc-Timeout: 0n']))
      }
    },
  )
  await onEveryFramework(
    () => ({ options, handle: () => Promise.reject(new Error(breaking[0])) }),
    async ({ port }, framework) => {
      // The others answer errors themselves.
      if (framework === 'node:http' || framework === 'fetch') judged.add(await ask(port, 'GET /items/1'))
    },
  )
}

/** The answer to who waits when a service has gone. */
async function drainAnswer(judged: Judged): Promise<void> {
  const server = createServer(() => {})
  using going = background.withCancel()
  const drained = drain(going, {
    servers: [server],
    graceMs: 1,
    log: quietLogger(),
    metrics: createMetrics(),
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const asked = get({ port: (server.address() as AddressInfo).port, agent: false })
  await once(server, 'request')
  going.cancel('the end')
  const [answer] = (await once(asked, 'response')) as [
    { statusCode: number; headers: Record<string, string> },
  ]
  asked.destroy()
  judged.add({ status: answer.statusCode, headers: new Map(Object.entries(answer.headers)) })
  await drained
}

/** Reports about these texts have the elements and attributes that a report about nothing special has. */
function pages(trial: Trial, texts: readonly string[]): void {
  let added = 0
  let lost = 0
  let active = 0
  for (const text of texts) {
    const page = reportPage(reportOf(text))
    const outline = outlineOf(page)
    // Between backticks is code.
    const plain = reportOf(text.replaceAll(/[^`]/g, 'h') || 'h')
    if (outline.skeleton !== outlineOf(reportPage(plain)).skeleton) added += 1
    if (!outline.text.includes(visible(text))) lost += 1
    if (outline.active.length > 0 || outline.policy !== "default-src 'none'; style-src 'unsafe-inline'")
      active += 1
  }
  trial.figure({ what: 'pages of hostile texts', value: texts.length, unit: 'pages', atLeast: 100 })
  trial.figure({
    what: 'pages with other elements or attributes than for a harmless text',
    value: added,
    unit: 'pages',
    exactly: 0,
  })
  trial.figure({ what: 'pages in which the text is not to be read', value: lost, unit: 'pages', exactly: 0 })
  trial.figure({
    what: "pages that load or run something, or without a policy of `default-src 'none'`",
    value: active,
    unit: 'pages',
    exactly: 0,
  })
}

/** A report that says this text wherever it can say any. */
function reportOf(text: string): Report {
  const points = [
    [0, 1],
    [1, 2],
  ] as const
  const figure = { what: text, value: 2, unit: text }
  const outcome = {
    id: text,
    says: text,
    tier: 'change',
    reasons: [text, text],
    figures: [figure, { ...figure, atMost: 1 }, { ...figure, exactly: 2 }],
    plots: [{ title: text, x: text, y: text, points }],
    seconds: 1,
  } as const
  return {
    tier: 'change',
    seed: 1,
    date: '2026-01-01T00:00:00.000Z',
    node: text,
    machine: text,
    build: text,
    planted: false,
    outcomes: [
      { ...outcome, verdict: 'broken' },
      { ...outcome, verdict: 'kept' },
      { ...outcome, verdict: 'skipped' },
    ],
  }
}

function wellFormed(text: string): string {
  return (text as string & { toWellFormed(): string }).toWellFormed()
}

/** As the HTML standard has it: no NUL in text, line ends are line feeds. */
function visible(text: string): string {
  return text.replaceAll('\0', '').replaceAll(/\r\n?/g, '\n')
}

function quietLogger(): Logger {
  return createLogger({ format: 'json', destination: { write() {} } })
}

function unlessRefused(work: () => void): void {
  try {
    work()
  } catch {
    // Not every text is a name.
  }
}
