/**
 * The process: CPU time, memory, uptime, what keeps it alive, and file descriptors.
 */

import { readdirSync } from 'node:fs'
import type { Metrics } from '../metrics.ts'

/** Declares `process.*` and `nodejs.active_resources`. File descriptors are counted where /proc/self/fd is. */
export function watchProcess(metrics: Metrics): () => void {
  const stops = [
    metrics.observable(
      'process.cpu.time',
      { kind: 'counter', unit: 's', labels: ['cpu.mode'], help: 'CPU time of the process, all threads.' },
      () => {
        const { user, system } = process.cpuUsage()
        return [
          [{ 'cpu.mode': 'user' }, user / 1e6],
          [{ 'cpu.mode': 'system' }, system / 1e6],
        ]
      },
    ),
    metrics.observable('process.memory.usage', { unit: 'By', help: 'Physical memory of the process.' }, () =>
      process.memoryUsage.rss(),
    ),
    metrics.observable('process.uptime', { unit: 's', help: 'How long the process has been running.' }, () =>
      process.uptime(),
    ),
    metrics.observable(
      'nodejs.active_resources',
      {
        unit: '{resource}',
        labels: ['nodejs.resource.type'],
        help: 'What keeps the event loop alive, by type.',
      },
      countActiveResources,
    ),
  ]
  if (countFileDescriptors() !== undefined) {
    stops.push(
      metrics.observable(
        'process.open_file_descriptors',
        { unit: '{file_descriptor}', help: 'Open file descriptors.' },
        () => countFileDescriptors() ?? [],
      ),
    )
  }
  return () => {
    for (const stop of stops) stop()
  }
}

function countActiveResources(): [{ 'nodejs.resource.type': string }, number][] {
  const counts = new Map<string, number>()
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1)
  return [...counts].map(([type, count]) => [{ 'nodejs.resource.type': type }, count])
}

function countFileDescriptors(): number | undefined {
  try {
    // Reading the directory opens one, which is closed again by the time anybody sees the number.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return undefined
  }
}
