// What the resources of the level handler have in common: the request that they answer, and how its body says what
// is wanted, for how long and why.

import { parseDuration } from './duration.ts'
import type { Dialect } from './level-dialect.ts'
import type { LevelGroups } from './level-groups.ts'
import { INFO, levelNumber } from './level.ts'
import type { Level } from './level.ts'
import { hasTag } from './level-reply.ts'
import type { Place } from './level-operation.ts'
import type { LevelTree } from './levels.ts'
import { Refusal } from './request-body.ts'

/** One request, and what is needed to answer it. */
export interface Exchange {
  readonly request: Request
  readonly url: URL
  /** Where the handler is mounted, without a slash at the end. */
  readonly base: string
  readonly levels: LevelTree
  readonly dialect: Dialect
  readonly groups: LevelGroups
  /** Who asks, for the audit. */
  author(): string
}

/** A resource: what it does for each method. `HEAD` is `GET` without the body. */
export type Resource = Readonly<Record<string, (exchange: Exchange) => Response | Promise<Response>>>

const DEFAULT_TTL_MS = 15 * 60_000
const MAX_TTL_MS = 24 * 3_600_000
const MAX_REASON = 256

/**
 * No change since the client looked. To be called directly before a change, with nothing awaited in between, and
 * after all other checks, as RFC 9110, section 13.2.1, has it.
 */
export function refuseStale({ request, levels }: Exchange): void {
  const expected = request.headers.get('if-match')
  if (expected !== null && !hasTag(expected, levels))
    throw new Refusal(412, 'the levels have changed since they were read')
}

/** A page of another origin can post forms and plain text unasked, but not JSON. */
export function requireJson(request: Request): void {
  if (!/^application\/(?:[\w.-]+\+)?json$/.test(mediaType(request)))
    throw new Refusal(415, 'the body must be JSON')
}

/** The media type of the body, without parameters, in lower case. */
export function mediaType(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/** A level out of a body; null to inherit. */
export function readLevel(level: unknown): Level | null {
  if (level === undefined) throw new Refusal(400, 'must specify a level')
  if (level !== null && levelNumber(level) === undefined) {
    throw new Refusal(400, `unrecognized level: ${JSON.stringify(level).slice(0, 64)}`)
  }
  return level as Level | null
}

/** The reason of a change. */
export function readReason(reason: unknown): string | undefined {
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > MAX_REASON)) {
    throw new Refusal(400, `reason is a text of at most ${MAX_REASON} characters`)
  }
  return reason
}

/** How long a change to this level lasts, in milliseconds; undefined for ever. */
export function readLifetime(ttl: unknown, level: string | null): number | undefined {
  if (level === null) {
    if (ttl !== undefined && ttl !== 'none') readMilliseconds(ttl)
    return undefined
  }
  if (ttl === 'none') return undefined
  if (ttl === undefined) return (levelNumber(level) ?? INFO) < INFO ? DEFAULT_TTL_MS : undefined
  return readMilliseconds(ttl)
}

/** How long something that always ends lasts, in milliseconds. */
export function readEnd(ttl: unknown): number {
  return ttl === undefined ? DEFAULT_TTL_MS : readMilliseconds(ttl)
}

/** Where the change that was made just now was applied. Nothing may be awaited between the change and this. */
export async function appliedTo({ levels }: Exchange): Promise<readonly Place[]> {
  return await levels.applied()
}

function readMilliseconds(ttl: unknown): number {
  const ms = typeof ttl === 'string' ? parseDuration(ttl) : ttl
  if (typeof ms !== 'number' || !(ms > 0)) {
    throw new Refusal(400, 'ttl is a duration such as "15m" or "1h30m", a number of milliseconds, or "none"')
  }
  return Math.min(ms, MAX_TTL_MS)
}
