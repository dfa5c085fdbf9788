/** What is called with hostile values: all that the objects of one package offer while a service runs. */

import type { Hostile } from './values.ts'

/** What one call is given. */
export interface Given {
  readonly values: readonly [Hostile, Hostile, Hostile]
  readonly text: string
  /** From 0 up to 1, for choices that are no values. */
  readonly dice: number
}

/** One way to call it. Returns what the package returned, which is awaited: a rejection is a throw. */
export interface Call {
  /** The codes of errors that its contract says: anything else that comes out is a finding. */
  readonly refuses: readonly string[]
  run(given: Given): unknown
}

/** The calls of one package, by name, and whether it told of everything that it swallowed. */
export interface Subject {
  readonly calls: Readonly<Record<string, Call>>
  /**
   * Called after each batch of calls: what was recorded neither where it belongs nor in a counter of what was dropped, in
   * words. Begins anew.
   */
  audit(): string[] | Promise<string[]>
  /** Gives back what it took. */
  close(): unknown
}

/** Makes the subject of one package. */
export type MakeSubject = () => Subject | Promise<Subject>

/** A call that never throws. */
export function never(run: (given: Given) => unknown): Call {
  return { refuses: [], run }
}

/** A call that throws an error of one of these codes for mistakes of the caller, and nothing else. */
export function refusing(refuses: readonly string[], run: (given: Given) => unknown): Call {
  return { refuses, run }
}

/** Of a text, what can stand in a header. */
export function headerText(text: string): string {
  return text.replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/g, '').trim()
}

/** What is found in a value without trusting it: `code` of an error. */
export function codeOf(error: unknown): string {
  try {
    return String((error as { code?: unknown }).code)
  } catch {
    return ''
  }
}

/** An error as text, whatever was thrown. */
export function textOf(error: unknown): string {
  try {
    return error instanceof Error
      ? (error.stack ?? error.message).split('\n').slice(0, 4).join(' ')
      : String(error)
  } catch {
    return 'something that cannot be shown'
  }
}
