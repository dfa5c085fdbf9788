/** `@kit/metrics/runtime`: metrics of the event loop, garbage collection, heap and process. */

export { runtimeMetrics, type RuntimeOptions } from './runtime.ts'
