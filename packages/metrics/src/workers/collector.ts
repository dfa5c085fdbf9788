/**
 * The collecting side: takes the reports of workers into this thread's metrics, so that every sink shows them.
 */

import { clock } from '@kit/context'
import { Drops, type DropReason } from '../drops.ts'
import { MetricsError } from '../errors.ts'
import type { Counter } from '../instrument.ts'
import type { Metrics } from '../metrics.ts'
import { checkDuration, checkInteger, checkOptions, checkTimeout } from '../options.ts'
import type { Described, MetricSource } from '../sink.ts'
import { Catalog } from './catalog.ts'
import { listenTo, type CollectorLink, type LinkEvents, type Reporting } from './collector-link.ts'
import { compileRules, type GaugeRules } from './gauge-rule.ts'
import { Line } from './line.ts'
import type { PeerEvents, WorkerDropReason } from './peer.ts'

/** How workers are collected from. */
export interface CollectOptions {
  /**
   * How gauges that several workers have become one, by name: `{ 'pool.size': 'max', 'nodejs.eventloop': 'worker' }`.
   * A key covers the name and all names below it, the longest decides, `'*'` covers the rest; 'sum' by default.
   */
  readonly gauges?: GaugeRules | undefined
  /** How many series one worker may report; 50,000 by default. The budgets of the metrics hold besides. */
  readonly maxSeries?: number | undefined
  /** How many instruments workers may bring that nobody declared here; 2,000 by default. */
  readonly maxInstruments?: number | undefined
  /** After how many milliseconds without a report a worker counts as late; 5,000 by default. */
  readonly lateMs?: number | undefined
}

/** What is known of one worker. */
export interface WorkerOptions {
  /** The value of the label `worker`; by default the id of the thread, cluster worker or process. */
  readonly name?: string | undefined
}

/** Collects from workers until it is disposed of. */
export interface WorkerCollector extends Disposable {
  /**
   * Collects what reports from this worker: call it in the turn that starts the worker. A `Worker` of worker_threads or
   * cluster, a forked process, or a port, which then keeps the thread alive as any listener has it do. Returns a function that stops it: counts stay, gauges of the worker go.
   */
  readonly add: (worker: Reporting, options?: WorkerOptions) => () => void
  /**
   * Asks all workers for what is new and waits until it is there, at most `timeoutMs`, 1,000 by default. Resolves to
   * the number of workers that did not answer. Never rejects for what workers do.
   */
  refresh(timeoutMs?: number): Promise<number>
}

const anchor = Symbol.for('@kit/metrics/workers@1')

/** The metrics that are collected into, for all copies of this package in the process. */
const collecting = ((globalThis as { [anchor]?: WeakSet<Metrics> })[anchor] ??= new WeakSet())

/**
 * Collects the metrics of workers into these: counters and histograms add up, gauges follow a rule, and every sink
 * shows the result without knowing. What a worker counted stays when it is gone; its gauges go with it. Reports are
 * taken over as they arrive and, from threads, when a sink collects; nobody ever waits for a worker.
 *
 * Workers are not trusted: what they send is checked, bounded by the budgets of these metrics, and what cannot be
 * taken over is counted in `kit.workers.dropped` by reason (`malformed`, `conflict`, `overflow`, `flood`).
 * `kit.workers.reporting` tells how many are `live` and how many are `late`, so that a partial sum can be seen as one.
 *
 * Throws `KIT_METRIC_CONFLICT` while these metrics are collected into already, `KIT_METRIC_OPTION_UNKNOWN` and
 * `KIT_METRIC_OPTION_INVALID`, and `KIT_METRIC_SHUT_DOWN` after shutdown.
 */
export function collectWorkers(metrics: Metrics, options: CollectOptions = {}): WorkerCollector {
  checkOptions('collectWorkers', options, ['gauges', 'maxSeries', 'maxInstruments', 'lateMs'])
  const ruleOf = compileRules('collectWorkers: gauges', options.gauges)
  const maxSeries = checkInteger('collectWorkers: maxSeries', options.maxSeries, 50_000, 1)
  const maxInstruments = checkInteger('collectWorkers: maxInstruments', options.maxInstruments, 2000, 1)
  const lateMs = checkDuration('collectWorkers: lateMs', options.lateMs, 5000)
  if (collecting.has(metrics)) {
    throw new MetricsError(
      'KIT_METRIC_CONFLICT',
      'collectWorkers: these metrics collect from workers already; add workers to that collector',
    )
  }
  return new Collector(metrics, lateMs, maxSeries, (source, prefix) => {
    return new Catalog(metrics, source, ruleOf, prefix, maxInstruments)
  })
}

const droppedName = 'kit.workers.dropped'
const knownReasons: ReadonlySet<string> = new Set(new Drops().read().map(([{ reason }]) => reason))
/** So many messages of one worker are taken over within a collection; the rest when the event loop turns. */
const maxDrained = 64
/** So many reporters at once; more are refused, and count as dropped. */
const maxLines = 1024

class Collector implements WorkerCollector {
  readonly add: (worker: Reporting, options?: WorkerOptions) => () => void
  readonly #metrics: Metrics
  readonly #lateMs: number
  readonly #maxSeries: number
  readonly #dropped: Counter<'reason'>
  readonly #lines = new Set<Line>()
  readonly #workers = new Map<Reporting, () => void>()
  readonly #catalog: Catalog
  readonly #source: MetricSource
  readonly #detach: () => Promise<void>
  readonly #remove: () => void
  #questions = 0
  #unnamed = 0

  constructor(
    metrics: Metrics,
    lateMs: number,
    maxSeries: number,
    makeCatalog: (source: MetricSource, prefix: string) => Catalog,
  ) {
    this.#metrics = metrics
    this.#lateMs = lateMs
    this.#maxSeries = maxSeries
    this.#dropped = metrics.counter(droppedName, {
      labels: ['reason'],
      help: 'What workers sent that was not taken over.',
    })
    const prefix = (this.#dropped as unknown as Described).name.slice(0, -droppedName.length)
    let source: MetricSource | undefined
    this.#detach = metrics.attach({
      name: 'workers',
      start: (given) => {
        source = given
      },
      stop: async () => this.#stop(),
    })
    this.#source = source!
    this.#catalog = makeCatalog(this.#source, prefix)
    this.#remove = metrics.observable(
      'kit.workers.reporting',
      { labels: ['state'], help: 'Workers that report, and those whose report is late.' },
      () => this.#collect(),
    )
    collecting.add(metrics)
    this.add = (worker, options) => this.#add(worker, options)
  }

  async refresh(timeoutMs?: number): Promise<number> {
    const limit = checkTimeout('refresh: timeoutMs', timeoutMs, 1000)
    const question = ++this.#questions
    const answers = [...this.#lines].map((line) => line.ask(question, limit))
    return (await Promise.all(answers)).filter((isAnswered) => !isAnswered).length
  }

  [Symbol.dispose](): void {
    void this.#detach()
    this.#stop()
  }

  #add(worker: Reporting, options: WorkerOptions = {}): () => void {
    checkOptions('add', options, ['name'])
    const known = this.#workers.get(worker)
    if (known !== undefined) return known
    const name = options.name ?? nameOf(worker) ?? `port-${++this.#unnamed}`
    const lines = new Set<Line>()
    const stopListening = listenTo(worker, (link) => this.#accept(link, name, lines))
    const stop = (): void => {
      if (this.#workers.get(worker) === stop) this.#workers.delete(worker)
      stopListening()
      for (const line of lines) {
        line.drain(maxDrained)
        line.close()
      }
    }
    this.#workers.set(worker, stop)
    worker.once('exit', () => this.#workers.delete(worker))
    return stop
  }

  #accept(link: CollectorLink, name: string, lines: Set<Line>): LinkEvents | undefined {
    if (this.#lines.size >= maxLines) {
      this.#dropped.inc({ reason: 'overflow' })
      return undefined
    }
    const events: PeerEvents = {
      dropped: (reason: WorkerDropReason) => this.#dropped.inc({ reason }),
      droppedThere: (reason, amount) => {
        if (knownReasons.has(reason)) this.#source.drop(reason as DropReason, amount)
      },
    }
    const line = new Line(link, name, this.#catalog, events, this.#maxSeries)
    this.#lines.add(line)
    lines.add(line)
    return {
      message: (message) => line.receive(message),
      closed: () => {
        line.end()
        this.#lines.delete(line)
        lines.delete(line)
      },
    }
  }

  #collect(): Iterable<readonly [{ state: string }, number]> {
    const now = clock.now()
    let late = 0
    for (const line of this.#lines) {
      line.drain(maxDrained)
      if (now - line.heardAt > this.#lateMs) late++
    }
    return [
      [{ state: 'live' }, this.#lines.size - late],
      [{ state: 'late' }, late],
    ]
  }

  #stop(): void {
    if (!collecting.delete(this.#metrics)) return
    // After shutdown the numbers are final, and stay as they are.
    const isFinal = this.#source.ended
    for (const line of this.#lines) {
      if (isFinal) line.forget()
      line.close()
    }
    for (const stop of this.#workers.values()) stop()
    if (isFinal) return
    this.#remove()
    this.#catalog.close()
  }
}

function nameOf(worker: Reporting): string | undefined {
  if ('threadId' in worker) return String(worker.threadId)
  if ('id' in worker) return String(worker.id)
  return 'pid' in worker ? String(worker.pid) : undefined
}
