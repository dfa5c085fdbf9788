/** `@kit/metrics/prometheus`: the page that Prometheus and OpenMetrics scrapers read. */

export { prometheus, type PrometheusOptions, type PrometheusSink } from './prometheus.ts'
