// What is done to a level tree, as plain data: the language in which trees of several threads and processes tell
// one another what to do. What arrives is checked like any other input.

import type { RequestCondition } from './condition.ts'
import type { Level } from './level.ts'

/** One deed. Times are milliseconds since the Unix epoch. */
export type LevelOperation =
  | {
      readonly kind: 'set'
      readonly name: string
      readonly level: Level | null
      readonly expiresAt?: number
      readonly reason?: string
      readonly by?: string
    }
  | { readonly kind: 'reset'; readonly name?: string; readonly by?: string }
  | {
      readonly kind: 'override'
      readonly id: string
      readonly when: RequestCondition
      readonly level: Level
      readonly expiresAt: number
      readonly sample: number
      readonly max: number
      readonly reason?: string
      readonly by?: string
    }
  | { readonly kind: 'end'; readonly id: string; readonly by?: string }

/** Where an operation was applied: a process, and a thread in it, 0 being its main thread. */
export interface Place {
  readonly pid: number
  readonly thread: number
}

/** Carries operations to other trees of the same program. */
export interface LevelCarrier {
  /** Called for each operation of this tree, at once. Resolves with the places where it was applied; never rejects. */
  send(operation: LevelOperation): Promise<readonly Place[]>
}
