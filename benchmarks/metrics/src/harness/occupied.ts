/* What something takes in memory that is made once: on the heap and outside of it, in buffers. */
import { setImmediate } from 'node:timers/promises'
import type { Kept } from '@kit-benchmarks/context/harness/heap.js'

/** Makes so many at once and counts the bytes of each. The peak is that of the resident set. */
export async function occupied(make: (count: number) => unknown, count: number): Promise<Kept> {
  const before = await settled()
  const resident = process.memoryUsage.rss()
  await make(count)
  const peak = process.resourceUsage().maxRSS * 1024 - resident
  return {
    iterations: count,
    bytes: Math.max(0, ((await settled()) - before) / count),
    peak: Math.max(0, peak),
  }
}

/** What is in use once everything is gone that can go; the process has to run with `--expose-gc`. */
async function settled(): Promise<number> {
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) throw new Error('the process has to run with --expose-gc')
  let least = Infinity
  for (let i = 0; i < 4; i++) {
    gc()
    await setImmediate()
    const { heapUsed, external } = process.memoryUsage()
    least = Math.min(least, heapUsed + external)
  }
  return least
}
