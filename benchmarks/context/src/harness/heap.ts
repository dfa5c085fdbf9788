/*
 * What stays on the heap. Operations come in small portions with a turn of the event loop after each, as in a service:
 * without turns no weak reference is let go and no finalizer runs, and the platform's signals would look worse than
 * they are.
 */
import { getHeapStatistics } from 'node:v8'
import { burstOf, sink, turn } from './burst.ts'
import type { Operation } from './suite.ts'

/** What many operations left behind. */
export interface Kept {
  readonly iterations: number
  /** Bytes an operation that a full collection did not free. */
  readonly bytes: number
  /** The most that the heap held above its start, in bytes. */
  readonly peak: number
}

const portion = 500

/** Moves what lives out of the young generation, so that a little can be allocated there without a collection. */
export function emptyYoungGeneration(): void {
  collector()({ type: 'minor', execution: 'sync' })
}

/** Does the operation so many times and counts what is left. */
export async function kept(operation: Operation, iterations: number, awaits: boolean): Promise<Kept> {
  const burst = burstOf(operation, awaits ? 1 : undefined)
  let peak = 0
  const repeat = async (times: number): Promise<void> => {
    for (let done = 0; done < times; done += portion) {
      if (awaits) await burst(portion)
      else burst(portion)
      await turn()
      peak = Math.max(peak, used())
    }
  }
  // Compiled code, inline caches and tables of first use are not what is asked for.
  await repeat(20 * portion)
  const before = await settled()
  peak = 0
  await repeat(iterations)
  const growth = (await settled()) - before
  return { iterations, bytes: Math.max(0, growth / iterations), peak: Math.max(0, peak - before) }
}

/** What is in use once everything that can go is gone: finalizers free more, and may take many turns to be called. */
async function settled(): Promise<number> {
  sink.value = undefined
  let least = Infinity
  for (let still = 0; still < 4; still++) {
    collector()({ type: 'major', execution: 'sync' })
    await turn()
    await turn()
    if (used() < least - 10_000) still = 0
    least = Math.min(least, used())
  }
  return least
}

/** The collector; the process has to run with `--expose-gc`. */
function collector(): (options: { type: string; execution: string }) => void {
  const { gc } = globalThis as { gc?: (options: { type: string; execution: string }) => void }
  if (gc === undefined) throw new Error('the process has to run with --expose-gc')
  return gc
}

function used(): number {
  return getHeapStatistics().used_heap_size
}
