/** One conformance app with everything that can be seen of it: its metrics, its log lines, a client. */

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, Server } from 'node:http'
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import type { HistogramSnapshot, Metrics } from '@kit/metrics'
import type { HttpOptions } from '../options.ts'
import type { Client } from './client.ts'
import { Http1Client, Http2Client } from './client.ts'
import type { ConformanceServer, ConformanceTraits, StartConformanceApp } from './conformance.ts'
import { Wire } from './wire.ts'

/** A case before it is bound to an adapter: runs on an app that was started with `options`, mounted `times` times (once). */
export type Case = readonly [
  name: string,
  options: HttpOptions,
  run: (rig: Rig) => Promise<void>,
  more?: {
    readonly times?: number
    /** It is about bytes on a connection, which mean something in HTTP/1.1 only. */
    readonly bytes?: true
  },
]

/** A request as the metrics tell it. */
export interface Counted {
  readonly method: string
  readonly route: string
  readonly status: string
  readonly error: string
  readonly count: number
}

const requestStart = 'http.server.request.start'

/** A running app under observation. */
export class Rig {
  readonly client: Client
  readonly wire: Wire
  readonly lines: Record<string, unknown>[]
  readonly metrics: Metrics
  readonly #server: ConformanceServer
  readonly #reaches: NonNullable<ConformanceTraits['reaches']>
  readonly #stop: (() => unknown)[] = []

  private constructor(
    server: ConformanceServer,
    { protocol, reaches = () => true }: ConformanceTraits,
    metrics: Metrics,
    lines: Record<string, unknown>[],
  ) {
    this.#server = server
    this.#reaches = reaches
    this.client = protocol === 'HTTP/2' ? new Http2Client(server.url) : new Http1Client(server.url)
    this.wire = new Wire(server.url)
    this.metrics = metrics
    this.lines = lines
  }

  /** Starts the app with these options beside metrics and a logger of its own, mounted `times` times. */
  static async start(
    start: StartConformanceApp,
    traits: ConformanceTraits,
    options: HttpOptions = {},
    times = 1,
  ): Promise<Rig> {
    const metrics = createMetrics()
    const lines: Record<string, unknown>[] = []
    const destination = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) }
    const log = createLogger({ level: 'debug', format: 'json', destination })
    return new Rig(await start({ metrics, log, ...options }, times), traits, metrics, lines)
  }

  /** What was counted, once `expected` requests were and none is under way. */
  async counted(expected: number): Promise<Counted[]> {
    await eventually(
      () => this.#total() >= expected && this.active() === 0,
      () =>
        `${expected} requests to be counted and none active; there are ${this.#total()} and ${this.active()}`,
    )
    return this.#counted()
  }

  /** Requests under way, as the metrics tell it. */
  active(): number {
    return sum(this.metrics, 'http.server.active_requests')
  }

  /** What was counted, once it is as many as came, with a line in the log each and none under way: neither less nor more. */
  async countedExactly(came: number | (() => number)): Promise<Counted[]> {
    const expected = (): number => (typeof came === 'number' ? came : came())
    await this.counted(expected())
    assert.equal(this.#total(), expected())
    assert.equal(this.requestLines().length, expected())
    assert.equal(this.active(), 0)
    return this.#counted()
  }

  /**
   * Counts, from now on, what Node hands to the application, whatever is mounted there, but for what its framework refuses by
   * itself: the truth that is to be observed.
   */
  reached(): () => number {
    let count = 0
    this.#whenServing((server) =>
      server.prependListener('request', (req: IncomingMessage) => {
        if (this.#reaches(req)) count += 1
      }),
    )
    return () => count
  }

  /**
   * Has the server hand requests for another protocol to the application as WebSocket libraries do that go through its router:
   * with a response that nothing is to be written to. Resolves once it does; counts one request.
   */
  async handOverUpgrades(): Promise<void> {
    this.#whenServing((server) =>
      server.on('upgrade', (req: IncomingMessage, socket: Socket) => {
        const res = new ServerResponse(req)
        res.assignSocket(socket)
        // What a WebSocket library does with the connection.
        socket.on('error', () => {}).on('end', () => socket.end())
        socket.resume()
        this.#stop.push(() => socket.destroy())
        server.emit('request', req, res)
      }),
    )
    await this.client.send('/items/1')
  }

  /** Calls `use` with the server of node:http, which is known from its first request on. */
  #whenServing(use: (server: Server) => void): void {
    const { port } = new URL(this.#server.url)
    const seen = new WeakSet<Server>()
    const listener = (message: unknown): void => {
      const { server, socket } = message as { server: Server; socket: Socket }
      if (String(socket.localPort) !== port || seen.has(server)) return
      seen.add(server)
      use(server)
    }
    subscribe(requestStart, listener)
    this.#stop.push(() => unsubscribe(requestStart, listener))
  }

  /** The lines that requests left in the log. */
  requestLines(): Record<string, unknown>[] {
    return this.lines.filter((line) => line['msg'] === 'request')
  }

  /** The streams that were counted, as `count kind method route status error`, once there are as many and none is open. */
  async streams(expected: number): Promise<string[]> {
    const seen = (): [number, string][] =>
      this.series('http.server.stream.duration').map(({ labels, count }) => {
        const names = ['kind', 'http.request.method', 'http.route', 'http.response.status_code', 'error.type']
        return [count, [count, ...names.map((name) => labels[name] || '-')].join(' ')]
      })
    const total = (): number => seen().reduce((all, [count]) => all + count, 0)
    await eventually(
      () => total() >= expected && this.open() === 0 && this.active() === 0,
      () => `${expected} streams to be counted and none open; there are ${total()} and ${this.open()}`,
    )
    return seen().map(([, text]) => text)
  }

  /** The sizes of bodies, as `route count sum`: of requests, or of responses. */
  sizes(of: 'request' | 'response'): string[] {
    return this.series(`http.server.${of}.body.size`).map(
      ({ labels, count, sum: bytes }) => `${labels['http.route'] || '-'} ${count} ${bytes}`,
    )
  }

  /** Streams that are open, as the metrics tell it. */
  open(labels: Record<string, string> = {}): number {
    return sum(this.metrics, 'http.server.stream.active', labels)
  }

  /** The value of one of the observer's own counters. */
  counter(name: string, labels: Record<string, string> = {}): number {
    return sum(this.metrics, name, labels)
  }

  async close(): Promise<void> {
    for (const stop of this.#stop) stop()
    this.client.close()
    await this.#server.close()
  }

  /** The schemes of the requests that were counted. */
  schemes(): string[] {
    return this.series().map(({ labels }) => labels['url.scheme'] ?? '')
  }

  /** The series of a histogram; none of one that there is not. */
  series(name = 'http.server.request.duration'): HistogramSnapshot['series'] {
    const histogram = this.metrics.snapshot().metrics.find((metric) => metric.name === name)
    return histogram?.kind === 'histogram' ? histogram.series : []
  }

  #counted(): Counted[] {
    return this.series().map(({ labels, count }) => ({
      method: labels['http.request.method'] ?? '',
      route: labels['http.route'] ?? '',
      status: labels['http.response.status_code'] ?? '',
      error: labels['error.type'] ?? '',
      count,
    }))
  }

  #total(): number {
    return this.#counted().reduce((total, { count }) => total + count, 0)
  }
}

/** Waits until `condition` holds; fails with `what` when it does not come about. Events decide, not the time. */
export async function eventually(condition: () => boolean, what: () => string): Promise<void> {
  for (let turns = 0; !condition(); turns += 1) {
    if (turns === 2000) throw new Error(`waited in vain for ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

function sum(metrics: Metrics, name: string, labels: Record<string, string> = {}): number {
  const metric = metrics.snapshot().metrics.find((candidate) => candidate.name === name)
  if (metric === undefined || metric.kind === 'histogram') return 0
  return metric.series
    .filter((point) => Object.entries(labels).every(([key, value]) => point.labels[key] === value))
    .reduce((total, { value }) => total + value, 0)
}
