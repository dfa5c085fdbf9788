/**
 * The orderly end of a service: not ready at once, no new connections, what was begun is finished or cut when the time is
 * up, the last numbers are scraped, sinks and log are flushed. Every step is bounded, so it always ends.
 */

import type { Context, Timer } from '@kit/context'
import { background, clock, race } from '@kit/context'
import type { Logger } from '@kit/log'
import { defaultLogger } from '@kit/log'
import type { Metrics } from '@kit/metrics'
import { metrics as defaultMetrics } from '@kit/metrics'
import type { AdminServer } from './admin-server.ts'
import type { DrainableServer, DrainedRequests } from './drain-server.ts'
import { ServerWatch } from './drain-server.ts'
import { HttpError } from './errors.ts'
import { rejectUnknown } from './options.ts'
import { Hurry } from './hurry.ts'

/** Options of {@link drain}. All times are ms. */
export interface DrainOptions {
  /** The application's servers, of any framework. */
  servers?: readonly DrainableServer[]
  /** Shows at `/readyz` that no more is to be sent here, serves the last scrape, and is closed last. */
  admin?: AdminServer
  /** Is shut down when nothing more can happen. Default: the process-wide metrics. */
  metrics?: Metrics
  /** Tells of the drain, and is flushed at the end. Default: the process-wide logger. */
  log?: Logger
  /** Closes what the requests needed: pools, consumers, timers. Called when they are through; may return a promise. */
  close?: () => unknown
  /** Called first of all, at once: to say elsewhere that the service is going. */
  onStart?: (cause: unknown) => unknown
  /** How long to go on accepting once not ready, until load balancers have noticed. Default: 0. */
  notReadyMs?: number
  /** How long requests may take to end after that. Default: 10,000. */
  graceMs?: number
  /** How long `close` may take. Default: 5,000. */
  closeMs?: number
  /** How long to wait for one more scrape of the admin server, if there ever was one. Default: 5,000. */
  scrapeMs?: number
  /** How long sinks may take to deliver, and the log to be written: each. Default: 2,000. */
  flushMs?: number
}

/** What a drain came to. */
export interface DrainReport {
  /** Why it began: the cause of the context, so the name of the signal with `notify`. */
  readonly cause: unknown
  /** Nothing was cut off and nothing failed. */
  readonly clean: boolean
  readonly requests: Readonly<DrainedRequests>
  /** Connections that were open when the time was up, upgraded ones included. */
  readonly connectionsCut: number
  /** Whether the admin server sent a page of metrics when all was done; undefined where none was to be expected. */
  readonly scraped: boolean | undefined
  /** A second signal cut the waiting short. */
  readonly hurried: boolean
  /** What failed, by step: `start`, `servers`, `close`, `metrics`, `log`, `admin`. */
  readonly errors: readonly { readonly step: string; readonly error: unknown }[]
  readonly durationMs: number
}

/**
 * Waits for the end of `ctx`, normally `notify(background)`, and then ends the service, in this order:
 *
 * 1. `/readyz` turns 503 and every answer carries `connection: close`; `onStart` is called
 * 2. `notReadyMs` later the servers stop accepting, and idle connections are closed
 * 3. requests end by themselves, under their own deadlines; those that have not after `graceMs` are answered with 503,
 *    and what is open then is cut
 * 4. `close` is called; then one more scrape is waited for, and the metrics are shut down
 * 5. a line `drained` is logged, the log is flushed, the admin server is closed
 *
 * Resolves with a report; never rejects, and takes at most the sum of its times and four seconds. Exit the process
 * then. Call it before the servers listen: of connections that are older it knows less. A second SIGINT or SIGTERM while
 * it drains cuts every wait short; one within half a second of the first is its echo (a terminal and a launcher both pass
 * it on) and ignored; a third ends the process as usual. The process is kept alive from the first signal on.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`, `KIT_HTTP_OPTION_INVALID`.
 */
export function drain(ctx: Context, options: DrainOptions = {}): Promise<DrainReport> {
  const resolved = resolveDrainOptions(options)
  const watches = resolved.servers.map((server) => new ServerWatch(server))
  return new Promise((resolve) => {
    ctx.afterFunc(() => resolve(new Drain(ctx.cause, resolved, watches).run()))
  })
}

type Resolved = Required<Omit<DrainOptions, 'admin'>> & Pick<DrainOptions, 'admin'>

const times = { notReadyMs: 0, graceMs: 10_000, closeMs: 5000, scrapeMs: 5000, flushMs: 2000 }

function resolveDrainOptions(options: DrainOptions): Resolved {
  const known = ['servers', 'admin', 'metrics', 'log', 'close', 'onStart', ...Object.keys(times)]
  rejectUnknown('', options, known)
  const resolved: Resolved = {
    servers: [],
    metrics: defaultMetrics,
    log: options.log ?? defaultLogger(),
    close: nothing,
    onStart: nothing,
    ...times,
    ...options,
  }
  for (const name of Object.keys(times) as (keyof typeof times)[]) {
    if (resolved[name] >= 0) continue
    throw new HttpError(
      'KIT_HTTP_OPTION_INVALID',
      `drain: ${name} must be a number of milliseconds, 0 or more.`,
    )
  }
  for (const server of resolved.servers) {
    if (typeof server?.close === 'function') continue
    throw new HttpError('KIT_HTTP_OPTION_INVALID', 'drain: servers must be servers, with a close function.')
  }
  return resolved
}

/** How long the answers to what did not end in time may take to be sent. */
const refusingMs = 250

/** How long connections that were destroyed may take to say so. */
const closingMs = 1000

class Drain {
  readonly #cause: unknown
  readonly #options: Resolved
  readonly #watches: readonly ServerWatch[]
  readonly #errors: { step: string; error: unknown }[]
  readonly #hurry: Hurry
  readonly #startMs: number
  #connectionsCut: number
  #scraped: boolean | undefined

  constructor(cause: unknown, options: Resolved, watches: readonly ServerWatch[]) {
    this.#cause = cause
    this.#options = options
    this.#watches = watches
    this.#errors = []
    this.#hurry = new Hurry()
    this.#startMs = clock.now()
    this.#connectionsCut = 0
    this.#scraped = undefined
  }

  async run(): Promise<DrainReport> {
    const alive: Timer = clock.setTimer(Infinity, nothing, { ref: true })
    const { admin, metrics, log, close, onStart, closeMs, flushMs } = this.#options
    try {
      admin?.notReady()
      for (const watch of this.#watches) watch.begin()
      await this.#step('start', closeMs, () => onStart(this.#cause))
      log.info({ cause: this.#cause, inFlight: this.#requests().inFlight }, 'draining')
      await this.#closeServers()
      await this.#step('close', closeMs, close)
      await this.#lastScrape()
      await this.#step('metrics', flushMs, () => metrics.shutdown(flushMs))
      this.#tell()
      await this.#step('log', flushMs, () => log.flush(flushMs))
      await this.#step('admin', closingMs * 2, () => admin?.close(closingMs))
      return this.#report()
    } finally {
      this.#hurry.end()
      alive.cancel()
    }
  }

  async #closeServers(): Promise<void> {
    const { notReadyMs, graceMs } = this.#options
    if (notReadyMs > 0) await this.#within(notReadyMs, new Promise(nothing))
    const closed = Promise.all(
      this.#watches.map((watch) => this.#step('servers', Infinity, () => watch.close())),
    )
    if (await this.#within(graceMs, closed)) return
    for (const watch of this.#watches) watch.refuse()
    if (await within(background, refusingMs, closed)) return
    for (const watch of this.#watches) this.#connectionsCut += watch.cut()
    await this.#step('servers', closingMs, () => closed)
  }

  async #lastScrape(): Promise<void> {
    const { admin, scrapeMs } = this.#options
    if (admin === undefined || admin.scrapes === 0 || scrapeMs === 0) return
    this.#scraped = await this.#within(scrapeMs, admin.nextScrape())
  }

  /** Does a step within its time. What fails is kept for the report, and stops nothing. */
  async #step(step: string, limitMs: number, fn: () => unknown): Promise<void> {
    // Steps that were begun are not hurried: they are short, and they save what was counted and logged.
    const ctx = background.withTimeout(limitMs, `the ${step} step of a drain`)
    try {
      await race(ctx, (async () => fn())())
    } catch (error) {
      this.#errors.push({ step, error })
    } finally {
      ctx.cancel('done')
    }
  }

  /** Whether `promise` came about within `limitMs`, and before somebody was in a hurry. */
  #within(limitMs: number, promise: Promise<unknown>): Promise<boolean> {
    return within(this.#hurry.ctx, limitMs, promise)
  }

  #requests(): DrainedRequests {
    const total: DrainedRequests = { inFlight: 0, arrived: 0, ended: 0, cut: 0 }
    for (const { requests } of this.#watches) {
      total.inFlight += requests.inFlight
      total.arrived += requests.arrived
      total.ended += requests.ended
      total.cut += requests.cut
    }
    return total
  }

  #tell(): void {
    const { log } = this.#options
    const { cause, clean, requests, connectionsCut, hurried, durationMs, errors } = this.#report()
    const fields = { cause, requests, connectionsCut, hurried, durationMs: Math.round(durationMs) }
    for (const { step, error } of errors) log.error({ step, err: error }, 'drain step failed')
    log[clean ? 'info' : 'warn'](fields, 'drained')
  }

  #report(): DrainReport {
    const requests = this.#requests()
    return {
      cause: this.#cause,
      clean: requests.cut === 0 && this.#connectionsCut === 0 && this.#errors.length === 0,
      requests,
      connectionsCut: this.#connectionsCut,
      scraped: this.#scraped,
      hurried: this.#hurry.ctx.err !== undefined,
      errors: [...this.#errors],
      durationMs: clock.now() - this.#startMs,
    }
  }
}

async function within(parent: Context, limitMs: number, promise: Promise<unknown>): Promise<boolean> {
  const ctx = parent.withTimeout(limitMs)
  try {
    await race(ctx, promise)
    return true
  } catch {
    return false
  } finally {
    ctx.cancel('done')
  }
}

function nothing(): void {}
