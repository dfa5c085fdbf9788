/**
 * Metrics of the runtime itself: event loop, garbage collection, heap, process. Names follow the OpenTelemetry
 * semantic conventions for Node.js, V8 and processes where they have one.
 */

import { MetricsError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { checkInteger, checkOptions } from '../options.ts'
import { watchEventLoop } from './event-loop.ts'
import { watchGarbageCollection } from './garbage-collection.ts'
import { watchHeap } from './heap.ts'
import { watchProcess } from './process.ts'

/** How the runtime is observed. */
export interface RuntimeOptions {
  /** How often the event loop's delay is sampled, in milliseconds; 10 by default. Each sample wakes the loop. */
  readonly eventLoopResolutionMs?: number | undefined
  /** Over how many milliseconds the delay's quantiles are taken; 10,000 by default. */
  readonly eventLoopWindowMs?: number | undefined
}

const anchor = Symbol.for('@kit/metrics/runtime@1')

/** The metrics that observe the runtime, for all copies of this package in the process. */
const watched = processWide()

/**
 * Observes the runtime until the returned object is disposed. Nothing keeps the process alive. The delay of the
 * event loop is sampled all the time, over windows of its own, so that neither a scrape nor the number of readers
 * changes what is measured. Throws `KIT_METRIC_CONFLICT` while these metrics are observing the runtime already,
 * through whichever copy of this package.
 *
 * Costs a timer every `eventLoopResolutionMs`, one clock read a garbage collection, and some tens of microseconds
 * a collection.
 */
export function runtimeMetrics(metrics: Metrics, options: RuntimeOptions = {}): Disposable {
  checkOptions('runtimeMetrics', options, ['eventLoopResolutionMs', 'eventLoopWindowMs'])
  const resolutionMs = checkInteger(
    'runtimeMetrics: eventLoopResolutionMs',
    options.eventLoopResolutionMs,
    10,
    1,
  )
  const windowMs = checkInteger(
    'runtimeMetrics: eventLoopWindowMs',
    options.eventLoopWindowMs,
    Math.max(10_000, resolutionMs),
    resolutionMs,
  )
  if (watched.has(metrics)) {
    throw new MetricsError(
      'KIT_METRIC_CONFLICT',
      'runtimeMetrics: these metrics observe the runtime already; dispose the first one before',
    )
  }
  watched.add(metrics)
  const stops = [
    watchEventLoop(metrics, resolutionMs, windowMs),
    watchGarbageCollection(metrics),
    watchHeap(metrics),
    watchProcess(metrics),
  ]
  return {
    [Symbol.dispose]() {
      if (!watched.delete(metrics)) return
      for (const stop of stops) stop()
    },
  }
}

function processWide(): WeakSet<Metrics> {
  const slots = globalThis as { [anchor]?: WeakSet<Metrics> }
  return (slots[anchor] ??= new WeakSet())
}
