/** `@kit/metrics/testing`: what tests of instrumented code, and of sinks, need. */

export {
  parseExposition,
  type ExpositionExemplar,
  type ExpositionFamily,
  type ExpositionSample,
} from './exposition.ts'
export {
  sinkConformance,
  type ConformanceCase,
  type SinkHarness,
  type SinkQuery,
  type SinkReading,
} from './conformance.ts'
export { testMetrics, type TestMetrics } from './test-metrics.ts'
