/**
 * The event loop: how late it runs its timers, and how much of the time it is busy.
 */

import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { clock, type Timer } from '@kit/context'
import type { Metrics } from '../metrics.ts'

interface Delay {
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly stddev: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

const parts = {
  min: 'Shortest delay of the event loop in the last window.',
  max: 'Longest delay of the event loop in the last window.',
  mean: 'Mean delay of the event loop in the last window.',
  stddev: 'Standard deviation of the delay of the event loop in the last window.',
  p50: 'Median delay of the event loop in the last window.',
  p90: '90th percentile of the delay of the event loop in the last window.',
  p99: '99th percentile of the delay of the event loop in the last window.',
} as const

/**
 * Declares `nodejs.eventloop.delay.*`, `nodejs.eventloop.utilization` and `nodejs.eventloop.time`. Delays are of
 * the last complete window, or of the running one until the first is complete. The sampling interval is taken
 * off, so that an idle loop shows about 0.
 */
export function watchEventLoop(metrics: Metrics, resolutionMs: number, windowMs: number): () => void {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  const read = (): Delay | undefined => {
    if (histogram.count === 0) return undefined
    const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds - resolutionMs * 1e6) / 1e9
    return {
      min: seconds(histogram.min),
      max: seconds(histogram.max),
      mean: seconds(histogram.mean),
      stddev: histogram.stddev / 1e9,
      p50: seconds(histogram.percentile(50)),
      p90: seconds(histogram.percentile(90)),
      p99: seconds(histogram.percentile(99)),
    }
  }
  let last: Delay | undefined
  let timer: Timer
  const roll = (): void => {
    last = read() ?? last
    histogram.reset()
    timer = clock.setTimer(windowMs, roll)
  }
  timer = clock.setTimer(windowMs, roll)

  const stops = Object.entries(parts).map(([part, help]) =>
    metrics.observable(`nodejs.eventloop.delay.${part}`, { unit: 's', help }, () => {
      const delay = last ?? read()
      return delay === undefined ? [] : delay[part as keyof Delay]
    }),
  )

  const { eventLoopUtilization } = performance
  const beginning = eventLoopUtilization()
  stops.push(
    metrics.observable(
      'nodejs.eventloop.utilization',
      { unit: '1', help: 'Share of the time the event loop was busy since observation began.' },
      () => eventLoopUtilization(beginning).utilization,
    ),
    metrics.observable(
      'nodejs.eventloop.time',
      {
        kind: 'counter',
        unit: 's',
        labels: ['nodejs.eventloop.state'],
        help: 'Time the event loop was active or idle since observation began.',
      },
      () => {
        const { active, idle } = eventLoopUtilization(beginning)
        return [
          [{ 'nodejs.eventloop.state': 'active' }, active / 1000],
          [{ 'nodejs.eventloop.state': 'idle' }, idle / 1000],
        ]
      },
    ),
  )
  return () => {
    timer.cancel()
    histogram.disable()
    for (const stop of stops) stop()
  }
}
