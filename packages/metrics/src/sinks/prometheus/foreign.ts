/**
 * What this folder relies on of prom-client and @prometheus-io/client. Neither is imported: their registries and
 * metrics are taken by their shape, which is the same in both, and nothing that they return is trusted.
 */

/** A registry whose metrics can be read, such as `register` of prom-client. */
export interface MergeableRegistry {
  /** Its metrics, each with a `get()` that answers their values. */
  getMetricsAsArray(): readonly object[]
}

/** A registry that metrics can be put into, such as `register` of prom-client. */
export interface ExposableRegistry extends MergeableRegistry {
  // A method, so that the parameter may be of any type: each library has its own.
  registerMetric(metric: never): void
  getSingleMetric(name: string): unknown
  removeSingleMetric(name: string): void
}

/** What `get()` of their metrics answers. */
export interface ForeignMetric {
  name: string
  help: string
  type: string
  aggregator: string
  values: ForeignValue[]
}

/** One line of theirs. */
export interface ForeignValue {
  labels: Record<string, string | number>
  value: number
  /** The name of the line, when that is not the name of the metric. */
  metricName?: string
  exemplar?: ForeignExemplar
}

/** Their exemplars, with the time in seconds since the Unix epoch. */
export interface ForeignExemplar {
  labelSet: Record<string, string>
  value: number
  timestamp: number
}

/** Marks the metrics that sinks put into registries, so that no page shows them a second time. */
export const exposedBySink: unique symbol = Symbol.for('@kit/metrics/exposed@1')

/** The labels that a registry adds to all of its metrics. Neither library has another way to learn them. */
export function defaultLabelsOf(registry: object): unknown {
  return (registry as { _defaultLabels?: unknown })._defaultLabels
}

/** Whether a registry writes OpenMetrics by itself; its counters have lost their `_total` then. */
export function speaksOpenMetrics(registry: object): boolean {
  return String((registry as { contentType?: unknown }).contentType).startsWith(
    'application/openmetrics-text',
  )
}

/** Every name that a metric of theirs takes on a page, in either format. */
export function foreignNames(name: string, type: string): string[] {
  if (type === 'counter') {
    const family = name.replace(/_total$/, '')
    return [family, `${family}_total`, `${family}_created`]
  }
  if (type === 'histogram') return suffixed(name, ['', '_bucket', '_sum', '_count', '_created'])
  if (type === 'summary') return suffixed(name, ['', '_sum', '_count', '_created'])
  return [name]
}

function suffixed(name: string, suffixes: readonly string[]): string[] {
  return suffixes.map((suffix) => name + suffix)
}
