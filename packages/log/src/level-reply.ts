// The answers of the level handler: JSON in the client's dialect, errors included, never kept by a cache.

import type { Dialect } from './level-dialect.ts'
import type { LevelTree } from './levels.ts'
import { property } from './property.ts'
import { Refusal } from './request-body.ts'

/** Of every answer: no cache keeps it, and no browser takes it for anything but what its type says. */
const answerHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

/** A JSON answer. */
export function reply(
  status: number,
  dialect: Dialect,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': dialect.mediaType, ...answerHeaders, ...headers },
  })
}

/** An answer without a body. */
export function empty(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, headers: { ...answerHeaders, ...headers } })
}

const FULL: ReadonlySet<string> = new Set(['KIT_LOG_TOO_MANY_NAMES', 'KIT_LOG_TOO_MANY_OVERRIDES'])

/** The answer to a request that failed: the status of a `Refusal`, 409 for what is full, else 400; 500 for what is not ours. */
export function refuse(error: unknown, dialect: Dialect): Response {
  if (error instanceof Refusal) return reply(error.status, dialect, { error: error.message })
  // By code and not by class: the level tree may belong to another copy of this package.
  const code: unknown = error instanceof Error ? property(error, 'code') : undefined
  if (!(error instanceof Error) || typeof code !== 'string' || !/^KIT_LOG_[A-Z_]+$/.test(code)) {
    return reply(500, dialect, { error: 'internal error' })
  }
  return reply(FULL.has(code) ? 409 : 400, dialect, { error: error.message })
}

/** The tag of the levels as they are. */
export function entityTag(levels: LevelTree): string {
  return `"${levels.revision}"`
}

/** Whether a list of entity tags, as in `If-Match`, names the levels as they are. */
export function hasTag(list: string, levels: LevelTree): boolean {
  return list.trim() === '*' || list.split(',').some((tag) => tag.trim() === entityTag(levels))
}
