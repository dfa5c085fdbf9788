/**
 * The StatsD sink: sends what happened since the last flush, one line a series, over hot-shots.
 */

import { clock, type Timer } from '@kit/context'
import { MetricsError } from '../../errors.ts'
import type { MetricSource, Sink } from '../../sink.ts'
import type { Carrier } from './client.ts'
import { dialectOf, type Dialect } from './dialects.ts'
import type { Frame } from './names.ts'
import { checkDialect, resolveOptions, type Resolved, type StatsdOptions } from './options.ts'
import { Outbox, type StatsdStats } from './outbox.ts'
import { packetBytesFor } from './packet.ts'
import { Plan } from './plan.ts'

/**
 * A sink that sends to a StatsD server every `intervalMs`, at `metrics.flush()` and when it stops.
 *
 * Counters go as what was added since they were last sent, gauges as they are, histograms as raw samples. Only what the
 * socket took counts as sent: what fails, is withheld or cannot be resolved stays due, in no more memory than the
 * series themselves take, and leaves with the next flush that works. What the network loses after that is lost; UDP
 * does not tell.
 *
 * Recording costs nothing more but for histograms, where an observation costs one call into a bounded choice of samples.
 * A flush that fails, at `metrics.flush()`, counts in `kit.metrics.sink.errors`.
 */
export interface StatsdSink extends Sink {
  /** What was sent since the sink was attached; all zero before. */
  stats(): StatsdStats
}

/**
 * Creates a StatsD sink; attach it to the metrics that it shall send. Throws `KIT_METRIC_OPTION_INVALID` and
 * `KIT_METRIC_OPTION_UNKNOWN` for options that do not fit; attaching throws the former where hot-shots is not installed
 * and no client is given. A server that does not answer, or does not exist, never throws.
 */
export function statsd(options: StatsdOptions = {}): StatsdSink {
  return new Statsd(resolveOptions(options))
}

/** How often and how long apart a last flush is tried again. */
const lastAttempts = 5
const lastPauseMs = 200
/** How long a socket is left open after `stop(0)` for what it has not taken yet. */
const leastGraceMs = 1000

const noStats: StatsdStats = {
  packets: 0,
  lines: 0,
  bytes: 0,
  errors: 0,
  withheld: 0,
  tooLong: 0,
  underway: 0,
}

class Statsd implements StatsdSink {
  readonly name = 'statsd'
  readonly #options: Resolved
  #source: MetricSource | undefined
  #carrier: Carrier | undefined
  #plan: Plan | undefined
  #outbox: Outbox | undefined
  #timer: Timer | undefined
  #nextFlush = 0
  #stopped: Promise<void> | undefined

  constructor(options: Resolved) {
    this.#options = options
  }

  start(source: MetricSource): void {
    if (this.#source !== undefined) {
      throw new MetricsError(
        'KIT_METRIC_SINK_INVALID',
        'statsd: this sink was attached already; create another',
      )
    }
    const { connect, dialect, samples, sampleType, random, maxPacketBytes, maxQueueBytes } = this.#options
    const carrier = connect()
    checkDialect(this.#options, dialect ?? carrier.dialect)
    const spoken = dialectOf(dialect ?? carrier.dialect, carrier.protocol === 'tcp')
    this.#source = source
    this.#carrier = carrier
    this.#plan = new Plan(source, frameOf(this.#options, carrier, spoken), {
      size: samples,
      type: sampleType,
      random,
    })
    const packetBytes = maxPacketBytes ?? packetBytesFor(carrier.protocol, carrier.loopback)
    this.#outbox = new Outbox(source, this.#plan, carrier, packetBytes, maxQueueBytes)
    this.#nextFlush = clock.now()
    this.#schedule()
  }

  async flush(timeoutMs: number): Promise<void> {
    if (this.#stopped !== undefined || this.#outbox === undefined) return
    if (!(await this.#outbox.send(timeoutMs === 0))) {
      throw new Error('statsd: not everything could be sent; it stays due')
    }
  }

  stop(timeoutMs: number): Promise<void> {
    this.#stopped ??= this.#end(timeoutMs)
    return this.#stopped
  }

  stats(): StatsdStats {
    return this.#outbox?.stats() ?? noStats
  }

  /** Flushes stay on the grid of the first one, however late timers fire. */
  #schedule(): void {
    const { intervalMs } = this.#options
    const now = clock.now()
    this.#nextFlush += intervalMs
    if (this.#nextFlush <= now) this.#nextFlush = now + intervalMs
    this.#timer = clock.setTimer(this.#nextFlush - now, () => {
      void this.#outbox?.send(false)
      this.#schedule()
    })
  }

  async #end(timeoutMs: number): Promise<void> {
    const outbox = this.#outbox
    if (outbox === undefined) return
    this.#timer?.cancel()
    const until = clock.now() + Math.max(timeoutMs, leastGraceMs)
    let sent = await within(until, outbox.send(timeoutMs === 0))
    for (let attempt = 1; !sent && attempt < lastAttempts && clock.now() + lastPauseMs < until; attempt++) {
      await pause(lastPauseMs)
      sent = await within(until, outbox.send(timeoutMs === 0))
    }
    outbox.stop()
    this.#plan?.stop()
    const due = this.#plan?.due() ?? 0
    if (due > 0) this.#source?.drop('undelivered', due)
    this.#carrier?.close()
    if (!sent) throw new Error('statsd: not everything could be sent')
  }
}

function frameOf({ prefix, labels }: Resolved, carrier: Carrier, dialect: Dialect): Frame {
  const shared = dialect.dotted ? [] : carrier.tags.map((tag) => pairOf(tag, dialect))
  const own = labels.filter(([, value]) => value !== '').map(([name, value]) => pair(name, value, dialect))
  const names = new Set(own.map(([name]) => name))
  return {
    dialect,
    prefix: affix(carrier.prefix) + prefix,
    suffix: affix(carrier.suffix),
    labels: [...shared.filter(([name]) => !names.has(name)), ...own],
    fields: carrier.dialect === 'dogstatsd' ? carrier.fields : '',
  }
}

/** A tag of the client's, `name:value` or a name alone. */
function pairOf(tag: string, dialect: Dialect): readonly [string, string] {
  const colon = tag.indexOf(':')
  return colon === -1 ? [dialect.label(tag), ''] : pair(tag.slice(0, colon), tag.slice(colon + 1), dialect)
}

function pair(name: string, value: string, dialect: Dialect): readonly [string, string] {
  const label = dialect.label(name)
  return [label, dialect.value(value, label)]
}

function affix(text: string): string {
  return text.replace(/[^A-Za-z0-9_.-]/g, '_')
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve)
  })
}

/** What a round came to, or false when it has come to nothing by then. */
function within(until: number, round: Promise<boolean>): Promise<boolean> {
  if (until === Infinity) return round
  return new Promise((resolve) => {
    const timer = clock.setTimer(until - clock.now(), () => resolve(false))
    const settle = (sent: boolean): void => {
      timer.cancel()
      resolve(sent)
    }
    void round.then(settle)
  })
}
