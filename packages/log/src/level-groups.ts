// Groups of loggers, as Spring Boot has them: one name for several targets, whose levels are changed together. What a
// group is set to is what all its members are set to, so it is never out of date.

import type { Level } from './level.ts'
import { LogError } from './errors.ts'
import { parseTarget } from './level-spec.ts'
import type { LevelTree } from './levels.ts'

/** The targets of each group, by its name. */
export type LevelGroups = ReadonlyMap<string, readonly string[]>

const MAX_GROUPS = 256
const MAX_MEMBERS = 256
/** What means something else on the network, beside the names that Spring's clients cannot write. */
const TAKEN = /^(?:ROOT|level|spec|ttl|reason|-|-\/.*|=.*)?$/

/** Checks the option. Throws a `LogError` with code `KIT_LOG_BAD_OPTION`. */
export function resolveGroups(option: unknown): LevelGroups {
  if (option === undefined) return new Map()
  if (typeof option !== 'object' || option === null)
    throw bad('groups is an object such as { web: ["http"] }.')
  const groups = Object.entries(option)
  if (groups.length > MAX_GROUPS) throw bad(`groups has at most ${MAX_GROUPS} of them.`)
  return new Map(groups.map(([name, members]) => [name, membersOf(name, members)]))
}

function membersOf(name: string, members: unknown): readonly string[] {
  const group = JSON.stringify(name).slice(0, 64)
  if (TAKEN.test(name) || !isTarget(name)) throw bad(`groups: ${group} cannot be the name of a group.`)
  if (!Array.isArray(members) || members.length === 0 || members.length > MAX_MEMBERS) {
    throw bad(`groups: ${group} is a list of 1 to ${MAX_MEMBERS} names of loggers.`)
  }
  const targets: readonly unknown[] = members
  if (!targets.every((member): member is string => typeof member === 'string' && isTarget(member))) {
    throw bad(`groups: the members of ${group} are names of loggers, or globs such as "db.*".`)
  }
  if (new Set(targets).size !== targets.length) throw bad(`groups: ${group} names a logger twice.`)
  return [...targets]
}

/** The level that all members are set to; undefined when they differ, or inherit. */
export function levelOfGroup(levels: LevelTree, members: readonly string[]): Level | undefined {
  const configured = new Set(members.map((member) => levels.get(member).configured))
  return configured.size === 1 ? [...configured][0] : undefined
}

function isTarget(name: string): boolean {
  try {
    parseTarget(name)
    return true
  } catch {
    return false
  }
}

function bad(message: string): LogError {
  return new LogError('KIT_LOG_BAD_OPTION', `levelHandler: ${message}`)
}
