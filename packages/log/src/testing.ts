// Tools for tests of code that logs.

export { memoryDestination } from './testing/memory-destination.ts'
export type { LogRecord, MemoryDestination } from './testing/memory-destination.ts'
export { expectLog } from './testing/expect-log.ts'
export type { Expected } from './testing/expect-log.ts'
