/** `@kit/metrics/memory`: the last minute of all metrics, inside the process. */

export type {
  MemoryCounter,
  MemoryData,
  MemoryGauge,
  MemoryHistogram,
  MemoryInterval,
  MemorySeries,
} from './data.ts'
export { memory, type DumpOptions, type MemoryOptions, type MemorySink } from './memory.ts'
