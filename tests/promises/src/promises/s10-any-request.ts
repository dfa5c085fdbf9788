/** S10: whatever bytes come to a port, the process lives, answers as it would without kit, and counts what it was handed. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { adminServer } from '@kit/http/endpoints'
import { observeListener } from '@kit/http/node'
import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import { memory } from '@kit/metrics/memory'
import { prometheus } from '@kit/metrics/prometheus'
import type { PublishedPromise, Trial } from '../promise.ts'
import { ask, inParallel, read, say, sayAndWait } from '../tools/conversation.ts'
import { desyncConversations, mutated } from '../tools/desync.ts'
import { hostileHosts, strangeRequests } from '../tools/hostile-requests.ts'
import { randomFrom } from '../tools/naughty.ts'
import { frameworks, onEveryFramework } from '../tools/services.ts'
import type { Service } from '../tools/services.ts'

export const promise: PublishedPromise = {
  id: 'S10',
  says: 'Any request line, host or framing of a body is survived, on the port of the service and on that of the metrics: no crash, no error that would not be there without kit, and each request that the framework hands on is counted once, by no route that a client made up. The port of the metrics is open to this machine only.',
  tiers: ['change', 'nightly'],
  speaksOf: [
    'packages/http/src/admin-server.ts',
    'packages/http/src/bridge.ts',
    'packages/http/src/connection-end.ts',
    'packages/http/src/fetch.ts',
    'packages/http/src/head.ts',
    'packages/http/src/methods.ts',
    'packages/http/src/node-exchange.ts',
    'packages/http/src/node.ts',
    'packages/http/src/observer.ts',
    'packages/express/src',
    'packages/fastify/src',
    'packages/hono/src',
    'packages/koa/src',
  ],
  async run(trial) {
    await reach(trial)
    const asked = conversations(trial)
    await onServices(trial, part(trial, asked))
    await aroundServices(trial, part(trial, asked))
    await onAdminPort(trial, asked)
    await pathsOfHosts(trial)
  },
  plants: [
    {
      bug: 'a target that is no URL is not caught',
      file: 'http/dist/bridge.js',
      find: 'if (endOfHost.test(host))',
      replace: "new URL(target, 'http://x');\n    if (endOfHost.test(host))",
    },
    {
      bug: 'methods are counted as they are sent',
      file: 'http/dist/methods.js',
      find: "known.has(method) ? method : '_OTHER'",
      replace: 'method',
    },
    {
      bug: 'what no route matched is counted by its path',
      file: 'http/dist/observer.js',
      find: "return template ?? '';",
      replace: 'return template ?? this.#path;',
    },
    {
      bug: 'the admin server listens on every address',
      file: 'http/dist/admin-server.js',
      find: "host = '127.0.0.1'",
      replace: "host = '0.0.0.0'",
    },
  ],
}

interface Conversations {
  /** Of one request each, on a connection that it closes. */
  readonly single: readonly string[]
  readonly others: readonly string[]
}

function conversations(trial: Trial): Conversations {
  const random = randomFrom(trial.seed)
  const single = strangeRequests()
  const others = desyncConversations()
  const length = trial.pick({ change: 200, nightly: 5_000, release: 5_000 })
  const known = [...single, ...others].filter((text) => text.length < 2_000)
  const changed = Array.from({ length }, () => mutated(known[Math.floor(random() * known.length)]!, random))
  return { single, others: [...others, ...changed] }
}

/** With each change a part of them, by the seed; at night all. */
function part(trial: Trial, { single, others }: Conversations): Conversations {
  const every = trial.pick({ change: 8, nightly: 1, release: 1 })
  const isIn = (_: string, i: number): boolean => i < 20 || i % every === trial.seed % every
  return { single: single.filter(isIn), others: others.filter(isIn) }
}

const knownRoutes: readonly string[] = ['', '/items/:id', '/echo']
const knownMethods: readonly string[] =
  'CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE _OTHER'.split(' ')

/** What there is to say of a service when all conversations with it are over. */
interface Effects {
  /** Of the answers to single requests. */
  readonly statuses: readonly number[]
  /** Of the other conversations, whether an answer was an error of the server. */
  readonly failed: readonly boolean[]
}

/** With kit as its users mount it, and without. */
async function onServices(trial: Trial, asked: Conversations): Promise<void> {
  const bare: Effects[] = []
  await onEveryFramework(
    () => ({ handle: () => ({}) }),
    async (service) => void bare.push(await converse(service, asked)),
  )
  const routes = new Set<string>()
  const methods = new Set<string>()
  let [reached, handed, miscounted, underWay] = [0, 0, 0, 0]
  let [differing, failing] = [0, 0]
  let metrics = createMetrics()
  let here = 0
  await onEveryFramework(
    () => {
      metrics = createMetrics()
      here = 0
      return { options: { metrics, log: false }, handle: () => ({}), handed: () => void (here += 1) }
    },
    async (service, framework) => {
      service.server.prependListener('request', () => (reached += 1))
      const { statuses, failed } = await converse(service, asked)
      const without = bare[frameworks.indexOf(framework)]!
      differing += statuses.filter((status, i) => status !== without.statuses[i]).length
      failing += failed.filter((isSo, i) => isSo && !without.failed[i]!).length
      await settled(metrics, () => here)
      handed += here
      miscounted += Math.abs(counted(metrics) - here)
      underWay += active(metrics)
      for (const { labels } of requestSeries(metrics)) {
        routes.add(labels['http.route'] ?? '')
        methods.add(labels['http.request.method'] ?? '')
      }
      trial.progress(frameworks.indexOf(framework) + 1, frameworks.length, 'frameworks')
    },
  )
  for (const known of knownRoutes) routes.delete(known)
  for (const known of knownMethods) methods.delete(known)
  const cases = (asked.single.length + asked.others.length) * frameworks.length
  const none = (what: string, value: number, unit: string): void =>
    trial.figure({ what, value, unit, exactly: 0 })
  trial.figure({ what: 'conversations with services on six frameworks', value: cases, unit: 'conversations' })
  trial.figure({
    what: 'requests that frameworks handed on',
    value: handed,
    unit: 'requests',
    atLeast: Math.floor(cases / 5),
  })
  trial.figure({
    what: 'requests that frameworks answered before anything that is mounted in them',
    value: reached - handed,
    unit: 'requests',
  })
  none('of those handed on, not counted exactly once', miscounted, 'requests')
  none('requests that are still under way', underWay, 'requests')
  none('routes that are no template of the service', routes.size, 'routes')
  none('methods that are not of the RFCs, but for `_OTHER`', methods.size, 'methods')
  none('answers to a single request with another status than without kit', differing, 'answers')
  none('conversations with a 5xx that is not there without kit', failing, 'conversations')
}

/** With the server's listener observed too, as is advised to who wants to count what a framework answers by itself. */
async function aroundServices(trial: Trial, { single }: Conversations): Promise<void> {
  let [parsed, miscounted] = [0, 0]
  let metrics = createMetrics()
  await onEveryFramework(
    (framework) => {
      metrics = createMetrics()
      // The request that Hono's server makes does not say what has seen it before.
      const options = framework === 'Hono' ? {} : { options: { metrics, log: false as const } }
      return { ...options, handle: () => ({}) }
    },
    async (service) => {
      let here = 0
      observeOutside(service, metrics, () => (here += 1))
      await converse(service, { single, others: [] })
      await settled(metrics, () => here)
      parsed += here
      miscounted += Math.abs(counted(metrics) - here)
    },
  )
  trial.figure({
    what: "requests that Node's parser let through to a listener that is observed",
    value: parsed,
    unit: 'requests',
    atLeast: single.length * 2,
  })
  trial.figure({
    what: 'of these, not counted exactly once',
    value: miscounted,
    unit: 'requests',
    exactly: 0,
  })
}

async function converse({ port }: Service, { single, others }: Conversations): Promise<Effects> {
  const statuses: number[] = []
  const failed: boolean[] = []
  await inParallel(single, 16, async (bytes, i) => {
    statuses[i] = read(await sayAndWait(port, bytes)).status
  })
  await inParallel(others, 16, async (bytes, i) => {
    failed[i] = /^HTTP\/1\.1 5/m.test(await say(port, bytes))
  })
  return { statuses, failed }
}

function requestSeries(
  metrics: Metrics,
): { labels: Readonly<Record<string, string | undefined>>; count: number }[] {
  return metrics
    .snapshot()
    .metrics.flatMap((one) =>
      one.kind === 'histogram' &&
      ['http.server.request.duration', 'http.server.stream.duration'].includes(one.name)
        ? one.series
        : [],
    )
}

function counted(metrics: Metrics): number {
  return requestSeries(metrics).reduce((sum, { count }) => sum + count, 0)
}

function active(metrics: Metrics): number {
  const gauge = metrics.snapshot().metrics.find(({ name }) => name === 'http.server.active_requests')
  return gauge?.kind === 'gauge' ? gauge.series.reduce((sum, { value }) => sum + value, 0) : 0
}

function observeOutside({ server }: Service, metrics: Metrics, onRequest: () => void): void {
  const listeners = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request')
  const observed = observeListener(
    (req: IncomingMessage, res: ServerResponse) => {
      for (const listener of listeners) void listener.call(server, req, res)
    },
    { metrics, log: false },
  )
  server.on('request', (req, res) => {
    onRequest()
    observed(req, res)
  })
}

/** Resolves when as many are counted as were handed on and none is under way, or no more can be expected. */
async function settled(metrics: Metrics, handed: () => number): Promise<void> {
  const patience = performance.now() + 5_000
  while ((counted(metrics) < handed() || active(metrics) > 0) && performance.now() < patience)
    await setTimeout(5)
}

/** Hosts that would bring a path of their own into a URL that is put together from both. */
async function pathsOfHosts(trial: Trial): Promise<void> {
  const hosts = hostileHosts.filter((host) => /^$|[/?#\\]/.test(host))
  let wrong = 0
  await onEveryFramework(
    () => ({ options: { metrics: createMetrics(), log: false }, handle: () => ({}) }),
    async ({ port }) => {
      for (const host of hosts) {
        for (const target of ['/nothing', '/items/1']) {
          const { status } = await ask(port, `GET ${target}`, [`Host: ${host}`])
          if (status !== 400 && (status === 200) !== (target === '/items/1')) wrong += 1
        }
      }
    },
  )
  trial.figure({
    what: 'requests that were led to another path by their Host',
    value: wrong,
    unit: 'requests',
    exactly: 0,
  })
}

async function onAdminPort(trial: Trial, { single, others }: Conversations): Promise<void> {
  const metrics = createMetrics()
  const [page, recent] = [prometheus(), memory()]
  metrics.attach(page)
  metrics.attach(recent)
  metrics.counter('shop.orders').inc()
  const { levels } = createLogger({ destination: { write() {} } })
  const admin = await adminServer({
    port: 0,
    host: '127.0.0.1',
    metrics: page,
    memory: recent,
    levels,
    authorize: 'none',
  })
  let failing = 0
  let foreign = 0
  try {
    await inParallel([...single, ...others], 16, async (bytes) => {
      if (/^HTTP\/1\.1 5/m.test(await say(admin.port, bytes))) failing += 1
    })
    for (const path of ['/metrics', '/metrics.json', '/log/levels', '/livez']) {
      for (const host of hostileHosts) {
        // What a browser could be made to name, and what a parser could take for a name of this machine.
        const { status } = await ask(admin.port, `GET ${path}`, [`Host: ${host}`])
        if (status !== 403 && status !== 400) foreign += 1
      }
      if ((await ask(admin.port, `GET ${path}`)).status !== 200) failing += 1
    }
  } finally {
    await admin.close(0)
  }
  trial.figure({
    what: 'conversations with the admin port',
    value: single.length + others.length,
    unit: 'conversations',
    atLeast: 500,
  })
  trial.figure({
    what: 'of these, with a 5xx; and pages that are not there afterwards',
    value: failing,
    unit: 'answers',
    exactly: 0,
  })
  trial.figure({
    what: `answers of the admin port to ${hostileHosts.length} names that are not this machine's`,
    value: foreign,
    unit: 'answers',
    exactly: 0,
  })
}

/** Addresses at which whatever listens on all addresses would be found on this machine. */
const elsewhere: readonly string[] = ['127.0.0.2', '127.255.255.254', '::1']

async function reach(trial: Trial): Promise<void> {
  const admin = await adminServer({ port: 0 })
  let open = 0
  try {
    for (const host of elsewhere) if (await isOpen(host, admin.port)) open += 1
    if (!(await isOpen('127.0.0.1', admin.port))) open += 1
  } finally {
    await admin.close(0)
  }
  trial.figure({
    what: 'addresses but 127.0.0.1 at which the admin port is open by default',
    value: open,
    unit: 'addresses',
    exactly: 0,
  })
}

async function isOpen(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
