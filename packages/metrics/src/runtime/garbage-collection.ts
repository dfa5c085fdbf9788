/**
 * Garbage collections: how many of which kind, and how long they stopped the program.
 */

import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import type { Metrics } from '../metrics.ts'

const kinds: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
}

/** Declares `v8js.gc.duration`, and records every entry of every batch that V8 reports. */
export function watchGarbageCollection(metrics: Metrics): () => void {
  const duration = metrics.histogram('v8js.gc.duration', {
    unit: 's',
    labels: ['v8js.gc.type'],
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    help: 'How long garbage collections took, by kind.',
  })
  const handles = new Map(
    Object.entries(kinds).map(([kind, type]) => [Number(kind), duration.labels({ 'v8js.gc.type': type })]),
  )
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) handles.get(kindOf(entry))?.observe(entry.duration / 1000)
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => observer.disconnect()
}

function kindOf(entry: PerformanceEntry): number {
  return (entry as { detail?: { kind?: number } }).detail?.kind ?? -1
}
