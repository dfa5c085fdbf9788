/** `@kit/metrics/prometheus`: the page that Prometheus and OpenMetrics scrapers read. */

export type { ExposableRegistry, MergeableRegistry } from './foreign.ts'
export type { MergeOptions, MergeProblem } from './merged-registries.ts'
export {
  prometheus,
  type PrometheusOptions,
  type PrometheusSink,
  type PushableRegistry,
} from './prometheus.ts'
