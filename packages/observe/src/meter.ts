/**
 * What is recorded about one named function: how often it was called, how it ended, how long it took and how
 * many calls are under way. The cells are bound when the function is wrapped or at an outcome's first
 * occurrence, so that a call touches numbers only.
 */

import type { BoundCounter, BoundGauge, BoundHistogram, Counter, Histogram, Metrics } from '@kit/metrics'
import { clock } from '@kit/context'
import type { Outcome } from './outcome.ts'

type CallLabel = 'function' | 'outcome'

/** The recording side of one wrapped function. */
export class Meter {
  readonly #name: string
  readonly #calls: Counter<CallLabel>
  readonly #duration: Histogram<CallLabel>
  readonly #active: BoundGauge
  readonly #ended: { [O in Outcome]: { calls: BoundCounter; duration: BoundHistogram } | undefined }

  constructor(name: string, metrics: Metrics) {
    this.#name = name
    this.#calls = metrics.counter('function.calls', {
      help: 'Calls of a wrapped function that have ended, by outcome.',
      labels: ['function', 'outcome'],
    })
    this.#duration = metrics.histogram('function.duration', {
      help: 'Time from the call of a wrapped function until it settled.',
      labels: ['function', 'outcome'],
      unit: 's',
    })
    this.#active = metrics
      .gauge('function.active', {
        help: 'Calls of a wrapped function that are under way.',
        labels: ['function'],
      })
      .labels({ function: name })
    this.#ended = { ok: undefined, error: undefined, canceled: undefined, deadline: undefined }
  }

  /** Opens a call; the answer is to be given back to {@link end}. */
  start(): number {
    this.#active.inc()
    return clock.now()
  }

  /** Closes a call that {@link start} opened. */
  end(startMs: number, outcome: Outcome): void {
    this.#active.dec()
    const cells = (this.#ended[outcome] ??= this.#bind(outcome))
    cells.calls.inc()
    cells.duration.observe((clock.now() - startMs) / 1000)
  }

  /** Takes back what {@link start} opened: the work has not begun after all. */
  abandon(): void {
    this.#active.dec()
  }

  #bind(outcome: Outcome): { calls: BoundCounter; duration: BoundHistogram } {
    const labels = { function: this.#name, outcome }
    return { calls: this.#calls.labels(labels), duration: this.#duration.labels(labels) }
  }
}
