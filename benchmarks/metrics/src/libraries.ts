/*
 * The libraries, set up as their documentation says and otherwise alike. Each is imported only in the process that
 * measures it.
 */
import { createRequire } from 'node:module'
import type { Counter, Histogram, Metrics } from '@kit/metrics'
import type { Meter } from '@opentelemetry/api'
import type * as OtelPrometheus from '@opentelemetry/exporter-prometheus'
import type * as OtelMetrics from '@opentelemetry/sdk-metrics'
import type { StatsD } from 'hot-shots'
import type * as Prom from 'prom-client'
import { labelNames } from './labels.ts'

// OpenTelemetry's modules import `process`, which as a module opens standard input and takes it from the worker, who
// waits there. Required, they do not.
const require = createRequire(import.meta.url)

type PromClient = Pick<typeof Prom, 'Counter' | 'Histogram' | 'Registry'>

/** The two with the interface of prom-client. */
export const promClients: {
  readonly name: string
  readonly minimumNode: number
  readonly load: () => Promise<PromClient>
}[] = [
  {
    name: 'prom-client',
    minimumNode: 0,
    load: () => import('prom-client'),
  },
  {
    name: '@prometheus-io/client',
    minimumNode: 22,
    // Its types differ in what is not used here.
    load: async () => (await import('@prometheus-io/client')) as unknown as PromClient,
  },
]

/** No group of a benchmark is to meet a limit unless it is about limits. */
const unlimited = { maxSeries: 1_000_000, maxTotalSeries: 1_000_000 }

/** Metrics of kit. */
export async function kitMetrics(): Promise<Metrics> {
  const { createMetrics } = await import('@kit/metrics')
  return createMetrics(unlimited)
}

/** A counter of kit with the three labels. */
export async function kitCounter(): Promise<Counter<(typeof labelNames)[number]>> {
  return (await kitMetrics()).counter('requests', { labels: labelNames })
}

/** A histogram of kit with the three labels. */
export async function kitHistogram(
  buckets: readonly number[],
): Promise<Histogram<(typeof labelNames)[number]>> {
  return (await kitMetrics()).histogram('request.duration', { unit: 's', labels: labelNames, buckets })
}

/** What OpenTelemetry needs. */
export const openTelemetry = { name: 'OpenTelemetry', minimumNode: 22 }

/** A meter of OpenTelemetry with its Prometheus exporter, and the page of that. */
export function otelMeter(): {
  meter: Meter
  page: () => Promise<string>
} {
  const { MeterProvider } = require('@opentelemetry/sdk-metrics') as typeof OtelMetrics
  const { PrometheusExporter, PrometheusSerializer } =
    require('@opentelemetry/exporter-prometheus') as typeof OtelPrometheus
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const provider = new MeterProvider({
    readers: [exporter],
    views: [{ instrumentName: '*', aggregationCardinalityLimit: 1_000_000 }],
  })
  // Without the lines and labels that the other libraries do not have.
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true)
  return {
    meter: provider.getMeter('benchmark'),
    page: async () => serializer.serialize((await exporter.collect()).resourceMetrics),
  }
}

/**
 * A client of hot-shots that fills datagrams of an Ethernet frame and sends them where nobody listens. It sends each
 * call, or with aggregation the sums of two seconds.
 */
export async function hotShots(aggregation: boolean = false): Promise<StatsD> {
  const { StatsD: Client } = await import('hot-shots')
  return new Client({
    protocol: 'udp',
    host: '127.0.0.1',
    port: 9,
    maxBufferSize: 1432,
    aggregation: aggregation && { maxContexts: 20_000 },
    errorHandler() {},
  })
}
