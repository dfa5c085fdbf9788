/** Checks that every function with options shares: a misspelt option must never be ignored. */

import { MetricsError } from './errors.ts'

/** Throws `KIT_METRIC_OPTION_UNKNOWN` unless `options` is absent or an object holding only `known` keys. */
export function checkOptions(where: string, options: unknown, known: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new MetricsError('KIT_METRIC_OPTION_INVALID', `${where}: the options must be an object`)
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new MetricsError(
        'KIT_METRIC_OPTION_UNKNOWN',
        `${where}: unknown option ${JSON.stringify(key)}; the options are ${known.join(', ')}`,
      )
    }
  }
}

/** Returns `value`, or `fallback` when it is undefined; throws unless it is an integer of at least `least`. */
export function checkInteger(where: string, value: unknown, fallback: number, least: number): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) {
    throw new MetricsError('KIT_METRIC_OPTION_INVALID', `${where} must be an integer of at least ${least}`)
  }
  return value
}

/** Returns `value`, or `fallback` when it is undefined; throws unless it is a boolean. */
export function checkBoolean(where: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  throw new MetricsError('KIT_METRIC_OPTION_INVALID', `${where} must be true or false`)
}

/** Returns `value`, or `fallback` when it is undefined; throws unless it is a finite number above zero. */
export function checkDuration(where: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !(value > 0) || value === Infinity) {
    throw new MetricsError(
      'KIT_METRIC_OPTION_INVALID',
      `${where} must be a finite number of milliseconds above zero`,
    )
  }
  return value
}

/** Returns `value`, or `fallback` when it is undefined; throws unless it is a number of at least 0, or Infinity. */
export function checkTimeout(where: string, value: unknown, fallback: number): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || !(value >= 0)) {
    throw new MetricsError(
      'KIT_METRIC_OPTION_INVALID',
      `${where} must be milliseconds, 0 to wait for nothing, or Infinity`,
    )
  }
  return value
}
