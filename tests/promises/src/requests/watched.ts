/** One service in this process with all that can be seen of it: what reached it, what was counted, what was logged. */

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { createLogger } from '@kit/log'
import { createMetrics } from '@kit/metrics'
import type { Metrics } from '@kit/metrics'
import type { App, AppServer, Protocol } from './apps.ts'

/** How often each way to end occurred, by route, status and `error.type`: `/whole/:id 200 ok`. */
export type Endings = Readonly<Record<string, number>>

/** A service under observation. */
export class Watched {
  readonly port: number
  readonly server: AppServer
  /** The targets of the requests that Node handed to the application, as they came. */
  readonly reached: string[] = []
  readonly #metrics: Metrics
  readonly #lines: Record<string, unknown>[]
  readonly #sockets = new Set<Socket>()
  /** What is late by so much does not come any more, and need not be waited for again. */
  #patienceMs = 5000

  private constructor(server: AppServer, metrics: Metrics, lines: Record<string, unknown>[]) {
    this.server = server
    this.port = (server.address() as AddressInfo).port
    this.#metrics = metrics
    this.#lines = lines
    server.prependListener('request', (req: IncomingMessage) => this.reached.push(req.url ?? ''))
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** Starts a service of this adapter, which listens on a free port. */
  static async start(app: App, protocol: Protocol): Promise<Watched> {
    const metrics = createMetrics()
    const lines: Record<string, unknown>[] = []
    const write = (line: string): unknown => lines.push(JSON.parse(line) as Record<string, unknown>)
    const log = createLogger({ format: 'json', destination: { write } })
    const server = await app.make(protocol, { metrics, log })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Watched(server, metrics, lines)
  }

  /** Resolves when all that reached the service so far is counted and no connection is open; or when that takes too long. */
  async settled(): Promise<void> {
    const patience = performance.now() + this.#patienceMs
    const settled = (): boolean =>
      this.observed === this.reached.length && this.active === 0 && this.#sockets.size === 0
    while (!settled() && performance.now() < patience) await setTimeout(1)
    if (!settled()) this.#patienceMs = 20
  }

  /** Resolves when so many requests have reached the service since it began. */
  async until(requests: number): Promise<void> {
    const patience = performance.now() + 10_000
    while (this.reached.length < requests && performance.now() < patience) await setTimeout(0)
  }

  /** Requests that were counted. */
  get observed(): number {
    return Object.values(this.endings()).reduce((sum, count) => sum + count, 0)
  }

  /** Requests in flight. */
  get active(): number {
    const gauge = this.#metrics.snapshot().metrics.find(({ name }) => name === 'http.server.active_requests')
    return gauge === undefined || gauge.kind === 'histogram'
      ? 0
      : gauge.series.reduce((sum, { value }) => sum + value, 0)
  }

  /** Lines that requests left in the log. */
  get lines(): number {
    return this.#lines.filter(({ msg }) => msg === 'request').length
  }

  endings(): Endings {
    const histogram = this.#metrics
      .snapshot()
      .metrics.find(({ name }) => name === 'http.server.request.duration')
    const endings: Record<string, number> = {}
    if (histogram?.kind !== 'histogram') return endings
    for (const { labels, count } of histogram.series) {
      const ending = ['http.route', 'http.response.status_code', 'error.type']
        .map((name) => labels[name] || '-')
        .join(' ')
      // There is a series for each method.
      endings[ending] = (endings[ending] ?? 0) + count
    }
    return endings
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.server.close()
    await once(this.server, 'close')
    await this.#metrics.shutdown()
  }
}
