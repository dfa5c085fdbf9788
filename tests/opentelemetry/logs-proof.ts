/**
 * The proof that what is logged arrives: the real SDK and OTLP exporter, whichever major version is given, send to a
 * receiver that decodes the protobuf. Plain cases, for any test runner.
 */

import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import type { background as Background, createKey as CreateKey, run as Run } from '@kit/context'
import type { createLogger, Logger, logStats, withFields } from '@kit/log'
import type { openTelemetryLogs, OpenTelemetryLogsOptions, OtelLoggerProvider } from '@kit/log/opentelemetry'
import type { memoryDestination, MemoryDestination } from '@kit/log/testing'
import type { parse as Parse } from 'protobufjs'
import { recordDecoder, type ReceivedRecord } from './log-records.ts'
import type { Case } from './proof.ts'
import { startReceiver, type Receiver as AnyReceiver } from './receiver.ts'

type Receiver = AnyReceiver<ReceivedRecord>

/** Everything that the proof is about, or needs. */
export interface LogParts {
  readonly background: typeof Background
  readonly createKey: typeof CreateKey
  readonly run: typeof Run
  readonly createLogger: typeof createLogger
  readonly logStats: typeof logStats
  readonly withFields: typeof withFields
  readonly memoryDestination: typeof memoryDestination
  readonly openTelemetryLogs: typeof openTelemetryLogs
  /** Of protobufjs. */
  readonly parse: typeof Parse
  /** A `LoggerProvider` with a batching processor that exports by OTLP/HTTP protobuf. */
  provider(url: string): Provider
  /** `logs` of the API: registers a provider for the process, and takes it back. */
  readonly logs: { setGlobalLoggerProvider(provider: never): unknown; disable(): void }
  /** Calls a function in a span of OpenTelemetry's. */
  inSpan(span: { traceId: string; spanId: string; traceFlags: number }, fn: () => void): void
}

/** What is known of a `LoggerProvider`. */
export type Provider = OtelLoggerProvider & { shutdown(): Promise<void> }

/** The cases, each with a receiver of its own. */
export function logsProof(parts: LogParts): Case[] {
  return Object.entries(cases).map(([name, prove]) => ({
    name: `logs: ${name}`,
    async run() {
      const receiver = await startReceiver('/v1/logs', recordDecoder(parts.parse))
      const provider = parts.provider(receiver.url)
      try {
        await prove(parts, receiver, provider)
      } finally {
        await provider.shutdown()
        await receiver.close()
      }
    },
  }))
}

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'

const cases: Readonly<
  Record<string, (parts: LogParts, receiver: Receiver, provider: Provider) => Promise<void>>
> = {
  async 'every part of a line arrives as what it is'(parts, receiver, provider) {
    const { log, destination } = logger(parts, { provider })
    const child = log.named('db').child({ pool: { size: 3, idle: [true, null, 0.5] }, attempt: 2 })
    parts.run(parts.withFields(parts.background, { requestId: 'ünï☃"\n' }), () => {
      child.warn({ attempt: 3, level: 'forged', big: 1e300 }, 'took %d ms\nand more', 12)
    })
    await log.flush()
    const [line] = destination.records
    const time = BigInt(Number(line?.['time'])) * 1_000_000n
    deepStrictEqual(receiver.batches, [
      [
        {
          scope: 'db',
          time,
          observed: time,
          severity: 13,
          severityText: 'warn',
          body: 'took 12 ms\nand more',
          attributes: {
            service: 'shop',
            requestId: 'ünï☃"\n',
            pool: { size: 3, idle: [true, null, 0.5] },
            attempt: 3,
            'fields.level': 'forged',
            big: 1e300,
          },
          droppedAttributes: 0,
          traceId: '',
          spanId: '',
        },
      ],
    ])
  },

  async 'levels have the severities of the data model, and only written lines count'(
    parts,
    receiver,
    provider,
  ) {
    const { log } = logger(parts, { provider })
    for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const) log[level](level)
    log.levels.set('', 'fatal')
    log.error('not written')
    await log.flush()
    deepStrictEqual(
      all(receiver).map(({ body, severity, severityText, scope }) => [scope, body, severity, severityText]),
      [
        ['@kit/log', 'trace', 1, 'trace'],
        ['@kit/log', 'debug', 5, 'debug'],
        ['@kit/log', 'info', 9, 'info'],
        ['@kit/log', 'warn', 13, 'warn'],
        ['@kit/log', 'error', 17, 'error'],
        ['@kit/log', 'fatal', 21, 'fatal'],
        ['log.levels', 'log level changed', 9, 'info'],
      ],
    )
  },

  async 'errors are exceptions as the conventions name them, with their causes beside'(
    parts,
    receiver,
    provider,
  ) {
    const { log } = logger(parts, { provider })
    class QueryError extends Error {}
    const cause = new TypeError('inner')
    const error = Object.assign(new QueryError('outer', { cause }), { code: 'E_QUERY' })
    log.error(error)
    log.error(
      { other: new RangeError('first'), 'exception.type': 'forged' },
      'two %s',
      'words',
      new Error('second'),
    )
    log.info({ 'exception.type': 'no exception here' })
    await log.flush()
    const [one, two, three] = all(receiver).map(({ attributes }) => attributes)
    strictEqual(all(receiver).at(0)!.body, 'outer')
    deepStrictEqual(one, {
      service: 'shop',
      'exception.type': 'QueryError',
      'exception.message': 'outer',
      'exception.stacktrace': error.stack,
      err: { code: 'E_QUERY', cause: [{ type: 'TypeError', message: 'inner', stack: cause.stack }] },
    })
    strictEqual(two?.['exception.message'], 'second')
    strictEqual(two['fields.exception.type'], 'forged')
    strictEqual((two['other'] as Record<string, unknown>)['message'], 'first')
    ok(!('err' in two))
    deepStrictEqual(three, { service: 'shop', 'exception.type': 'no exception here' })
  },

  async 'a line and the span that it was logged in meet'(parts, receiver, provider) {
    const { log } = logger(parts, { provider })
    parts.inSpan({ traceId, spanId, traceFlags: 1 }, () => log.info('in the span'))
    log.info('outside')
    await log.flush()
    deepStrictEqual(
      all(receiver).map((record) => [record.body, record.traceId, record.spanId]),
      [
        ['in the span', traceId, spanId],
        ['outside', '', ''],
      ],
    )
  },

  async 'a trace that the kit carries is used where there is no span'(parts, receiver, provider) {
    const key = parts.createKey<{ traceId: string; spanId: string; flags: string }>('trace')
    const { log } = logger(parts, { provider, trace: (ctx) => ctx.value(key) })
    const ctx = parts.background.withValue(key, { traceId, spanId, flags: '01' })
    log.withContext(ctx).info('by hand')
    parts.run(ctx, () => log.info('ambient'))
    parts.inSpan({ traceId, spanId: 'aaaaaaaaaaaaaaaa', traceFlags: 1 }, () =>
      log.withContext(ctx).info('span'),
    )
    log.withContext(ctx.withValue(key, { traceId: 'no', spanId: 'no', flags: '' })).info('bad')
    await log.flush()
    deepStrictEqual(
      all(receiver).map((record) => [record.body, record.traceId, record.spanId]),
      [
        ['by hand', traceId, spanId],
        ['ambient', traceId, spanId],
        ['span', traceId, 'aaaaaaaaaaaaaaaa'],
        ['bad', '', ''],
      ],
    )
  },

  async 'secrets and limits are those of the line, and no hostile value loses a record'(
    parts,
    receiver,
    provider,
  ) {
    const { log, destination } = logger(parts, { provider })
    const before = parts.logStats().failedRecords
    log
      .child({ password: 'CANARY' })
      .info(
        { url: 'https://u:CANARY@h/?token=CANARY', long: 'x'.repeat(20_000), deep: { token: 'CANARY' } },
        'Bearer CANARY12345',
      )
    log.info(
      JSON.parse(
        '{"":1,"fields.":2,"__proto__":3,"a":{"constructor":1},"b":{"__proto__":{"c":[1]}}}',
      ) as object,
      'keys',
    )
    log.info({ half: '\ud800', ['k\udc00']: ['\ud800'] }, 'a\ud800b')
    log.info(
      { cyclic: loop(), big: 10n ** 30n, none: undefined, map: new Map([[{}, 1]]), nan: Number.NaN },
      'odd',
    )
    await log.flush()
    const [secret, keys, halves, odd] = all(receiver)
    ok(!JSON.stringify(receiver.batches, printable).includes('CANARY'))
    strictEqual(secret?.attributes['long'], destination.records[0]?.['long'])
    deepStrictEqual(keys?.attributes, {
      service: 'shop',
      'fields.': 1,
      'fields.fields.': 2,
      'fields.__proto__': 3,
      a: '{"constructor":1}',
      b: '{"__proto__":{"c":[1]}}',
    })
    deepStrictEqual(halves?.attributes, { service: 'shop', half: '\ufffd', 'k\ufffd': ['\ufffd'] })
    strictEqual(halves.body, 'a\ufffdb')
    deepStrictEqual(odd?.attributes, {
      service: 'shop',
      cyclic: { self: '[circular]' },
      big: '1000000000000000000000000000000',
      map: [[{}, 1]],
      nan: null,
    })
    strictEqual(parts.logStats().failedRecords, before)
  },

  async 'a text logger gives the same records'(parts, receiver, provider) {
    const { log } = logger(parts, { provider }, 'text')
    log
      .named('db')
      .child({ a: 'two words' })
      .error({ b: { c: 1 } }, 'text %s', 'x', new Error('why'))
    await log.flush()
    const [record] = all(receiver)
    strictEqual(record?.scope, 'db')
    strictEqual(record.body, 'text x')
    const { 'exception.stacktrace': stack, ...rest } = record.attributes
    ok(String(stack).includes('\n'))
    deepStrictEqual(rest, {
      service: 'shop',
      a: 'two words',
      b: { c: 1 },
      'exception.type': 'Error',
      'exception.message': 'why',
    })
  },

  async 'the provider of the process is used as soon as there is one'(parts, receiver, provider) {
    const { log } = logger(parts, {})
    const before = parts.logStats().failedRecords
    log.info('too early')
    strictEqual(parts.logStats().failedRecords, before + 1)
    parts.logs.setGlobalLoggerProvider(provider as never)
    try {
      log.info('in time')
      await log.flush()
      deepStrictEqual(
        all(receiver).map(({ body }) => body),
        ['in time'],
      )
    } finally {
      parts.logs.disable()
    }
    log.info('too late')
    strictEqual(parts.logStats().failedRecords, before + 2)
  },

  async 'a receiver that refuses or hangs costs no line and holds nobody up'(parts, receiver, provider) {
    const { log, destination } = logger(parts, { provider })
    receiver.conduct = 'refuse'
    log.info('refused')
    await log.flush()
    receiver.conduct = 'hang'
    log.info('kept waiting')
    const began = performance.now()
    await log.flush(100)
    ok(performance.now() - began < 5000, 'the flush ended in time')
    await receiver.requests(2)
    strictEqual(destination.lines.length, 2)
    deepStrictEqual(receiver.batches, [])
    await receiver.close()
  },
}

function logger(
  parts: LogParts,
  options: OpenTelemetryLogsOptions,
  format: 'json' | 'text' = 'json',
): { log: Logger; destination: MemoryDestination } {
  const destination = parts.memoryDestination()
  const records = parts.openTelemetryLogs(options)
  const log = parts.createLogger({ format, level: 'trace', destination, base: { service: 'shop' }, records })
  return { log, destination }
}

function all(receiver: Receiver): ReceivedRecord[] {
  return receiver.batches.flat()
}

function loop(): object {
  const value: { self?: object } = {}
  value.self = value
  return value
}

function printable(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
