// How level trees are spelled on the wire. One body serves three readers: this package's own clients, those of
// zap's AtomicLevel (`level`), and those of Spring Boot's /loggers (`levels`, `loggers`, `configuredLevel`,
// `effectiveLevel`). Spring's media type, when the client asks for it, makes the levels upper case.

import type { AuditRecord } from './audit.ts'
import type { Exchange } from './level-exchange.ts'
import { levelOfGroup } from './level-groups.ts'
import type { LevelGroups } from './level-groups.ts'
import { levelNames } from './level.ts'
import type { Level } from './level.ts'
import type { Change, LevelState, LevelTree } from './levels.ts'
import type { Override } from './override.ts'
import { withoutCredentials } from './redact.ts'

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

/** Names that mean something else on the network: Spring calls the root ROOT, and `-` leads to what is no logger. */
const TAKEN = /^(?:ROOT|-|-\/.*)$/

/**
 * The name that the network uses for a target. A logger whose name is taken, by a group for one, has a `=` before it,
 * which no name has.
 */
export function wireName(name: string, groups: LevelGroups): string {
  if (TAKEN.test(name) || groups.has(name)) return `=${name}`
  return name === '' ? 'ROOT' : name
}

/** The reverse of `wireName`; any name may have the `=`. */
export function targetName(name: string): string {
  if (name.startsWith('=')) return name.slice(1)
  return name === 'ROOT' ? '' : name
}

/** The whole tree as a body. */
export function describeTree({ levels, dialect, groups }: Exchange): object {
  const loggers: Record<string, object> = Object.create(null)
  for (const state of levels.list()) loggers[wireName(state.name, groups)] = describeLogger(state, dialect)
  const described: Record<string, object> = Object.create(null)
  for (const [name, members] of groups) described[name] = describeGroup(members, levels, dialect)
  return {
    level: dialect.level(levels.get().level),
    levels: levelNames.toReversed().map((level) => dialect.level(level)),
    loggers,
    groups: described,
    overrides: levels.overrides().map((one) => describeOverride(one, dialect, false)),
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

/** A group as a body. As Spring's, it has a level only where it has one. */
export function describeGroup(members: readonly string[], levels: LevelTree, dialect: Dialect): object {
  const level = levelOfGroup(levels, members)
  return {
    ...(level === undefined ? undefined : { configuredLevel: dialect.level(level) }),
    members: members.map((member) => (member === '' ? 'ROOT' : member)),
  }
}

/** A change as a body. */
export function describeChange(change: Change, { dialect, groups }: Exchange): object {
  return {
    name: wireName(change.name, groups),
    before: dialect.level(change.before),
    after: dialect.level(change.after),
    ...(change.expiresAt === undefined ? undefined : { expiresAt: change.expiresAt }),
    revision: change.revision,
  }
}

/** An override as a body. Its count of lines has no place where an entity tag says that nothing has changed. */
export function describeOverride(override: Override, dialect: Dialect, counts = true): object {
  const { id, when, level, expiresAt, sample, max, lines, reason, by } = override
  return {
    id,
    // A condition that is a function says nothing to others.
    when: when ?? null,
    level: dialect.level(level),
    expiresAt,
    sample,
    max,
    ...(counts ? { lines } : undefined),
    ...(reason === undefined ? undefined : { reason: withoutCredentials(reason) }),
    ...(by === undefined ? undefined : { by: withoutCredentials(by) }),
  }
}

/** An entry of the audit as a body. Whoever may read the levels need not read what the log hides of a reason. */
export function describeAudit(record: AuditRecord): object {
  const { reason, by } = record
  return {
    ...record,
    ...(reason === undefined ? undefined : { reason: withoutCredentials(reason) }),
    ...(by === undefined ? undefined : { by: withoutCredentials(by) }),
  }
}

function springLevel(level: Level): string {
  return level === 'silent' ? 'OFF' : level.toUpperCase()
}
