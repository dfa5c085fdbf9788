/** The sizes of bodies, for those who ask for them: in bytes as they went over the network, compressed if they were. */

import type { Histogram, Metrics } from '@kit/metrics'
import type { End } from './exchange.ts'
import type { MetricNames } from './metric-names.ts'

/** The sizes of the bodies of one exchange, as far as they are known. */
export type BodySizes = Pick<End, 'requestBytes' | 'responseBytes'>

/** The recording side. */
export interface BodySizeInstruments {
  /** Records what is known, with the labels of the duration. */
  record(labels: Readonly<Record<string, string>>, sizes: BodySizes): void
}

/** The histograms, with the buckets that `@kit/metrics` has for bytes: from 64 B to 64 MiB. */
export function bodySizeInstruments(metrics: Metrics, names: MetricNames): BodySizeInstruments {
  const declare = (name: string, help: string): Histogram<string> =>
    metrics.histogram(name, { help, unit: 'By', labels: names.labels })
  const request = declare(names.requestSize, 'Bytes of the bodies of requests.')
  const response = declare(names.responseSize, 'Bytes of the bodies of responses.')
  return {
    record(labels, { requestBytes, responseBytes }) {
      if (requestBytes !== undefined) request.observe(labels, requestBytes)
      if (responseBytes !== undefined) response.observe(labels, responseBytes)
    },
  }
}

/** A Content-Length that says what it should; undefined for any other. */
export function declaredLength(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}
