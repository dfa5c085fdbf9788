/** `@kit/metrics/workers`: the metrics of worker threads, cluster workers and forked processes in one place. */

export type { Reporting } from './collector-link.ts'
export { collectWorkers, type CollectOptions, type WorkerCollector, type WorkerOptions } from './collector.ts'
export type { GaugeRule, GaugeRules } from './gauge-rule.ts'
export type { WorkerDropReason } from './peer.ts'
export type { ProcessChannel } from './reporter-link.ts'
export { reportTo, type ReportOptions, type ReportTarget } from './reporter.ts'
