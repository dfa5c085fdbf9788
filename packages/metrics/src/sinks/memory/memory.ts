/**
 * The memory sink: the last minute of all metrics inside the process, for debugging, for a live page, and for
 * services that nobody scrapes. The idea is go-metrics' in-memory sink; intervals here end by a timer, so idle
 * processes close theirs too, and statistics stay exact for values that are large and close together.
 */

import { clock, type Context, type Timer } from '@kit/context'
import { MetricsError } from '../../errors.ts'
import { checkDuration, checkOptions } from '../../options.ts'
import type { MetricSource, Sink } from '../../sink.ts'
import { takeSnapshot } from '../../snapshot.ts'
import { answerHeaders, plainAnswer } from '../answer.ts'
import type { MemoryData, MemoryInterval } from './data.ts'
import { dumpText } from './dump.ts'
import { Recorder } from './recorder.ts'

/** How long the memory is. */
export interface MemoryOptions {
  /** The length of an interval in milliseconds; 10,000 by default. */
  readonly intervalMs?: number | undefined
  /** How long closed intervals are kept in milliseconds; 60,000 by default, at least `intervalMs`. */
  readonly retainMs?: number | undefined
}

/** How a dump leaves the process. */
export interface DumpOptions {
  /** Takes the text; writes to standard error by default. */
  readonly write?: ((text: string) => void) | undefined
}

/**
 * A sink that keeps intervals in memory: at most `retainMs / intervalMs` closed ones, each with the series that
 * were active in it. While it is attached, an observation costs one more call.
 *
 * The first interval holds everything recorded before the sink was attached as far as counters go; the
 * statistics of histograms begin with the attachment, their totals do not.
 */
export interface MemorySink extends Sink {
  /** The retained intervals, the running one, and the totals. Throws `KIT_METRIC_SINK_DETACHED` before `attach`. */
  data(): MemoryData
  /**
   * Each interval as it closes, until the context is done or the sink stops; the last one may then be shorter. A
   * reader that is slower than the memory is long misses intervals: `sequence` jumps, and each is counted as
   * dropped (`stream_lag`). No buffer is kept for readers.
   */
  stream(ctx: Context): AsyncIterable<MemoryInterval>
  /** Answers GET and HEAD with `data()` as JSON, 405 for other methods, 503 before `attach`. Never rejects. */
  readonly handler: (request: Request) => Promise<Response>
  /**
   * Writes `data()` as text whenever the process gets the signal, SIGUSR2 by default; returns the removal. The
   * listener does not keep the process alive. SIGUSR1 throws `KIT_METRIC_OPTION_INVALID`: Node opens its debugger.
   */
  dumpOn(signal?: NodeJS.Signals, options?: DumpOptions): () => void
}

/** Creates a memory sink. Throws `KIT_METRIC_OPTION_INVALID` for times that make no memory. */
export function memory(options: MemoryOptions = {}): MemorySink {
  checkOptions('memory', options, ['intervalMs', 'retainMs'])
  const intervalMs = checkDuration('memory: intervalMs', options.intervalMs, 10_000)
  const retainMs = checkDuration('memory: retainMs', options.retainMs, Math.max(60_000, intervalMs))
  if (retainMs < intervalMs) {
    throw new MetricsError('KIT_METRIC_OPTION_INVALID', 'memory: retainMs must be at least intervalMs')
  }
  return new Memory(intervalMs, Math.floor(retainMs / intervalMs))
}

class Memory implements MemorySink {
  readonly name = 'memory'
  readonly handler: (request: Request) => Promise<Response>
  readonly #intervalMs: number
  readonly #retained: number
  readonly #closed: MemoryInterval[] = []
  readonly #waiting = new Set<() => void>()
  #source: MetricSource | undefined
  #recorder: Recorder | undefined
  #timer: Timer | undefined
  #sequence = 0
  #startedAt = 0
  #startTime = 0
  #nextTurn = 0

  constructor(intervalMs: number, retained: number) {
    this.#intervalMs = intervalMs
    this.#retained = retained
    this.handler = async (request) => this.#handle(request)
  }

  start(source: MetricSource): void {
    if (this.#source !== undefined) {
      throw new MetricsError(
        'KIT_METRIC_SINK_INVALID',
        'memory: this sink was attached already; create another',
      )
    }
    this.#source = source
    this.#recorder = new Recorder(source)
    this.#nextTurn = clock.now()
    this.#begin()
    this.#schedule()
  }

  async stop(): Promise<void> {
    if (this.#timer === undefined) return
    this.#timer.cancel()
    this.#timer = undefined
    this.#close()
    this.#recorder?.stop()
    this.#wake()
  }

  data(): MemoryData {
    const source = this.#source
    if (source === undefined) {
      throw new MetricsError(
        'KIT_METRIC_SINK_DETACHED',
        'memory: this sink is not attached; call metrics.attach(sink)',
      )
    }
    const intervals = this.#timer === undefined ? this.#closed : [...this.#closed, this.#read(false)]
    return { intervals: [...intervals], totals: takeSnapshot(source) }
  }

  async *stream(ctx: Context): AsyncGenerator<MemoryInterval, void, void> {
    let next = this.#sequence
    while (ctx.err === undefined) {
      const oldest = this.#closed[0]?.sequence ?? this.#sequence
      if (next < oldest) {
        this.#source?.drop('stream_lag', oldest - next)
        next = oldest
      }
      const interval = this.#closed.find(({ sequence }) => sequence === next)
      if (interval !== undefined) {
        next++
        yield interval
      } else {
        if (this.#source !== undefined && this.#timer === undefined) return
        // oxlint-disable-next-line no-await-in-loop -- one interval after the other is what a stream is
        await this.#nextClose(ctx)
      }
    }
  }

  dumpOn(signal: NodeJS.Signals = 'SIGUSR2', options: DumpOptions = {}): () => void {
    checkOptions('dumpOn', options, ['write'])
    if (signal === 'SIGUSR1') {
      throw new MetricsError(
        'KIT_METRIC_OPTION_INVALID',
        'dumpOn: Node opens its debugger on SIGUSR1; use SIGUSR2',
      )
    }
    const write = options.write ?? ((text) => void process.stderr.write(text))
    const listener = (): void => {
      if (this.#source !== undefined) write(dumpText(this.data()))
    }
    process.on(signal, listener)
    return () => {
      process.off(signal, listener)
    }
  }

  #handle(request: Request): Response {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return plainAnswer(405, 'Use GET', { allow: 'GET, HEAD' })
    }
    if (this.#source === undefined) return plainAnswer(503, 'The memory sink is not attached')
    const headers = { 'content-type': 'application/json; charset=utf-8', ...answerHeaders }
    const body = request.method === 'HEAD' ? null : JSON.stringify(this.data())
    return new Response(body, { headers })
  }

  #begin(): void {
    this.#startedAt = clock.now()
    this.#startTime = clock.wallTime()
  }

  /** Turns stay on the grid of the first one, however late timers fire. */
  #schedule(): void {
    const now = clock.now()
    this.#nextTurn += this.#intervalMs
    if (this.#nextTurn <= now) this.#nextTurn = now + this.#intervalMs
    this.#timer = clock.setTimer(this.#nextTurn - now, () => {
      this.#close()
      this.#begin()
      this.#schedule()
      this.#wake()
    })
  }

  #close(): void {
    this.#closed.push(this.#read(true))
    if (this.#closed.length > this.#retained) this.#closed.shift()
    this.#recorder?.turn()
    this.#sequence++
  }

  #read(closed: boolean): MemoryInterval {
    const durationMs = clock.now() - this.#startedAt
    const { counters, gauges, histograms } = this.#recorder!.read(durationMs)
    return {
      sequence: this.#sequence,
      start: this.#startTime,
      durationMs,
      closed,
      counters,
      gauges,
      histograms,
    }
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  #nextClose(ctx: Context): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        stop()
        this.#waiting.delete(wake)
        resolve()
      }
      const stop = ctx.afterFunc(wake)
      this.#waiting.add(wake)
    })
  }
}
