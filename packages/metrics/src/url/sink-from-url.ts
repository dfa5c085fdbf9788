/**
 * Sinks from URLs, after go-metrics' NewMetricSinkFromURL. Errors name the part that is wrong and what it may be, and
 * never repeat what was given: URLs from the environment hold passwords.
 */

import { MetricsError } from '../errors.ts'
import { memory, type MemorySink } from '../sinks/memory/index.ts'
import { prometheus, type PrometheusSink } from '../sinks/prometheus/index.ts'
import { statsd, type StatsdOptions, type StatsdSink } from '../sinks/statsd/index.ts'

/** The sinks that URLs can make. */
export type UrlSink = MemorySink | PrometheusSink | StatsdSink

/**
 * Makes the sink that a URL describes:
 *
 * - `statsd://host:8125` over UDP, `statsd+tcp://host:8125`, `statsd+unix:///run/statsd.sock`; parameters `dialect`,
 *   `prefix`, `interval`, `samples`, `sampleType`, `maxPacketBytes`, `maxQueueBytes`, `dnsTtl`, and `label.NAME` for a
 *   label on every series
 * - `memory://`; parameters `interval`, `retain`
 * - `prometheus://`; parameter `prefix`
 *
 * Times are numbers with a unit: `500ms`, `10s`, `1m`, `1h`. Nothing may be given twice, and whatever is unknown or
 * out of place throws a {@link MetricsError}: `KIT_METRIC_OPTION_UNKNOWN` for a scheme or a parameter,
 * `KIT_METRIC_OPTION_INVALID` for a value. The sinks' own defaults apply; hot-shots is loaded by `metrics.attach`, for
 * StatsD only.
 */
export function sinkFromUrl(url: `statsd${string}`): StatsdSink
export function sinkFromUrl(url: `memory:${string}`): MemorySink
export function sinkFromUrl(url: `prometheus:${string}`): PrometheusSink
export function sinkFromUrl(url: string | URL): UrlSink
export function sinkFromUrl(url: string | URL): UrlSink {
  const parsed = parse(url)
  const make = Object.hasOwn(schemes, parsed.protocol) ? schemes[parsed.protocol] : undefined
  if (make === undefined) {
    const known = Object.keys(schemes).map((scheme) => `${scheme}//`)
    throw new MetricsError(
      'KIT_METRIC_OPTION_UNKNOWN',
      `sinkFromUrl: the URL must begin with ${known.join(', ')}`,
    )
  }
  if (parsed.username !== '' || parsed.password !== '') throw invalid('no sink takes a user or a password')
  if (parsed.hash !== '') throw invalid('no sink takes a fragment (#)')
  return make(parsed, new Parameters(parsed.searchParams))
}

type Make = (url: URL, parameters: Parameters) => UrlSink

const schemes: Readonly<Record<string, Make>> = {
  'statsd:': (url, parameters) => statsd({ ...address(url), ...statsdOptions(parameters) }),
  'statsd+tcp:': (url, parameters) =>
    statsd({ ...address(url), protocol: 'tcp', ...statsdOptions(parameters) }),
  'statsd+unix:': (url, parameters) => {
    if (url.host !== '') throw invalid('statsd+unix takes a path after three slashes, and no host')
    return statsd({ path: decoded(url.pathname), ...statsdOptions(parameters) })
  },
  'memory:': (url, parameters) => {
    nowhere(url)
    const options = { intervalMs: parameters.duration('interval'), retainMs: parameters.duration('retain') }
    parameters.end()
    return memory(options)
  },
  'prometheus:': (url, parameters) => {
    nowhere(url)
    const options = { prefix: parameters.text('prefix') }
    parameters.end()
    return prometheus(options)
  },
}

function statsdOptions(parameters: Parameters): StatsdOptions {
  const options: StatsdOptions = {
    // Any text may stand here: the sink itself checks what it is given.
    dialect: parameters.text('dialect') as StatsdOptions['dialect'],
    sampleType: parameters.text('sampleType') as StatsdOptions['sampleType'],
    prefix: parameters.text('prefix'),
    intervalMs: parameters.duration('interval'),
    dnsTtlMs: parameters.duration('dnsTtl'),
    samples: parameters.integer('samples'),
    maxPacketBytes: parameters.integer('maxPacketBytes'),
    maxQueueBytes: parameters.integer('maxQueueBytes'),
    labels: parameters.labels(),
  }
  parameters.end()
  return options
}

function address(url: URL): Pick<StatsdOptions, 'host' | 'port'> {
  if (url.hostname === '') throw invalid('a host is missing after the two slashes')
  if (url.pathname !== '' && url.pathname !== '/') throw invalid('this scheme takes no path')
  return {
    host: decoded(url.hostname).replace(/^\[|\]$/g, ''),
    port: url.port === '' ? undefined : Number(url.port),
  }
}

function nowhere(url: URL): void {
  if (url.host !== '' || (url.pathname !== '' && url.pathname !== '/')) {
    throw invalid('this scheme takes neither a host nor a path')
  }
}

/** The parameters of one URL, each taken once; what is left in the end is unknown. */
class Parameters {
  readonly #left = new Map<string, string>()
  readonly #known: string[] = []

  constructor(parameters: URLSearchParams) {
    for (const [name, value] of parameters) {
      if (this.#left.has(name)) throw invalid('a parameter is there twice')
      this.#left.set(name, value)
    }
  }

  text(name: string): string | undefined {
    const value = this.#left.get(name)
    this.#left.delete(name)
    this.#known.push(name)
    return value
  }

  integer(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    if (!/^\d{1,15}$/.test(value)) throw invalid(`${name} must be a whole number`)
    return Number(value)
  }

  /** In milliseconds. */
  duration(name: string): number | undefined {
    const value = this.text(name)
    if (value === undefined) return undefined
    const match = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)$/.exec(value)
    if (match === null) throw invalid(`${name} must be a number with ms, s, m or h, such as 10s`)
    return Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]
  }

  labels(): Record<string, string> | undefined {
    this.#known.push('label.NAME')
    const labels = [...this.#left].filter(([name]) => name.startsWith(labelPrefix))
    for (const [name] of labels) this.#left.delete(name)
    if (labels.length === 0) return undefined
    return Object.fromEntries(labels.map(([name, value]) => [name.slice(labelPrefix.length), value]))
  }

  end(): void {
    if (this.#left.size === 0) return
    throw new MetricsError(
      'KIT_METRIC_OPTION_UNKNOWN',
      `sinkFromUrl: a parameter is unknown; this scheme takes ${this.#known.join(', ')}`,
    )
  }
}

const labelPrefix = 'label.'

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

function parse(url: string | URL): URL {
  try {
    return new URL(url)
  } catch {
    // The platform's error repeats the URL, so it is not even the cause.
    throw invalid('this is no URL, or its port is none')
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('a percent sign is not followed by a byte in hexadecimal')
  }
}

function invalid(what: string): MetricsError {
  return new MetricsError('KIT_METRIC_OPTION_INVALID', `sinkFromUrl: ${what}`)
}
