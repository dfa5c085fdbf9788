// Overrides: for the requests that a condition picks, loggers say more than their levels let them, module-level
// loggers too, since the request is found in the ambient context. While no override is active none of this is
// reached: the gates are the levels. While one is, a call that its level refuses but an override could want asks
// the conditions.

import { randomUUID } from 'node:crypto'
import { clock } from '@kit/context'
import type { Context, Timer } from '@kit/context'
import { checkCondition } from './condition.ts'
import type { RequestCondition } from './condition.ts'
import { checkOptionNames, described, LogError } from './errors.ts'
import { levelName, requireLevel, SILENT } from './level.ts'
import type { Level, LineLevel } from './level.ts'
import { requestOf } from './request-facts.ts'
import { stats } from './stats.ts'

/** Which lines to let through, how many, and for how long. */
export interface OverrideOptions {
  /**
   * Which contexts. A function is asked for each line that is below the logger's level and not below the
   * override's, so it should be cheap. Only `true` counts; a throw is counted in `logStats().failedOverrides`.
   * A condition as data also reaches worker threads and processes (see `@kit/log/workers`).
   */
  when: ((ctx: Context) => boolean) | RequestCondition
  /** Lines of this level and above are written. An override never hides a line. */
  level: LineLevel | (string & {})
  /** It ends after so many milliseconds. Default 15 minutes. */
  ttlMs?: number | undefined
  /** The share of the picked requests that count, 0 to 1; a request is in or out as a whole. Default 1. */
  sample?: number | undefined
  /** It ends once it has let through so many lines. Default 10,000. */
  max?: number | undefined
  /** Why, for the audit. */
  reason?: string | undefined
  /** Who, for the audit. */
  by?: string | undefined
}

/** What is known of an override. */
export interface OverrideState {
  readonly id: string
  /** The condition; undefined when it is a function. */
  readonly when: RequestCondition | undefined
  readonly level: Level
  /** When it ends, in milliseconds since the Unix epoch. */
  readonly expiresAt: number
  readonly sample: number
  readonly max: number
  readonly reason?: string
  readonly by?: string
}

/** An active override. */
export interface Override extends OverrideState, Disposable {
  /** Lines that it has let through. */
  readonly lines: number
  /** Ends it. Idempotent. */
  end(): void
}

/** So many can be active in a tree, as each of them costs each line that is asked about. */
export const MAX_OVERRIDES = 32

const DEFAULT_TTL_MS = 15 * 60_000
const DEFAULT_MAX = 10_000
const OPTION_NAMES = ['when', 'level', 'ttlMs', 'sample', 'max', 'reason', 'by']

interface Asked {
  readonly condition: RequestCondition | undefined
  readonly holds: (ctx: Context) => boolean
}

/** How an override came to its end. */
export type OverrideEnd = 'ended' | 'expired' | 'used up'

/**
 * Makes an override out of options from anywhere. `ended` is called once, when it is over. `known` is what stands
 * already, of one that was made elsewhere.
 * Throws `LogError`: `KIT_LOG_UNKNOWN_OPTION`, `KIT_LOG_BAD_CONDITION`, `KIT_LOG_BAD_LEVEL`, `KIT_LOG_BAD_TTL`,
 * `KIT_LOG_BAD_OPTION`.
 */
export function createOverride(
  options: OverrideOptions,
  ended: (override: ActiveOverride, why: OverrideEnd, by?: string) => void,
  known?: { readonly id: string; readonly expiresAt: number },
): ActiveOverride {
  checkOptionNames('levels.override', options, OPTION_NAMES)
  const { when, ttlMs = DEFAULT_TTL_MS, sample = 1, max = DEFAULT_MAX, reason, by } = options
  const asked: Asked =
    typeof when === 'function' ? { condition: undefined, holds: when } : checkCondition(when)
  const threshold = requireLevel(options.level)
  if (threshold === SILENT) {
    throw new LogError('KIT_LOG_BAD_LEVEL', 'An override lets lines through: its level cannot be silent.')
  }
  checkLifetime(ttlMs)
  if (typeof sample !== 'number' || !(sample > 0 && sample <= 1)) {
    throw new LogError('KIT_LOG_BAD_OPTION', 'sample is a share of requests, above 0 and at most 1.')
  }
  if (!Number.isSafeInteger(max) || max < 1) {
    throw new LogError('KIT_LOG_BAD_OPTION', 'max is a number of lines, 1 or more.')
  }
  const state = {
    id: known?.id ?? randomUUID(),
    when: asked.condition,
    level: levelName(threshold),
    expiresAt: known?.expiresAt ?? clock.wallTime() + ttlMs,
    sample,
    max,
    ...(reason === undefined ? undefined : { reason }),
    ...(by === undefined ? undefined : { by }),
  }
  return new ActiveOverride(state, asked, threshold, ttlMs, ended)
}

/** Throws a `LogError` with code `KIT_LOG_BAD_TTL` unless it is a positive, finite number of milliseconds. */
export function checkLifetime(ttlMs: unknown): asserts ttlMs is number {
  if (typeof ttlMs !== 'number' || !(ttlMs > 0 && Number.isFinite(ttlMs))) {
    throw new LogError(
      'KIT_LOG_BAD_TTL',
      `ttlMs is a positive number of milliseconds, not ${described(ttlMs)}.`,
    )
  }
}

/** An override with the part that only loggers use. */
export class ActiveOverride implements Override {
  readonly id: string
  readonly when: RequestCondition | undefined
  readonly level: Level
  readonly expiresAt: number
  readonly sample: number
  readonly max: number
  declare readonly reason?: string
  declare readonly by?: string
  /** The level as a number. */
  readonly threshold: number
  lines = 0
  readonly #asked: Asked
  readonly #ended: (override: ActiveOverride, why: OverrideEnd, by?: string) => void
  readonly #timer: Timer
  /** Which requests are in the sample; a request is known by the first of its facts, else by its context. */
  readonly #sampled = new WeakMap<object, boolean>()
  #isOver = false

  constructor(
    state: OverrideState,
    asked: Asked,
    threshold: number,
    ttlMs: number,
    ended: (override: ActiveOverride, why: OverrideEnd, by?: string) => void,
  ) {
    this.id = state.id
    this.when = state.when
    this.level = state.level
    this.expiresAt = state.expiresAt
    this.sample = state.sample
    this.max = state.max
    if (state.reason !== undefined) this.reason = state.reason
    if (state.by !== undefined) this.by = state.by
    this.threshold = threshold
    this.#asked = asked
    this.#ended = ended
    this.#timer = clock.setTimer(ttlMs, () => this.finish('expired'))
  }

  /** Whether a line of this level, written under this context, is wanted. Never throws. */
  wants(level: number, ctx: Context): boolean {
    if (level < this.threshold || this.#isOver) return false
    try {
      const isPicked: unknown = this.#asked.holds(ctx)
      return isPicked === true && this.#isSampled(ctx)
    } catch {
      stats.failedOverrides += 1
      return false
    }
  }

  /** Takes note of a line that was let through. */
  count(): void {
    this.lines += 1
    if (this.lines >= this.max) this.finish('used up')
  }

  end(): void {
    this.finish('ended')
  }

  finish(why: OverrideEnd, by?: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer.cancel()
    this.#ended(this, why, by)
  }

  [Symbol.dispose](): void {
    this.end()
  }

  #isSampled(ctx: Context): boolean {
    if (this.sample === 1) return true
    let request = requestOf(ctx)
    while (request?.outer !== undefined) request = request.outer
    const subject = request ?? ctx
    let isIn = this.#sampled.get(subject)
    if (isIn === undefined) {
      isIn = Math.random() < this.sample
      this.#sampled.set(subject, isIn)
    }
    return isIn
  }
}
