// The grammar in which levels are written down, one for the option, the environment and the network:
//
//   spec   = entry *( "," entry )
//   entry  = level                  ; the root
//          / target "=" level
//   target = name                   ; that logger, and below it whatever has no nearer setting
//          / name ".*" / "*"        ; the descendants of that logger (of the root), not the logger itself
//
// Spaces around the parts are ignored. Later entries for the same target replace earlier ones.

import { LogError } from './errors.ts'
import { requireLevel } from './level.ts'

/** What a setting applies to: a logger by name, or with `below` only the loggers under it. The root's name is ''. */
export interface LevelTarget {
  readonly name: string
  readonly below: boolean
}

/** One entry of a spec. */
export interface LevelSpecEntry {
  readonly target: LevelTarget
  readonly level: number
}

const MAX_NAME_LENGTH = 256
const MAX_SPEC_LENGTH = 16_384

// Whitespace, everything that can disturb a terminal or a line, and the characters of the grammar itself.
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const NOT_IN_NAMES = /[\s,;=*\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/

/**
 * Reads a spec such as `info,db.*=debug,http=warn`. An empty text is an empty list.
 * Throws `LogError`: `KIT_LOG_BAD_SPEC`, `KIT_LOG_BAD_LEVEL`, `KIT_LOG_BAD_NAME`.
 */
export function parseLevelSpec(text: string): LevelSpecEntry[] {
  if (text.length > MAX_SPEC_LENGTH) {
    throw new LogError('KIT_LOG_BAD_SPEC', `A level spec has at most ${MAX_SPEC_LENGTH} characters.`)
  }
  if (text.trim() === '') return []
  return text.split(',').map(parseEntry)
}

/**
 * Reads the left side of an entry: `db`, `db.*`, `*`, or `''` for the root.
 * Throws a `LogError` with code `KIT_LOG_BAD_NAME`.
 */
export function parseTarget(text: string): LevelTarget {
  if (text === '' || text === '*') return { name: '', below: text === '*' }
  const below = typeof text === 'string' && text.endsWith('.*')
  const name = below ? text.slice(0, -2) : text
  checkName(name)
  return { name, below }
}

/** The text that `parseTarget` reads as this target. */
export function formatTarget(name: string, below: boolean): string {
  if (!below) return name
  return name === '' ? '*' : `${name}.*`
}

/** Throws a `LogError` with code `KIT_LOG_BAD_NAME` unless `name` can be the dotted name of a logger. */
export function checkName(name: unknown): asserts name is string {
  if (
    typeof name !== 'string' ||
    name.length > MAX_NAME_LENGTH ||
    NOT_IN_NAMES.test(name) ||
    hasEmptySegment(name)
  ) {
    const got =
      typeof name === 'string' ? JSON.stringify(name.slice(0, 64)) : `something of type ${typeof name}`
    throw new LogError(
      'KIT_LOG_BAD_NAME',
      `A logger name is 1 to ${MAX_NAME_LENGTH} characters, in segments joined by single dots, without ` +
        `spaces, control characters, ',', ';', '=' and '*'. Got ${got}.`,
    )
  }
}

function parseEntry(entry: string): LevelSpecEntry {
  const equals = entry.indexOf('=')
  if (equals === -1) {
    if (entry.trim() === '') throw badEntry(entry)
    return { target: { name: '', below: false }, level: requireLevel(entry.trim()) }
  }
  const target = entry.slice(0, equals).trim()
  const level = entry.slice(equals + 1).trim()
  if (target === '' || level === '') throw badEntry(entry)
  return { target: parseTarget(target), level: requireLevel(level) }
}

function badEntry(entry: string): LogError {
  return new LogError(
    'KIT_LOG_BAD_SPEC',
    `${JSON.stringify(entry.slice(0, 64))} is no entry of a level spec. Write it like 'info,db.*=debug,http=warn'.`,
  )
}

function hasEmptySegment(name: string): boolean {
  return name === '' || name.startsWith('.') || name.endsWith('.') || name.includes('..')
}
