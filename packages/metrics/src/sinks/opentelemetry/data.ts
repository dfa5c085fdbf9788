/**
 * OpenTelemetry's data, made of what was told by streams.
 */

import type { HistogramSeries, NumberSeries, SourceHistogram, SourceInstrument } from '../../sink.ts'
import { labelsOf } from '../../snapshot.ts'
import type { Distribution } from './exponential.ts'
import type { Portion } from './stream.ts'
import type {
  OtelDataPoint,
  OtelExponentialHistogram,
  OtelHistogram,
  OtelHrTime,
  OtelMetricDescriptor,
} from './types.ts'

/** What describes an instrument. */
export function descriptorOf({ name, help, unit }: SourceInstrument): OtelMetricDescriptor {
  return { name, description: help, unit, valueType: 1 }
}

/** One series at the time `now`, in milliseconds since the Unix epoch. `recall` is called if its export fails. */
export class Point<V> implements OtelDataPoint<V> {
  readonly startTime: OtelHrTime
  readonly endTime: OtelHrTime
  readonly attributes: Readonly<Record<string, string>>
  readonly value: V
  #recall: (() => void) | undefined

  constructor(
    { labelNames }: SourceInstrument,
    { labelValues }: NumberSeries | HistogramSeries,
    value: V,
    start: number,
    now: number,
    recall?: () => void,
  ) {
    this.startTime = hrTime(Math.min(start, now))
    this.endTime = hrTime(now)
    this.attributes = labelsOf(labelNames, labelValues)
    this.value = value
    this.#recall = recall
  }

  /** Takes back what a point told, once. Points that others made, and totals, have nothing to take back. */
  static recall(point: object): void {
    if (!(#recall in point)) return
    point.#recall?.()
    point.#recall = undefined
  }
}

/** A histogram with explicit buckets. */
export function explicitValue(histogram: SourceHistogram, portion: Portion<number[]>): OtelHistogram {
  const buckets = { boundaries: [...histogram.bounds], counts: portion.buckets }
  return { ...summaryOf(histogram, portion), buckets }
}

/** A histogram with exponential buckets. */
export function exponentialValue(
  histogram: SourceHistogram,
  portion: Portion<Distribution>,
): OtelExponentialHistogram {
  return { ...summaryOf(histogram, portion), ...portion.buckets }
}

function summaryOf<B>(
  { bounds }: SourceHistogram,
  { count, sum, min, max }: Portion<B>,
): { count: number; sum?: number; min?: number; max?: number } {
  return {
    count,
    // Negative observations, which a negative bound admits, would make the sum fall.
    ...(bounds[0]! >= 0 ? { sum } : {}),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  }
}

/** Milliseconds since the Unix epoch as OpenTelemetry writes times. */
export function hrTime(milliseconds: number): OtelHrTime {
  const seconds = Math.floor(milliseconds / 1000)
  const nanoseconds = Math.round((milliseconds - seconds * 1000) * 1e6)
  return nanoseconds < 1e9 ? [seconds, nanoseconds] : [seconds + 1, 0]
}
