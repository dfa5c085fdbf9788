/**
 * Label values: what may be recorded, and the one string that stands for each value. Two values are the same
 * label value exactly when their strings are equal, so the number 200 and the string '200' share a series.
 */

import type { Drops } from './drops.ts'

/** What a label may be set to. Numbers and booleans are written as `String` writes them. */
export type LabelValue = string | number | boolean

/**
 * The labels of one recording: every declared name, and no other. The empty string means that the label is
 * absent from this series; sinks leave it out.
 */
export type Labels<L extends string = string> = { readonly [K in L]: LabelValue }

/** Label values longer than this many UTF-16 units are cut to it, and each cut is counted as `label_truncated`. */
export const maxLabelValueLength = 1024

/** The value that every label of an instrument's one overflow series has. */
export const overflowLabelValue = 'kit.overflow'

/**
 * The string that stands for a label value, or undefined when the value is none. Lone surrogates become U+FFFD
 * here, before series are told apart: UTF-8 has no bytes for them, so they would become equal on the wire.
 */
export function canonicalLabelValue(value: unknown, drops: Drops): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value !== 'string') return undefined
  if (value.length <= maxLabelValueLength) return wellFormed(value)
  drops.count('label_truncated')
  return wellFormed(value.slice(0, maxLabelValueLength))
}

/** By the method of ES2024, which all supported lines of Node have and the compiler's library for them has not. */
function wellFormed(text: string): string {
  return (text as string & { toWellFormed(): string }).toWellFormed()
}

/** V8 makes shorter strings on their own, whatever they are made of. */
const shortestPart = 13

/**
 * The same text as a string of its own, and one for all that have it. A string that was cut out of another, as values
 * out of a request are, keeps all of the other in memory; one that was put together is read more slowly. V8 keeps names
 * of properties once each, and flat.
 */
export function ownText(value: string): string {
  return value.length < shortestPart ? value : Object.keys({ [value]: 0 })[0]!
}
