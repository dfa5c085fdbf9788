/** What tests read from a snapshot about one wrapped function. */

import type { Metrics, NumberPoint } from '@kit/metrics'

/** Calls by outcome, as the counter and as the histogram have them, calls under way, and failures by kind. */
export interface Readings {
  readonly calls: Readonly<Record<string, number>>
  readonly timed: Readonly<Record<string, number>>
  readonly errors: Readonly<Record<string, number>>
  readonly active: number
  readonly seconds: number
}

/** Reads a snapshot; of series that differ in further labels, the sum. */
export function readingsOf(metrics: Metrics, name: string): Readings {
  const calls: Record<string, number> = {}
  const timed: Record<string, number> = {}
  const errors: Record<string, number> = {}
  let active = 0
  let seconds = 0
  for (const metric of metrics.snapshot().metrics) {
    for (const point of metric.series) {
      if (point.labels['function'] !== name) continue
      const outcome = point.labels['outcome'] ?? ''
      if ('count' in point) {
        timed[outcome] = (timed[outcome] ?? 0) + point.count
        seconds += point.sum
      } else if (metric.name === 'function.calls') calls[outcome] = (calls[outcome] ?? 0) + point.value
      else if (metric.name === 'function.errors') errors[point.labels['error.type'] ?? ''] = point.value
      else active += point.value
    }
  }
  return { calls, timed, errors, active, seconds }
}

/** The series of `function.calls`, as labels and value. */
export function callSeries(metrics: Metrics): { labels: Readonly<Record<string, string>>; value: number }[] {
  const found = metrics.snapshot().metrics.find(({ name }) => name === 'function.calls')
  return (found?.series ?? []).map((point) => ({ labels: point.labels, value: (point as NumberPoint).value }))
}
