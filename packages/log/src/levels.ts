// What can be done with the levels of live loggers: the public face of the level tree.

import type { AuditRecord } from './audit.ts'
import type { Level } from './level.ts'
import type { LevelCarrier, LevelOperation, Place } from './level-operation.ts'
import type { Override, OverrideOptions } from './override.ts'
import type { DumpResult } from './recordings.ts'

/** The levels of all loggers that come from one `createLogger`, readable and changeable while they run. */
export interface LevelTree {
  /** Grows by one with every change. */
  readonly revision: number
  /**
   * The level of a logger, `''` (the default) being the root. A name that no logger has yet is answered with
   * what it would inherit. Throws `LogError`: `KIT_LOG_BAD_NAME`, as `has` and `reset` do.
   */
  get(name?: string): LevelState
  /** Whether a logger of this name exists, or a level has been configured for it. */
  has(name: string): boolean
  /**
   * Changes a level, at once and for every live logger concerned. The target is a logger's name, `'db.*'`
   * for the descendants of `db`, `'*'` for all but the root, or `''` for the root; it need not exist yet.
   * `null` removes the setting, so that the logger inherits again (the root returns to its start-up level).
   * One audit line tells of it, whatever the levels are.
   *
   * Throws `LogError`: `KIT_LOG_BAD_LEVEL`, `KIT_LOG_BAD_NAME`, `KIT_LOG_BAD_TTL`, `KIT_LOG_TOO_MANY_NAMES`.
   */
  set(name: string, level: Level | (string & {}) | null, options?: SetLevelOptions): Change
  /**
   * Several changes, all or none: what `set` would throw for one of them is thrown before the first is made. Each
   * is a change of its own, with its own revision and audit line.
   */
  setAll(settings: readonly LevelSetting[]): readonly Change[]
  /** Returns one target, or everything, to its start-up state. What already is there makes no change. `by` says who, for the audit. */
  reset(name?: string, by?: string): readonly Change[]
  /** Every known logger and every configured glob, sorted by name, the root first. */
  list(): readonly NamedLevelState[]
  /** Calls `fn` after each change, also when a temporary one runs out. Returns how to stop. A throw is counted and ignored. */
  onChange(fn: (change: Change) => void): () => void
  /**
   * Lets all loggers of the tree say more for the requests that a condition picks, until it ends. It never hides a
   * line. While no override is active a disabled call costs what it always does; while one is, some 30 ns and the
   * condition. At most 32 are active at a time.
   *
   * Throws `LogError`: `KIT_LOG_BAD_CONDITION`, `KIT_LOG_BAD_LEVEL`, `KIT_LOG_BAD_TTL`, `KIT_LOG_BAD_OPTION`,
   * `KIT_LOG_UNKNOWN_OPTION`, `KIT_LOG_TOO_MANY_OVERRIDES`.
   */
  override(options: OverrideOptions): Override
  /** The active overrides, oldest first. */
  overrides(): readonly Override[]
  /** Ends an override; false if there is none of this id. `by` says who, for the audit. */
  endOverride(id: string, by?: string): boolean
  /**
   * Has all active recordings of this tree's loggers write what they keep, as `dump` of each does; `by` says who asked.
   * They go on. Never throws.
   */
  dumpRecordings(reason?: string, by?: string): DumpResult
  /** The last 256 changes and overrides, newest first. */
  audit(): readonly AuditRecord[]
  /**
   * Has a carrier told of everything that is done to this tree from now on, for trees elsewhere. Returns how to stop.
   * `shareLevels` of `@kit/log/workers` is one for worker threads and the processes of a cluster.
   */
  carry(carrier: LevelCarrier): () => void
  /**
   * Does what was done elsewhere. `source` is the carrier that brought it, which is not told of it again. Throws what
   * `set` and `override` throw.
   */
  apply(operation: LevelOperation, source?: LevelCarrier): void
  /** What has to be done to a tree that has just started to bring it where this one is. */
  operations(): readonly LevelOperation[]
  /** Where the last operation of this tree has been applied, once the carriers know. Never rejects. */
  applied(): Promise<readonly Place[]>
}

/** What counts for a logger. */
export interface LevelState {
  /** The level that is in force. */
  readonly level: Level
  /** The level set for exactly this name, `undefined` when it is inherited. */
  readonly configured: Level | undefined
  /** When a temporary level ends, in milliseconds since the Unix epoch. */
  readonly expiresAt?: number
}

/** A `LevelState` and whose it is. */
export interface NamedLevelState extends LevelState {
  readonly name: string
}

/** How a level is changed. */
export interface SetLevelOptions {
  /**
   * After so many milliseconds the level returns to the one that was configured before. A second temporary
   * change keeps the first one's way back. Without it the change is permanent.
   */
  ttlMs?: number | undefined
  /** Why, for the audit line. */
  reason?: string | undefined
  /** Who, for the audit line. */
  by?: string | undefined
}

/** One of several changes. */
export interface LevelSetting extends SetLevelOptions {
  /** The target, as for `set`. */
  name: string
  /** The level; `null` to inherit again. */
  level: Level | (string & {}) | null
}

/** One change of a level, as it is audited. */
export interface Change {
  /** The target: a logger's name, or a glob. */
  readonly name: string
  /** The level in force before; for a glob the one that descendants inherited. */
  readonly before: Level
  /** The level in force now. */
  readonly after: Level
  /** The level that is set for the target now, `undefined` when it inherits. */
  readonly configured: Level | undefined
  /** When it ends, in milliseconds since the Unix epoch. */
  readonly expiresAt?: number
  readonly reason?: string
  readonly by?: string
  /** The tree's revision after the change. */
  readonly revision: number
}
