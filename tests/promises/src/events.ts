/** What a trial tells the runner: one event a line, as JSON that keeps the numbers which JSON does not know. */

import type { Figure } from './promise.ts'

export interface Progress {
  readonly done: number
  readonly total: number
  readonly unit: string
}

export interface Plot {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly points: readonly (readonly [number, number])[]
}

export type TrialEvent =
  | { readonly figure: Figure }
  | { readonly progress: Progress }
  | { readonly plot: Plot }
  | { readonly failure: string }

/** One line, without its end. `NaN` and the infinities are written as text: JSON would make `null` of them. */
export function encodeEvent(event: TrialEvent): string {
  return JSON.stringify(event, (_key, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? { number: String(value) } : value,
  )
}

/** The event of a line. Throws a SyntaxError for what is none. */
export function decodeEvent(line: string): TrialEvent {
  return JSON.parse(line, (_key, value: unknown) => {
    const text = typeof value === 'object' && value !== null && 'number' in value ? value.number : undefined
    return typeof text === 'string' ? Number(text) : value
  }) as TrialEvent
}
