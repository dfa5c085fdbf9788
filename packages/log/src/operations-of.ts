// What is done to a tree, or has been done to it, in the language of operations.

import { levelName, requireLevel } from './level.ts'
import type { Level } from './level.ts'
import type { Setting } from './level-nodes.ts'
import type { LevelOperation } from './level-operation.ts'
import type { OverrideState } from './override.ts'

/** What sets a target to what it is set to now. */
export function setOperation(name: string, { level, startup, temporary }: Setting): LevelOperation {
  return {
    kind: 'set',
    name,
    level: nameOrNull(level),
    ...(temporary === undefined ? undefined : { expiresAt: temporary.expiresAt }),
    ...(temporary === undefined || temporary.revertTo === startup
      ? undefined
      : { revertTo: nameOrNull(temporary.revertTo) }),
  }
}

function nameOrNull(level: number | undefined): Level | null {
  return level === undefined ? null : levelName(level)
}

/** The number of a level, undefined for null. Throws a `LogError` with code `KIT_LOG_BAD_LEVEL`. */
export function numberOf(level: string | null): number | undefined {
  return level === null ? undefined : requireLevel(level)
}

/** An override as others can do it; undefined when its condition is a function, which stays where it is. */
export function overrideOperation(override: OverrideState): LevelOperation | undefined {
  const { id, when, level, expiresAt, sample, max, reason, by } = override
  if (when === undefined) return undefined
  return {
    kind: 'override',
    id,
    when,
    level,
    expiresAt,
    sample,
    max,
    ...(reason === undefined ? undefined : { reason }),
    ...(by === undefined ? undefined : { by }),
  }
}
