// How level trees are spelled on the wire. One body serves three readers: this package's own clients, those of
// zap's AtomicLevel (`level`), and those of Spring Boot's /loggers (`levels`, `loggers`, `configuredLevel`,
// `effectiveLevel`). Spring's media type, when the client asks for it, makes the levels upper case.

import { levelNames } from './level.ts'
import type { Level } from './level.ts'
import type { LevelState, LevelTree } from './levels.ts'

/** A way to spell levels, and the media type that announces it. */
export interface Dialect {
  readonly mediaType: string
  level(level: Level): string
}

const plain: Dialect = { mediaType: 'application/json; charset=utf-8', level: (level) => level }

const SPRING = /application\/vnd\.spring-boot\.actuator\.v\d\+json/

/** The dialect that an `Accept` header asks for. */
export function dialectFor(accept: string | null): Dialect {
  const mediaType = SPRING.exec(accept ?? '')?.[0]
  return mediaType === undefined ? plain : { mediaType, level: springLevel }
}

/**
 * The name that the network uses for a target: Spring calls the root ROOT. A logger that really has that name is
 * `=ROOT`, which no name can be.
 */
export function wireName(name: string): string {
  if (name === 'ROOT') return '=ROOT'
  return name === '' ? 'ROOT' : name
}

/** The reverse of `wireName`. */
export function targetName(name: string): string {
  if (name === '=ROOT') return 'ROOT'
  return name === 'ROOT' ? '' : name
}

/** The whole tree as a body. */
export function describeTree(levels: LevelTree, dialect: Dialect): object {
  const loggers: Record<string, object> = Object.create(null)
  for (const state of levels.list()) loggers[wireName(state.name)] = describeLogger(state, dialect)
  return {
    level: dialect.level(levels.get().level),
    levels: levelNames.toReversed().map((level) => dialect.level(level)),
    loggers,
    groups: {},
    revision: levels.revision,
  }
}

/** One logger as a body. */
export function describeLogger(state: LevelState, dialect: Dialect): object {
  return {
    configuredLevel: state.configured === undefined ? null : dialect.level(state.configured),
    effectiveLevel: dialect.level(state.level),
    ...(state.expiresAt === undefined ? undefined : { expiresAt: state.expiresAt }),
  }
}

function springLevel(level: Level): string {
  return level === 'silent' ? 'OFF' : level.toUpperCase()
}
