/**
 * One attached sink: started, flushed and stopped under a time limit, with its failures kept to itself.
 */

import { clock, type Timer } from '@kit/context'
import { MetricsError } from './errors.ts'
import type { MetricSource, Sink } from './sink.ts'

/** What went wrong in which operation; `timeout` stands for either operation taking too long. */
export type SinkFailure = 'flush' | 'stop' | 'timeout'

/**
 * A sink that was started. Its methods never reject. With 0 ms left, an operation is started and not waited for;
 * its failure is counted whenever it comes, but that it takes time is none.
 */
export class Attachment {
  readonly sink: Sink
  readonly #onFailure: (failure: SinkFailure) => void
  #stopping: Promise<void> | undefined

  constructor(sink: Sink, onFailure: (failure: SinkFailure) => void) {
    this.sink = sink
    this.#onFailure = onFailure
  }

  /** Starts the sink; what it throws is a mistake in setting up, and passed on. */
  start(source: MetricSource): void {
    this.sink.start(source)
  }

  async flush(timeoutMs: number): Promise<void> {
    if (this.#stopping !== undefined) return this.#stopping
    return this.#limited('flush', timeoutMs, () => this.sink.flush?.(timeoutMs))
  }

  /** Flushes, then stops. Later calls return the first call's promise. */
  stop(timeoutMs: number): Promise<void> {
    this.#stopping ??= this.#flushAndStop(timeoutMs)
    return this.#stopping
  }

  async #flushAndStop(timeoutMs: number): Promise<void> {
    const until = clock.now() + timeoutMs
    await this.#limited('flush', timeoutMs, () => this.sink.flush?.(timeoutMs))
    const left = Math.max(0, until - clock.now())
    await this.#limited('stop', left, () => this.sink.stop?.(left))
  }

  #limited(
    operation: 'flush' | 'stop',
    timeoutMs: number,
    run: () => Promise<void> | undefined,
  ): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | undefined
      let settled = false
      const settle = (failure?: SinkFailure): void => {
        if (settled) return
        settled = true
        timer?.cancel()
        if (failure !== undefined) this.#onFailure(failure)
        resolve()
      }
      if (timeoutMs === 0) resolve()
      else if (timeoutMs < Infinity) {
        // Kept alive on purpose: whoever awaits a flush at exit must get an answer. It is bounded.
        timer = clock.setTimer(timeoutMs, () => settle('timeout'), { ref: true })
      }
      try {
        Promise.resolve(run()).then(
          () => settle(),
          () => settle(operation),
        )
      } catch {
        settle(operation)
      }
    })
  }
}

/** Throws `KIT_METRIC_SINK_INVALID` unless `sink` has the shape of one. */
export function checkSink(sink: unknown): asserts sink is Sink {
  const candidate = sink as Partial<Sink> | null | undefined
  if (typeof candidate?.start === 'function' && typeof candidate.name === 'string' && candidate.name !== '')
    return
  throw new MetricsError('KIT_METRIC_SINK_INVALID', 'attach: a sink has a name and a start(source) method')
}
