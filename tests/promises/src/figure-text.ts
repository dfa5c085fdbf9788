/** Figures in words, the same in terminals, reports and on the page. */

import type { Figure } from './promise.ts'

/** `7.41 MiB`, `998,000 increments`. */
export function valueText({ value, unit }: Pick<Figure, 'value' | 'unit'>): string {
  return `${numberText(value)}${unit === '' ? '' : ` ${unit}`}`
}

/** What was promised: `at most 8 MiB`; a dash for a figure that is only there to be read. */
export function boundText({ atMost, atLeast, exactly, unit }: Figure): string {
  if (exactly !== undefined) return `exactly ${valueText({ value: exactly, unit })}`
  if (atMost !== undefined && atLeast !== undefined) {
    return `${numberText(atLeast)} to ${valueText({ value: atMost, unit })}`
  }
  if (atMost !== undefined) return `at most ${valueText({ value: atMost, unit })}`
  return atLeast === undefined ? '–' : `at least ${valueText({ value: atLeast, unit })}`
}

/** Whole numbers in full, others to three digits. */
export function numberText(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en-US')
  if (!Number.isFinite(value)) return String(value)
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 })
}

/** `0.4 s`, `75 s`, `2 h 5 min`. */
export function secondsText(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
