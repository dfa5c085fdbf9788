/**
 * The worker's side: a sink that reports to the thread or process that collects.
 */

import { parentPort, type MessagePort } from 'node:worker_threads'
import { clock, type Timer } from '@kit/context'
import { MetricsError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { checkDuration, checkOptions } from '../options.ts'
import type { MetricSource, Sink } from '../sink.ts'
import { Encoder } from './encoder.ts'
import type { Part, Reply } from './protocol.ts'
import { linkToPort, linkToProcess, type ProcessChannel, type ReporterLink } from './reporter-link.ts'

/** How a worker reports. */
export interface ReportOptions {
  /**
   * How often, in milliseconds; 500 by default. It bounds what is lost when the worker is killed: what was recorded
   * since the last report. Costs a look at every series each time, some 50 ns.
   */
  readonly intervalMs?: number | undefined
}

/** Where a worker reports to: `parentPort`, any other port, or `process` where that was forked. */
export type ReportTarget = MessagePort | ProcessChannel

/**
 * Reports these metrics to whoever collects at the other end: at once, every `intervalMs`, when asked, on `flush` and
 * `shutdown`, and at the exit of the thread or process. What was reported stays counted there, whatever happens here.
 *
 * `to` is `parentPort` in a worker thread and `process` in a forked process by default. On both the user's own messages
 * coexist; the collector gets a port of its own through the first. One report is under way at a time: while the
 * collector is busy, what happens here adds up. Nothing keeps the thread or process alive. In a forked process,
 * attach a `message` listener of your own in the same turn, since Node hands out what came before only once.
 *
 * Returns a function that reports a last time and ends it. Throws `KIT_METRIC_OPTION_UNKNOWN` and
 * `KIT_METRIC_OPTION_INVALID`, the latter also where there is nobody to report to.
 */
export function reportTo(
  metrics: Metrics,
  to: ReportTarget | null = defaultTarget(),
  options: ReportOptions = {},
): () => Promise<void> {
  checkOptions('reportTo', options, ['intervalMs'])
  const intervalMs = checkDuration('reportTo: intervalMs', options.intervalMs, 500)
  if (!isPort(to) && !isProcess(to)) {
    throw new MetricsError(
      'KIT_METRIC_OPTION_INVALID',
      'reportTo: needs a MessagePort, or a process with a channel to its parent; the main thread has neither',
    )
  }
  return metrics.attach(new Reporter(to, intervalMs))
}

function defaultTarget(): ReportTarget | null {
  return parentPort ?? process
}

function isPort(to: ReportTarget | null): to is MessagePort {
  return typeof (to as MessagePort | null)?.postMessage === 'function'
}

function isProcess(to: ReportTarget | null): to is ProcessChannel {
  return typeof (to as ProcessChannel | null)?.send === 'function'
}

/** How many intervals to wait for an acknowledgement before saying everything again; doubled each time. */
const patience = 10
/** A flush waits no longer for an acknowledgement. */
const maxFlushMs = 1000

class Reporter implements Sink {
  readonly name = 'workers'
  readonly #to: ReportTarget
  readonly #intervalMs: number
  readonly #waiting = new Set<{ readonly report: number; readonly done: () => void }>()
  readonly #onExit = (): void => this.#send()
  readonly #onBeforeExit = (): void => this.#send()
  #encoder: Encoder | undefined
  #link: ReporterLink | undefined
  #timer: Timer | undefined
  /** The number of the latest message. */
  #latest = 0
  /** The report that is under way, and since when. */
  #pending: { readonly report: number; readonly since: number } | undefined
  #patienceMs: number

  constructor(to: ReportTarget, intervalMs: number) {
    this.#to = to
    this.#intervalMs = intervalMs
    this.#patienceMs = intervalMs * patience
  }

  start(source: MetricSource): void {
    const events = {
      reply: (reply: Reply): void => this.#receive(reply),
      closed: (): void => this.#end(),
    }
    this.#encoder = new Encoder(source)
    this.#link = isPort(this.#to) ? linkToPort(this.#to, events) : linkToProcess(this.#to, events)
    process.on('exit', this.#onExit)
    // A process may still wait here until its channel took all; at the exit it takes what fits into its buffer.
    process.once('beforeExit', this.#onBeforeExit)
    this.#send()
    this.#schedule()
  }

  async flush(timeoutMs: number): Promise<void> {
    this.#send()
    const report = this.#latest
    if (timeoutMs === 0 || this.#link === undefined) return
    await new Promise<void>((resolve) => {
      const waiter = {
        report,
        done: () => {
          timer.cancel()
          this.#waiting.delete(waiter)
          resolve()
        },
      }
      const timer = clock.setTimer(Math.min(timeoutMs, maxFlushMs), () => waiter.done(), { ref: true })
      this.#waiting.add(waiter)
    })
  }

  async stop(): Promise<void> {
    this.#end()
  }

  #schedule(): void {
    this.#timer = clock.setTimer(this.#intervalMs, () => {
      this.#tick()
      if (this.#link !== undefined) this.#schedule()
    })
  }

  #tick(): void {
    if (this.#pending !== undefined) {
      if (clock.now() - this.#pending.since < this.#patienceMs) return
      this.#patienceMs *= 2
      this.#encoder?.resync()
    }
    this.#send()
  }

  #send(answers?: number): void {
    if (this.#encoder === undefined || this.#link === undefined) return
    const parts = this.#encoder.encode()
    const last = parts.pop() ?? emptyPart()
    for (const part of parts) this.#link.post({ ...part, sequence: ++this.#latest, isLast: false })
    const sequence = ++this.#latest
    this.#link.post({ ...last, sequence, isLast: true, ...(answers === undefined ? {} : { answers }) })
    this.#pending = { report: sequence, since: clock.now() }
  }

  #receive({ got, resync, ask }: Reply): void {
    if (resync === true) this.#encoder?.resync()
    if (got !== undefined && this.#pending !== undefined && got >= this.#pending.report) {
      this.#pending = undefined
      this.#patienceMs = this.#intervalMs * patience
    }
    for (const waiter of this.#waiting) if (got !== undefined && got >= waiter.report) waiter.done()
    if (ask !== undefined) this.#send(ask)
  }

  #end(): void {
    this.#timer?.cancel()
    process.off('exit', this.#onExit)
    process.off('beforeExit', this.#onBeforeExit)
    const link = this.#link
    this.#link = undefined
    link?.close()
    for (const waiter of this.#waiting) waiter.done()
  }
}

function emptyPart(): Part {
  return { instruments: [], series: [], numbers: new Float64Array(), exemplars: [], gone: [] }
}
