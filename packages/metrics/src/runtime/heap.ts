/**
 * The heap of V8, space by space.
 */

import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'
import type { Metrics } from '../metrics.ts'

type HeapSpaces = ReturnType<typeof getHeapSpaceStatistics>

/** Declares `v8js.memory.heap.*`. Each is a gauge with one series a space, but the limit and the external memory. */
export function watchHeap(metrics: Metrics): () => void {
  const spaces = (name: string, help: string, read: (space: HeapSpaces[number]) => number): (() => void) =>
    metrics.observable(name, { unit: 'By', labels: ['v8js.heap.space.name'], help }, () =>
      getHeapSpaceStatistics().map(
        (space) => [{ 'v8js.heap.space.name': space.space_name }, read(space)] as const,
      ),
    )
  const stops = [
    spaces('v8js.memory.heap.used', 'Heap memory in use.', (space) => space.space_used_size),
    spaces('v8js.memory.heap.committed', 'Heap memory reserved.', (space) => space.space_size),
    spaces(
      'v8js.memory.heap.available',
      'Heap memory that is reserved and free.',
      (space) => space.space_available_size,
    ),
    spaces(
      'v8js.memory.heap.physical',
      'Heap memory that is backed by physical memory.',
      (space) => space.physical_space_size,
    ),
    metrics.observable(
      'v8js.memory.heap.limit',
      { unit: 'By', help: 'The size at which V8 gives up.' },
      () => getHeapStatistics().heap_size_limit,
    ),
    metrics.observable(
      'v8js.memory.external',
      { unit: 'By', help: 'Memory of C++ objects that JavaScript objects hold, buffers included.' },
      () => getHeapStatistics().external_memory,
    ),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
