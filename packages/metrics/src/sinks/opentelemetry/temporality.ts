/**
 * Temporality: whether a reader is told totals or differences, by kind of instrument.
 */

import { MetricsError } from '../../errors.ts'
import type { TemporalitySelector } from './types.ts'

/** For each kind whether differences are told; gauges have neither. */
export interface Temporality {
  readonly counter: Kind
  readonly histogram: Kind
}

/** OpenTelemetry's numbers: 0 for delta, 1 for cumulative. */
type Kind = 0 | 1

/** Throws `KIT_METRIC_OPTION_INVALID` for what names no temporality. */
export function resolveTemporality(
  given: 'cumulative' | 'delta' | TemporalitySelector | undefined,
): Temporality {
  if (given === undefined || given === 'cumulative') return { counter: 1, histogram: 1 }
  if (given === 'delta') return { counter: 0, histogram: 0 }
  if (typeof given !== 'object' || given === null) throw invalid()
  // A reader or exporter that does not say is cumulative, as in the SDK.
  if (given.selectAggregationTemporality === undefined) return { counter: 1, histogram: 1 }
  return {
    counter: check(given.selectAggregationTemporality('COUNTER')),
    histogram: check(given.selectAggregationTemporality('HISTOGRAM')),
  }
}

function check(selected: number): Kind {
  if (selected === 0 || selected === 1) return selected
  throw invalid()
}

function invalid(): MetricsError {
  return new MetricsError(
    'KIT_METRIC_OPTION_INVALID',
    "opentelemetry: the temporality must be 'cumulative', 'delta', or a reader or exporter that selects one",
  )
}
