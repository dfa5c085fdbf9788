// What is done to a level tree, as plain data: the language in which trees of several threads and processes tell
// one another what to do. What arrives is checked like any other input.

import type { RequestCondition } from './condition.ts'
import { levelNumber } from './level.ts'
import type { Level } from './level.ts'

/** One deed. Times are milliseconds since the Unix epoch. */
export type LevelOperation =
  | {
      readonly kind: 'set'
      readonly name: string
      readonly level: Level | null
      readonly expiresAt?: number
      /** What is configured after `expiresAt`, null for nothing. Absent: what was at start-up. */
      readonly revertTo?: Level | null
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
/**
 * An operation out of anything, undefined if it is none. Names and conditions are checked by the tree that applies it,
 * which throws for those that it does not take.
 */
export function readOperation(value: unknown): LevelOperation | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { kind, name, level, revertTo, id, when, expiresAt, sample, max, reason, by } = value as Record<
    string,
    unknown
  >
  if (!isText(by) || !isText(reason)) return undefined
  const author = by === undefined ? undefined : { by }
  const why = { ...(reason === undefined ? undefined : { reason }), ...author }
  switch (kind) {
    case 'set':
      if (typeof name !== 'string' || !isLevel(level)) return undefined
      if (expiresAt === undefined) return { kind, name, level, ...why }
      if (!isTime(expiresAt) || !(revertTo === undefined || isLevel(revertTo))) return undefined
      return { kind, name, level, expiresAt, ...(revertTo === undefined ? undefined : { revertTo }), ...why }
    case 'reset':
      if (!isText(name)) return undefined
      return { kind, ...(name === undefined ? undefined : { name }), ...author }
    case 'override':
      if (typeof id !== 'string' || id.length > 64 || typeof when !== 'object' || when === null)
        return undefined
      if (level === null || !isLevel(level) || !isTime(expiresAt)) return undefined
      if (typeof sample !== 'number' || typeof max !== 'number') return undefined
      return { kind, id, when, level, expiresAt, sample, max, ...why }
    case 'end':
      return typeof id === 'string' ? { kind, id, ...author } : undefined
    default:
      return undefined
  }
}

function isText(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && value.length <= 1024)
}

function isLevel(value: unknown): value is Level | null {
  return value === null || levelNumber(value) !== undefined
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
