/**
 * What the StatsD sink can be told, and the checks of it.
 */

import type { LookupFunction } from 'node:net'
import { MetricsError } from '../../errors.ts'
import type { Labels } from '../../labels.ts'
import { checkDuration, checkInteger, checkOptions } from '../../options.ts'
import { carrierOf, carrierTo, type Address, type Carrier, type StatsdClient } from './client.ts'
import { dialectNames, dialectOf, type SampleType, type StatsdDialect } from './dialects.ts'

/** Where metrics go, and how. */
export interface StatsdOptions {
  /**
   * A hot-shots 17 client to send through: its socket, prefix, suffix, global tags and container id are used, its
   * buffer, sampling and aggregation are not. It stays open when the sink stops. By default the sink makes a client.
   */
  readonly client?: StatsdClient | undefined
  /** The server's name or address; '127.0.0.1' by default. */
  readonly host?: string | undefined
  /** The server's port; 8125 by default. */
  readonly port?: number | undefined
  /** The path of a Unix datagram socket; makes `protocol` 'uds'. */
  readonly path?: string | undefined
  /** 'udp' by default. 'uds' needs the package unix-dgram. */
  readonly protocol?: 'udp' | 'tcp' | 'uds' | undefined
  /** What the server speaks; 'statsd' by default, or what the client is set up for. */
  readonly dialect?: StatsdDialect | undefined
  /** The time between flushes in milliseconds; 10,000 by default. */
  readonly intervalMs?: number | undefined
  /** Put before every name as it is, such as 'shop.'; none by default. */
  readonly prefix?: string | undefined
  /** Labels for every series, unless it has one of that name; not for the dialect 'statsd', which has no place for them. */
  readonly labels?: Labels | undefined
  /**
   * How many samples of each histogram series are kept between flushes; 512 by default, at most 4 kB a series, and on
   * the wire up to some 5 kB a series and flush. 0 sends `name.count` and `name.sum` as counters instead.
   */
  readonly samples?: number | undefined
  /** The type that samples are sent as; depends on the dialect. */
  readonly sampleType?: SampleType | undefined
  /**
   * The longest datagram in bytes; by default 1,432 for UDP, 3,600 for UDP to a loopback address or `localhost`, else
   * 8,192. Longer ones take less time to send: with 7,680, which Datadog's Agent reads, 10,000 counters take about two
   * thirds of what they take with 3,600.
   */
  readonly maxPacketBytes?: number | undefined
  /** How many bytes may wait in the socket before flushes are withheld; 1 MiB by default. */
  readonly maxQueueBytes?: number | undefined
  /** How long the host's address is kept, in milliseconds; 60,000 by default. For UDP. */
  readonly dnsTtlMs?: number | undefined
  /** Resolves the host; `dns.lookup` by default. For UDP. */
  readonly lookup?: LookupFunction | undefined
  /** Chooses samples; `Math.random` by default. */
  readonly random?: (() => number) | undefined
}

/** Options with their defaults. */
export interface Resolved {
  readonly connect: () => Carrier
  readonly dialect: StatsdDialect | undefined
  readonly intervalMs: number
  readonly prefix: string
  readonly labels: readonly (readonly [string, string])[]
  readonly samples: number
  readonly sampleType: SampleType | undefined
  readonly maxPacketBytes: number | undefined
  readonly maxQueueBytes: number
  readonly random: () => number
}

const optionNames: readonly (keyof StatsdOptions)[] = [
  'client',
  'host',
  'port',
  'path',
  'protocol',
  'dialect',
  'intervalMs',
  'prefix',
  'labels',
  'samples',
  'sampleType',
  'maxPacketBytes',
  'maxQueueBytes',
  'dnsTtlMs',
  'lookup',
  'random',
]

/** Checks and completes options; throws `KIT_METRIC_OPTION_UNKNOWN` and `KIT_METRIC_OPTION_INVALID`. */
export function resolveOptions(options: StatsdOptions): Resolved {
  checkOptions('statsd', options, optionNames)
  const dialect = oneOf('dialect', options.dialect, dialectNames)
  const connect = options.client === undefined ? connection(options, dialect ?? 'statsd') : shared(options)
  const sampleType = oneOf('sampleType', options.sampleType, ['ms', 'h', 'd'])
  const { maxPacketBytes } = options
  const resolved: Resolved = {
    connect,
    dialect,
    intervalMs: checkDuration('statsd: intervalMs', options.intervalMs, 10_000),
    prefix: checkPrefix(options.prefix),
    labels: checkLabels(options.labels),
    samples: checkInteger('statsd: samples', options.samples, 512, 0),
    sampleType,
    maxPacketBytes:
      maxPacketBytes === undefined
        ? undefined
        : checkInteger('statsd: maxPacketBytes', maxPacketBytes, 0, 64),
    maxQueueBytes: checkInteger('statsd: maxQueueBytes', options.maxQueueBytes, 1_048_576, 0),
    random: checkFunction('random', options.random) ?? Math.random,
  }
  if (options.client === undefined) checkDialect(resolved, dialect ?? 'statsd')
  return resolved
}

/** What depends on the dialect, which a client of the user's may decide when the sink is attached. */
export function checkDialect(resolved: Resolved, dialect: StatsdDialect): void {
  if (dialect === 'statsd' && resolved.labels.length > 0) {
    throw invalid("labels: the dialect 'statsd' has no labels; put them into the prefix")
  }
  const { sampleTypes } = dialectOf(dialect, true)
  if (resolved.sampleType !== undefined && !sampleTypes.includes(resolved.sampleType)) {
    throw invalid(`sampleType: the dialect '${dialect}' has ${sampleTypes.join(', ')}`)
  }
}

function shared(options: StatsdOptions): () => Carrier {
  for (const name of ['host', 'port', 'path', 'protocol', 'dnsTtlMs', 'lookup'] as const) {
    if (options[name] !== undefined) throw invalid(`${name} and client exclude each other`)
  }
  const carrier = carrierOf(options.client)
  return () => carrier
}

function connection(options: StatsdOptions, dialect: StatsdDialect): () => Carrier {
  const { path } = options
  const protocol =
    oneOf('protocol', options.protocol, ['udp', 'tcp', 'uds']) ?? (path === undefined ? 'udp' : 'uds')
  if ((protocol === 'uds') !== (path !== undefined)) throw invalid("path and protocol 'uds' need each other")
  if (path !== undefined && (typeof path !== 'string' || path === '')) throw invalid('path must be a path')
  if (protocol === 'uds' && (options.host !== undefined || options.port !== undefined)) {
    throw invalid("protocol 'uds' has a path, and neither host nor port")
  }
  const host: unknown = options.host ?? '127.0.0.1'
  if (typeof host !== 'string' || !/^[\w.:%-]{1,253}$/.test(host))
    throw invalid('host must be a name or an address')
  const port = checkInteger('statsd: port', options.port, 8125, 1)
  if (port > 65_535) throw invalid('port must be at most 65535')
  const address: Address = {
    protocol,
    host,
    port,
    path,
    dialect,
    dnsTtlMs: checkDuration('statsd: dnsTtlMs', options.dnsTtlMs, 60_000),
    lookup: checkFunction('lookup', options.lookup),
  }
  return () => carrierTo(address)
}

function checkPrefix(prefix: unknown): string {
  if (prefix === undefined) return ''
  if (typeof prefix === 'string' && /^([A-Za-z][A-Za-z0-9_.-]{0,127})?$/.test(prefix)) return prefix
  throw invalid("prefix may hold letters, digits, '_', '.' and '-', and must start with a letter")
}

function checkLabels(labels: unknown): readonly (readonly [string, string])[] {
  if (labels === undefined) return []
  if (typeof labels !== 'object' || labels === null) throw invalid('labels must be an object')
  return Object.entries(labels).map(([name, value]: [string, unknown]) => {
    const fits = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    if (!/^[A-Za-z_][\w./-]{0,254}$/.test(name) || !fits) {
      throw invalid(
        'labels must have names of letters, digits, _ . / - and values that are text, numbers or booleans',
      )
    }
    return [name, String(value)] as const
  })
}

function checkFunction<F>(name: string, value: F | undefined): F | undefined {
  if (value === undefined || typeof value === 'function') return value
  throw invalid(`${name} must be a function`)
}

function oneOf<T extends string>(name: string, value: unknown, values: readonly T[]): T | undefined {
  if (value === undefined || values.includes(value as T)) return value as T | undefined
  throw invalid(`${name} must be one of ${values.join(', ')}`)
}

function invalid(what: string): MetricsError {
  return new MetricsError('KIT_METRIC_OPTION_INVALID', `statsd: ${what}`)
}
