/** `@kit/metrics/statsd`: metrics to a StatsD server, the Datadog Agent, Telegraf or Graphite, over hot-shots. */

export type { StatsdDialect } from './dialects.ts'
export type { StatsdClient } from './client.ts'
export type { StatsdStats } from './outbox.ts'
export type { StatsdOptions } from './options.ts'
export { statsd, type StatsdSink } from './statsd.ts'
