/** What one call costs: time on processors and allocated memory, as undisturbed by the rest of the machine as it can be had. */

import { getHeapStatistics } from 'node:v8'
import { processorMs } from './processor-time.ts'

/** A cost. */
export interface Cost {
  readonly microseconds: number
  readonly kibibytes: number
}

const calls = 50

/**
 * The cost of one call of `work`, once the compiler knows it. Of several batches the fastest, since all that disturbs a
 * batch makes it slower, and the one that allocates most, since what the collector takes meanwhile makes it seem less.
 */
export function costOf(work: () => unknown): Cost {
  batch(work)
  let fastest = Infinity
  let most = 0
  for (let round = 0; round < 8; round += 1) {
    const before = getHeapStatistics().used_heap_size
    const start = processorMs()
    batch(work)
    fastest = Math.min(fastest, processorMs() - start)
    most = Math.max(most, getHeapStatistics().used_heap_size - before)
  }
  return { microseconds: (fastest / calls) * 1000, kibibytes: most / calls / 1024 }
}

function batch(work: () => unknown): void {
  for (let i = 0; i < calls; i += 1) work()
}
