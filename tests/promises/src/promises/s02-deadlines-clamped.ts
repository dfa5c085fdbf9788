/**
 * S2: what a caller says about its deadline is clamped or ignored, and without an opt-in nothing that a stranger says about
 * deadline, trace, identity or baggage has any effect. (Overrides of log levels are an opt-in of their own: an operator who asks
 * for a header or a member of baggage gets the requests that have it, whoever sent them.)
 */

import { current } from '@kit/context'
import type { DeadlineHeader } from '@kit/context/wire'
import { extractDeadline } from '@kit/context/wire'
import { clientAddressKey, internal, requestIdKey, traceKey } from '@kit/http'
import { observeClient } from '@kit/http/client'
import { testMetrics } from '@kit/metrics/testing'
import type { PublishedPromise, Trial } from '../promise.ts'
import { ask } from '../tools/conversation.ts'
import { hostileText, naughtyStrings, randomFrom } from '../tools/naughty.ts'
import { frameworks, onEveryFramework } from '../tools/services.ts'
import type { Settings } from '../tools/services.ts'

const maxMs = 2000

export const promise: PublishedPromise = {
  id: 'S2',
  says: 'A caller shortens a deadline within the bounds that the service sets, if it is trusted; a stranger has no say about deadline, trace, request id, address and baggage.',
  tiers: ['change', 'nightly'],
  speaksOf: [
    'packages/context/src/wire.ts',
    'packages/http/src/head.ts',
    'packages/http/src/options.ts',
    'packages/http/src/observer.ts',
    'packages/http/src/client-options.ts',
  ],
  async run(trial) {
    anyValue(trial)
    await clampedOverSockets(trial)
    await strangers(trial)
  },
  plants: [
    {
      bug: 'the longest deadline is not looked at',
      file: 'context/dist/wire.js',
      find: 'return shortest === undefined ? undefined : Math.min(shortest, maxMs);',
      replace: 'return shortest;',
    },
    {
      bug: 'numbers of any length are deadlines',
      file: 'context/dist/wire.js',
      find: String.raw`pattern: /^(\d{1,8})([HMSmun])$/`,
      replace: String.raw`pattern: /^(-?[\d.e]+)([HMSmun])/`,
    },
    {
      bug: 'malformed deadlines are not counted',
      file: 'http/dist/head.js',
      find: "const onMalformed = () => instruments.ignored('deadline');",
      replace: 'const onMalformed = () => { };',
    },
    {
      bug: 'deadlines are believed without trust',
      file: 'http/dist/head.js',
      find: 'if (!options.trustDeadline)',
      replace: 'if (options.trustDeadline === null)',
    },
    {
      bug: 'traces are believed without trust',
      file: 'http/dist/head.js',
      find: "const header = options.trustTrace ? exchange.header('traceparent') : undefined;",
      replace: "const header = exchange.header('traceparent');",
    },
    {
      bug: 'request ids are believed without trust',
      file: 'http/dist/options.js',
      find: "return flag('requestId.trust', trust) ? () => true : undefined;",
      replace: 'return () => true;',
    },
  ],
}

const deadlineHeaders: readonly DeadlineHeader[] = [
  'grpc-timeout',
  'connect-timeout-ms',
  'x-request-timeout-ms',
  'x-envoy-expected-rq-timeout-ms',
  'request-timeout',
]

/** Values, and whether they are one in `grpc-timeout`, and in the headers that are plain numbers. */
const said: readonly (readonly [value: string, grpc: boolean, plain: boolean])[] = [
  ['99999999H', true, false],
  ['99999999', false, true],
  ['00000001H', true, false],
  ['1S', true, false],
  ['999999999', false, true],
  ['100000000S', false, false],
  ['99999999999999999999', false, false],
  ['-1', false, false],
  ['-1S', false, false],
  ['+1S', false, false],
  ['1e309', false, false],
  ['1e3S', false, false],
  ['NaN', false, false],
  ['NaNS', false, false],
  ['Infinity', false, false],
  ['0x10', false, false],
  ['1.5', false, false],
  ['1_000', false, false],
  ['1S 2S', false, false],
  ['1S,1S', false, false],
  ['1,1', false, false],
  ['1s', false, false],
  ['1h', false, false],
  ['S', false, false],
  ['\u0663S', false, false],
  ['\uff11', false, false],
  ['\ud835\udfd9S', false, false],
  ['null', false, false],
  ['[object Object]', false, false],
]

/** Every header with anything in it: a deadline within bounds comes out, or none, and what makes no sense is told. */
function anyValue(trial: Trial): void {
  const random = randomFrom(trial.seed)
  const values: unknown[] = [
    ...said.map(([value]) => value),
    ...naughtyStrings,
    ...Array.from({ length: trial.pick({ change: 20_000, nightly: 1_000_000, release: 1_000_000 }) }, () =>
      random() < 0.5
        ? `${Math.floor(random() * 10 ** (random() * 30))}${hostileText(random, 1)}`
        : hostileText(random),
    ),
    Number.NaN,
    Infinity,
    -1,
    -0,
    1e21,
    true,
    null,
    {},
    [],
    ['1S', '1S'],
    ['1', '1'],
    ['-1'],
    1n,
    Symbol('1'),
  ]
  let outside = 0
  let untold = 0
  for (const value of values) {
    for (const header of deadlineHeaders) {
      let told = 0
      const record = { [header]: value as string }
      const ms = extractDeadline(record, { maxMs, onMalformed: () => (told += 1) })
      if (ms !== undefined && !(ms >= 0 && ms <= maxMs)) outside += 1
      if (told !== (ms === undefined && value !== null ? 1 : 0)) untold += 1
    }
  }
  trial.figure({
    what: 'values read as deadlines',
    value: values.length * deadlineHeaders.length,
    unit: 'values',
  })
  trial.figure({ what: `deadlines outside of 0 to ${maxMs} ms`, value: outside, unit: 'values', exactly: 0 })
  trial.figure({
    what: 'values that were ignored without being told, or told though read',
    value: untold,
    unit: 'values',
    exactly: 0,
  })
}

/** Over sockets, on every framework, from callers that are trusted. */
async function clampedOverSockets(trial: Trial): Promise<void> {
  let requests = 0
  let outside = 0
  let uncounted = 0
  let metrics = testMetrics()
  const settings = (): Settings => {
    metrics = testMetrics()
    const handle = (): object => ({
      remaining: current().deadline === undefined ? null : current().remaining,
    })
    return { options: { log: false, metrics, deadline: { trust: true, maxMs } }, handle }
  }
  const ignored = (): number => metrics.value('kit.http.ignored_headers', { header: 'deadline' }) ?? 0
  await onEveryFramework(settings, async ({ port }) => {
    const attempt = async (lines: readonly string[], isDeadline: boolean): Promise<void> => {
      const before = ignored()
      const { status, body } = await ask(port, 'GET /items/1', lines)
      requests += 1
      const remaining = status === 200 ? (JSON.parse(body) as { remaining: number | null }).remaining : -1
      const fits = remaining === null ? !isDeadline : isDeadline && remaining >= 0 && remaining <= maxMs
      if (!fits) outside += 1
      if (ignored() - before !== Number(!isDeadline)) uncounted += 1
    }
    for (const [value, grpc, plain] of said) {
      const bytes = Buffer.from(value).toString('latin1')
      await attempt([`Grpc-Timeout: ${bytes}`], grpc)
      await attempt([`X-Request-Timeout-Ms: ${bytes}`], plain)
    }
    await attempt(['Grpc-Timeout: 1S', 'Grpc-Timeout: 1S'], false)
    await attempt(['Connect-Timeout-Ms: 1000', 'Connect-Timeout-Ms: 99999999'], false)
  })
  trial.figure({ what: 'requests with deadlines', value: requests, unit: 'requests' })
  trial.figure({
    what: `of these, with a deadline beyond ${maxMs} ms, by a value that is none, or without one in spite of a good value`,
    value: outside,
    unit: 'requests',
    exactly: 0,
  })
  trial.figure({
    what: 'of these, malformed and not counted',
    value: uncounted,
    unit: 'requests',
    exactly: 0,
  })
}

const traceId = 'abcdef0123456789abcdef0123456789'
const strangersHeaders: readonly string[] = [
  `Traceparent: 00-${traceId}-00f067aa0ba902b7-01`,
  'Tracestate: vendor=stranger',
  'Baggage: tenant=stranger',
  'X-Request-Id: stranger',
  'X-Forwarded-For: 203.0.113.9',
  'Forwarded: for=203.0.113.9',
  'Grpc-Timeout: 300S',
  'Connect-Timeout-Ms: 300000',
  'X-Request-Timeout-Ms: 300000',
  'X-Envoy-Expected-Rq-Timeout-Ms: 300000',
  'Request-Timeout: 300',
]

interface Effect {
  readonly hasDeadline: boolean
  readonly trace: string | undefined
  readonly flags: string | undefined
  readonly requestId: string | undefined
  readonly address: string | undefined
  /** The headers of a call that the handler made. */
  readonly sent: string
}

/** What arrived of what a stranger said, in the handler and in the calls that it makes. */
async function effect(): Promise<Effect> {
  const ctx = current()
  let sent = ''
  const call = observeClient(
    async (_input, init) => {
      sent = JSON.stringify([...new Headers(init?.headers)])
      return new Response('ok')
    },
    { metrics: testMetrics() },
  )
  await (await call('http://inventory.internal/')).text()
  const trace = ctx.value(traceKey)
  return {
    hasDeadline: ctx.deadline !== undefined,
    trace: trace?.traceId,
    flags: trace?.flags,
    requestId: ctx.value(requestIdKey),
    address: ctx.value(clientAddressKey),
    sent,
  }
}

function effects({ hasDeadline, trace, flags, requestId, address, sent }: Effect): number {
  const had = [
    hasDeadline || sent.includes('timeout'),
    trace === traceId || sent.includes(traceId),
    flags === '01' || sent.includes('-01"'),
    requestId === 'stranger' || sent.includes('"stranger"'),
  ]
  const never = [address?.includes('203.0.113.9') === true, sent.includes('tenant'), sent.includes('vendor')]
  return [...had, ...never].filter(Boolean).length
}

async function strangers(trial: Trial): Promise<void> {
  let byDefault = 0
  let trusted = 0
  let expired = 0
  const edge = { options: { log: false as const, metrics: testMetrics() }, handle: effect }
  await onEveryFramework(
    () => edge,
    async ({ port }) => {
      const { status, headers, body } = await ask(port, 'GET /items/1', strangersHeaders)
      if (status !== 200) expired += 1
      else byDefault += effects(JSON.parse(body) as Effect)
      if (headers.get('x-request-id') === 'stranger') byDefault += 1
      // Expired on arrival, were it believed.
      if ((await ask(port, 'GET /items/1', ['Grpc-Timeout: 0n'])).status !== 200) expired += 1
    },
  )
  await onEveryFramework(
    () => ({ ...edge, options: { ...edge.options, ...internal } }),
    async ({ port }) => {
      const { body } = await ask(port, 'GET /items/1', strangersHeaders)
      trusted += effects(JSON.parse(body) as Effect)
    },
  )
  trial.figure({
    what: 'effects of eleven headers of a stranger, by default, on all frameworks',
    value: byDefault,
    unit: 'effects',
    exactly: 0,
  })
  trial.figure({
    what: 'requests of strangers that were refused as expired, by default',
    value: expired,
    unit: 'requests',
    exactly: 0,
  })
  trial.figure({
    what: 'effects of the same headers with `internal`: deadline, trace id, flags and request id on each framework',
    value: trusted,
    unit: 'effects',
    exactly: 4 * frameworks.length,
  })
}
