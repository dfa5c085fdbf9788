/**
 * S1: headers of strangers cost a bounded time and memory, whatever they hold. Of baggage, which the limits of W3C are for,
 * kit reads single members, where an override of the log's levels asks for one; it does not pass baggage on, and reads no
 * `tracestate` and no B3.
 */

import { background } from '@kit/context'
import type { Exchange } from '@kit/http'
import { createObserver, internal } from '@kit/http'
import { createLogger, logStats, withRequest } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import type { PublishedPromise, Trial } from '../promise.ts'
import { ask } from '../tools/conversation.ts'
import { costOf } from '../tools/cost.ts'
import type { Cost } from '../tools/cost.ts'
import { onEveryFramework } from '../tools/services.ts'
import type { Settings } from '../tools/services.ts'

/** Of one header, and of a request in which all of some seven that are read are the worst. */
const most = { microseconds: 50, kibibytes: 32 }
const mostOfAll = { microseconds: 100, kibibytes: 32 }

export const promise: PublishedPromise = {
  id: 'S1',
  says: 'The headers of a request cost a bounded time and memory, whatever they hold: limits are looked at first, and over all lines of a header together.',
  tiers: ['change', 'nightly'],
  speaksOf: [
    'packages/log/src/baggage.ts',
    'packages/log/src/request-facts.ts',
    'packages/http/src/head.ts',
    'packages/http/src/client-address.ts',
    'packages/http/src/trace-context.ts',
    'packages/http/src/request-id.ts',
    'packages/context/src/wire.ts',
  ],
  async run(trial) {
    await limits(trial)
    costs(trial)
  },
  plants: [
    {
      bug: 'the bytes of baggage are not counted',
      file: 'log/dist/baggage.js',
      find: 'if (header.length > MAX_BYTES)',
      replace: 'if (header.length > MAX_BYTES * 1e6)',
    },
    {
      bug: 'the members of baggage are not counted',
      file: 'log/dist/baggage.js',
      find: 'if (members === MAX_MEMBERS)',
      replace: 'if (members === MAX_MEMBERS * 1e6)',
    },
    {
      bug: 'the limits of baggage are those of one line each',
      file: 'log/dist/request-facts.js',
      find: "const header = facts.header?.('baggage');",
      replace: "const header = facts.header?.('baggage')?.split(', ')[0];",
    },
    {
      bug: 'all hops of a forwarding header are taken apart',
      file: 'http/dist/client-address.js',
      find: "const chain = exchange.header(header) ?? '';",
      replace: "const chain = (exchange.header(header) ?? '').split(',').map((one) => one.trim()).join(',');",
    },
  ],
}

const wanted = 'debug=1'
const fillers = (count: number): string[] => Array.from({ length: count }, (_, i) => `key${i}=v`)
const filled = (length: number): string => 'x'.repeat(length)

/** Lines of baggage, and whether the member in them is within the limits. */
const baggage: readonly (readonly [lines: readonly string[], isRead: boolean])[] = [
  [[wanted], true],
  // What everybody has to take: 64 members, 8,192 bytes.
  [[[...fillers(63), wanted].join(',')], true],
  [[`${filled(8192 - wanted.length - 1)},${wanted}`], true],
  [[fillers(32).join(','), [...fillers(31), wanted].join(',')], true],
  [[wanted, filled(8192 - wanted.length - 2)], true],
  // One more, in one line and in several.
  [[[...fillers(64), wanted].join(',')], false],
  [[`${wanted},${filled(8192 - wanted.length)}`], false],
  [[fillers(32).join(','), fillers(32).join(','), wanted], false],
  [[wanted, filled(4000), filled(4000), filled(200)], false],
  [[','.repeat(8000), wanted], false],
]

/** Over sockets, on every framework: what is within the limits is read, and what is not is counted. */
async function limits(trial: Trial): Promise<void> {
  let wrong = 0
  let uncounted = 0
  let requests = 0
  let lines = 0
  const destination = { write: (line: string) => (lines += line.includes('"seen"') ? 1 : 0) }
  const settings = (): Settings => {
    const log = createLogger({ format: 'json', level: 'warn', destination })
    log.levels.override({ when: { baggage: { debug: '1' } }, level: 'debug' })
    return { options: { log, metrics: createMetrics() }, handle: () => log.debug('seen') }
  }
  await onEveryFramework(settings, async ({ port }) => {
    for (const [sent, isRead] of baggage) {
      const before = { lines, limited: logStats().limitedBaggage }
      const { status } = await ask(
        port,
        'GET /items/1',
        sent.map((line) => `Baggage: ${line}`),
      )
      requests += 1
      if (status !== 200 || lines - before.lines !== Number(isRead)) wrong += 1
      if (logStats().limitedBaggage - before.limited !== Number(!isRead)) uncounted += 1
    }
  })
  trial.figure({ what: 'requests with baggage around the limits', value: requests, unit: 'requests' })
  trial.figure({
    what: 'of these, read beyond 8,192 bytes or 64 members of all lines together, or not read up to there',
    value: wrong,
    unit: 'requests',
    exactly: 0,
  })
  trial.figure({
    what: 'of these, beyond the limits and not counted, or counted though within',
    value: uncounted,
    unit: 'requests',
    exactly: 0,
  })
}

/** As much as Node takes for the head of a request, by default. */
const all = 16_000

/** What a parser may be slow at, or may take apart into too many parts. */
const bombs: readonly string[] = [
  ...[',', ';', '=', ' ', '\t', '"', '%', '-', '0', ':', '.'].flatMap((one) => [
    one.repeat(4000),
    one.repeat(all),
  ]),
  ...['a=b,', 'a;b,', ',;', ' ,', '= ,', 'for=;', 'for="",', '127.0.0.1,', '[::1],', '0-'].flatMap((one) => [
    one.repeat(4000 / one.length),
    `${one.repeat(4000 / one.length)}127.0.0.1`,
    one.repeat(all / one.length),
  ]),
  Array.from({ length: 300 }, () => '127.0.0.1').join(','),
  Array.from({ length: 300 }, () => 'for=127.0.0.1').join(','),
  Array.from({ length: 200 }, () => `${';'.repeat(12)}for=127.0.0.1`).join(','),
  `debug=${'%41'.repeat(2728)}`,
  `debug=${'%f0%9f%98%80'.repeat(682)}`,
  `debug=${'%41'.repeat(2728)}%`,
  `${'x'.repeat(8000)}=${'y'.repeat(180)}`,
  `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01${'-'.repeat(all)}`,
  `${'9'.repeat(all)}H`,
]

/** What reading costs at worst, in the process. */
function costs(trial: Trial): void {
  report(trial, 'one member of the worst baggage', bombs.map(costOfBaggage), most)
  const heads = (['x-forwarded-for', 'forwarded'] as const).flatMap((header) => {
    const observer = createObserver({
      ...internal,
      log: false,
      metrics: createMetrics(),
      address: { header, trust: ['127.0.0.0/8', '::1'] },
    })
    return bombs.map((bomb) => {
      const exchange: Exchange = {
        method: 'GET',
        target: '/',
        scheme: 'http',
        protocolVersion: '1.1',
        peerAddress: '127.0.0.1',
        header: () => bomb,
      }
      return costOf(() => {
        const { observation } = observer.begin({}, exchange)
        observation.end({ kind: 'finished', status: 200 })
      })
    })
  })
  report(
    trial,
    'a request from begin to end, whose every header is the worst, with request id, trace, deadline and hops trusted',
    heads,
    mostOfAll,
  )
}

function costOfBaggage(bomb: string): Cost {
  const log = createLogger({ format: 'json', level: 'info', destination: { write() {} } })
  const override = log.levels.override({ when: { baggage: { debug: '1' } }, level: 'debug' })
  const header = (name: string): string | undefined => (name === 'baggage' ? bomb : undefined)
  const asking = log.withContext(withRequest(background, { header }))
  const cost = costOf(() => asking.isLevelEnabled('debug'))
  override.end()
  return cost
}

function report(trial: Trial, what: string, costsOf: readonly Cost[], limit: Cost): void {
  const worst = (of: keyof Cost): number => Math.max(...costsOf.map((cost) => cost[of]))
  trial.figure({
    what: `time for ${what}`,
    value: worst('microseconds'),
    unit: 'µs',
    atMost: limit.microseconds,
  })
  trial.figure({
    what: `memory allocated for ${what}`,
    value: worst('kibibytes'),
    unit: 'KiB',
    atMost: limit.kibibytes,
  })
}
