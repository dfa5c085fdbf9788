/** What proves an adapter: the same cases for every framework, without a test runner of their own. */

export { adapterConformance, applicable } from './conformance.ts'
export { serveConformanceApp } from './serve.ts'
export type {
  ConformanceCase,
  ConformanceServer,
  ConformanceSuite,
  ConformanceTraits,
  StartConformanceApp,
} from './conformance.ts'
