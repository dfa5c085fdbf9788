/* Numbers for people: three digits that mean something, and no more. */
import type { Summary } from './statistics.ts'

/** `0.87`, `25.1`, `1,050`. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const size = Math.abs(value)
  if (size >= 99.95) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(size >= 9.995 ? 1 : 2)
}

/** `24.9–25.5`. */
export function spread({ p25, p75 }: Summary): string {
  return `${short(p25)}–${short(p75)}`
}

/** Whole bytes where there are many: `985`, `0.4`. */
export function bytes(value: number): string {
  return value >= 9.95 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1)
}

/** Megabytes: `36`, `1.4`. */
export function megabytes(value: number): string {
  return bytes(value / 1e6)
}
