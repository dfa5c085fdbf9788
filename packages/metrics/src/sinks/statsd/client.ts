/**
 * The way out: a hot-shots client, the user's or our own, of which this sink uses one thing, `sendMessage`: one text,
 * one datagram or write, one callback when the socket took it. What stands above it in hot-shots would break
 * promises: its buffer reports success when a line is queued and, with child clients, outgrows its limit; its calls
 * sample, look names up and escape by rules that merge series.
 */

import { createRequire } from 'node:module'
import { isIP, type LookupFunction } from 'node:net'
import { MetricsError } from '../../errors.ts'
import type { StatsdDialect } from './dialects.ts'
import { CachedLookup } from './lookup.ts'

/** A hot-shots client (`new StatsD(…)`, version 17). */
export interface StatsdClient {
  close(callback?: (error?: Error) => void): void
  readonly mockBuffer?: string[] | undefined
}

/** What is used of a client beyond its types. */
interface Internals extends StatsdClient {
  sendMessage(text: string, done: (error?: Error | null) => void): void
  getDatadogExtensionFields?(): unknown
  readonly socket?: Transport | null
  readonly mock?: unknown
  readonly protocol?: unknown
  readonly host?: unknown
  readonly isChild?: unknown
  readonly tcpGracefulErrorHandling?: unknown
  readonly prefix?: unknown
  readonly suffix?: unknown
  readonly globalTags?: unknown
  readonly telegraf?: unknown
  readonly datadog?: unknown
}

interface Transport {
  on?(event: string, listener: (this: unknown) => void): unknown
  removeListener?(event: string, listener: (this: unknown) => void): unknown
  emit?(event: string, error?: Error): unknown
  close?(): void
}

/** The members of `dgram.Socket` and of `net.Socket` that tell what waits in them. */
interface RawSocket {
  getSendQueueSize?(): number
  readonly writableLength?: number
  readonly destroyed?: boolean
}

/** What sends packets. */
export interface Carrier {
  readonly protocol: string
  /** Whether packets are known to stay on this machine. */
  readonly loopback: boolean
  /** The dialect that the client is set up for. */
  readonly dialect: StatsdDialect
  /** What the client puts before and behind every name. */
  readonly prefix: string
  readonly suffix: string
  /** `name:value` texts that the client puts on every line. */
  readonly tags: readonly string[]
  /** DogStatsD fields for the end of every line, such as the container's id: '' or with a leading bar. */
  readonly fields: string
  /** Calls `done` once the socket took the packet, or with the error. Never throws. */
  send(text: string, done: (error?: unknown) => void): void
  /** How many bytes the socket itself has waiting. */
  queuedBytes(): number
  /**
   * Puts a socket in place of one that is of no use any more, or lets the user's client do so. Only while nothing is
   * under way.
   */
  renew(): void
  close(): void
}

/** How to reach a server without a client of the user's. */
export interface Address {
  readonly protocol: 'udp' | 'tcp' | 'uds'
  readonly host: string
  readonly port: number
  readonly path: string | undefined
  readonly dialect: StatsdDialect
  readonly dnsTtlMs: number
  readonly lookup: LookupFunction | undefined
}

/** A carrier that uses the user's client, and leaves it open. Throws `KIT_METRIC_OPTION_INVALID` for what is none. */
export function carrierOf(client: unknown): Carrier {
  const internals = client as Partial<Internals> | null | undefined
  if (typeof internals?.sendMessage !== 'function') {
    throw new MetricsError('KIT_METRIC_OPTION_INVALID', 'statsd: client must be a hot-shots client')
  }
  return new HotShots(internals as Internals, undefined)
}

/**
 * A carrier with a client of its own. Throws `KIT_METRIC_OPTION_INVALID` when hot-shots is not installed or, for UDS,
 * its unix-dgram; a server that cannot be reached is no error here.
 */
export function carrierTo(address: Address): Carrier {
  const cache = new CachedLookup(address.dnsTtlMs, address.lookup)
  const StatsD = loadHotShots()
  let firstError: unknown
  const make = (): Internals =>
    new StatsD({
      protocol: address.protocol,
      host: address.host,
      port: address.port,
      path: address.path,
      maxBufferSize: 0,
      cacheDns: false,
      udpSocketOptions: { type: isIP(address.host) === 6 ? 'udp6' : 'udp4', lookup: cache.lookup },
      telegraf: address.dialect === 'telegraf',
      datadog: address.dialect === 'dogstatsd',
      includeDataDogTags: address.dialect === 'dogstatsd',
      includeDatadogTelemetry: false,
      errorHandler: (error: unknown) => {
        firstError ??= error
      },
    })
  const client = make()
  if (address.protocol === 'uds' && String(firstError).includes('unix_dgram')) {
    throw new MetricsError(
      'KIT_METRIC_OPTION_INVALID',
      'statsd: UDS needs the package unix-dgram, which is not installed or was not built',
    )
  }
  return new HotShots(client, make)
}

/** By require, so that the first packet can leave in the turn in which the sink was attached, and mistakes throw there. */
function loadHotShots(): new (options: object) => Internals {
  try {
    const load = createRequire(import.meta.url)
    return (load('hot-shots') as { StatsD: new (options: object) => Internals }).StatsD
  } catch (cause) {
    throw new MetricsError(
      'KIT_METRIC_OPTION_INVALID',
      'statsd: install hot-shots 17 beside @kit/metrics, or pass a client',
      { cause },
    )
  }
}

class HotShots implements Carrier {
  #client: Internals
  readonly #make: (() => Internals) | undefined
  #probed: { readonly transport: Transport; readonly raw: RawSocket | undefined } | undefined

  constructor(client: Internals, make: (() => Internals) | undefined) {
    this.#client = client
    this.#make = make
  }

  get protocol(): string {
    return textOr(this.#client.protocol, 'udp')
  }

  get loopback(): boolean {
    const { host, isChild } = this.#client
    // A child sends through its parent's socket, and does not know where to.
    return isChild !== true && typeof host === 'string' && isLoopback(host)
  }

  get dialect(): StatsdDialect {
    if (this.#client.telegraf === true) return 'telegraf'
    return this.#client.datadog === true ? 'dogstatsd' : 'statsd'
  }

  get prefix(): string {
    return textOr(this.#client.prefix, '')
  }

  get suffix(): string {
    return textOr(this.#client.suffix, '')
  }

  get tags(): readonly string[] {
    const tags: unknown = this.#client.globalTags
    return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []
  }

  get fields(): string {
    const fields = this.#client.getDatadogExtensionFields?.()
    if (!Array.isArray(fields)) return ''
    return fields.map((field) => `|${String(field).replace(/[\s|]/g, '_')}`).join('')
  }

  send(text: string, done: (error?: unknown) => void): void {
    try {
      const { mock, mockBuffer } = this.#client
      if (mock === true && mockBuffer !== undefined) {
        mockBuffer.push(...text.split('\n'))
        done()
      } else this.#client.sendMessage(text, done)
    } catch (error) {
      done(error)
    }
  }

  queuedBytes(): number {
    const raw = this.#raw()
    return raw?.getSendQueueSize?.() ?? raw?.writableLength ?? 0
  }

  renew(): void {
    if (this.#make === undefined) {
      this.#wake()
      return
    }
    this.close()
    this.#client = this.#make()
  }

  /**
   * A client of the user's opens another connection after errors that it knows, unless it was told not to, and at most as
   * often as it was told. Writing to a socket that was closed is none of them, so that a client whose peer hung up would
   * stay dumb for ever: it is told with a code that it knows.
   */
  #wake(): void {
    const { protocol, isChild, tcpGracefulErrorHandling, socket } = this.#client
    // The socket of a child belongs to its parent, and a child does not get to know the next one.
    if (protocol !== 'tcp' || isChild === true || tcpGracefulErrorHandling !== true) return
    if (this.#raw()?.destroyed !== true) return
    try {
      const error = Object.assign(new Error('the StatsD server closed the connection'), { code: 'ENOTCONN' })
      socket?.emit?.('error', error)
    } catch {
      // A listener of the user's threw; others will have heard it.
    }
  }

  close(): void {
    if (this.#make === undefined) return
    const { socket } = this.#client
    // Not by the client's own close, which keeps the process for 50 ms; nothing of ours is left in it. In a turn of
    // its own, since unix-dgram must not be closed from within a callback of a send.
    setImmediate(() => {
      try {
        socket?.close?.()
      } catch {
        // Closed already.
      }
    })
  }

  /** The socket behind the transport, which hides it but calls listeners with it as `this`. */
  #raw(): RawSocket | undefined {
    const transport = this.#client.socket
    if (transport === undefined || transport === null) return undefined
    if (this.#probed?.transport !== transport) this.#probed = { transport, raw: probe(transport) }
    return this.#probed.raw
  }
}

/** By its text; whatever else resolves to such an address is taken for another machine. */
function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}

function probe(transport: Transport): RawSocket | undefined {
  const seen: unknown[] = []
  const listener = function (this: unknown): void {
    seen.push(this)
  }
  try {
    transport.on?.('kit.probe', listener)
    transport.emit?.('kit.probe')
    transport.removeListener?.('kit.probe', listener)
  } catch {
    return undefined
  }
  const [raw] = seen
  return typeof raw === 'object' && raw !== null ? raw : undefined
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback
}
