// The levels as resources: all of them at the base, each at its name.

import {
  describeChange,
  describeGroup,
  describeLogger,
  describeTree,
  targetName,
  wireName,
} from './level-dialect.ts'
import {
  appliedTo,
  mediaType,
  readLevel,
  readLifetime,
  readReason,
  refuseStale,
  requireJson,
} from './level-exchange.ts'
import type { Exchange, Resource } from './level-exchange.ts'
import type { LevelGroups } from './level-groups.ts'
import { levelName } from './level.ts'
import type { Level } from './level.ts'
import { empty, entityTag, hasTag, reply } from './level-reply.ts'
import { formatTarget, parseLevelSpec, parseTarget } from './level-spec.ts'
import type { Change, LevelSetting, SetLevelOptions } from './levels.ts'
import { parseObject, readForm, readText, Refusal } from './request-body.ts'

/** All levels. */
export const allLevels: Resource = {
  GET: (exchange) => show(exchange, describeTree(exchange)),
  PUT: putRoot,
  PATCH: patch,
  DELETE: (exchange) => reset(exchange, undefined),
}

/** One target by name. */
export function oneLevel(name: string): Resource {
  return {
    GET: (exchange) => {
      const { levels, dialect, groups } = exchange
      if (!levels.has(name)) throw new Refusal(404, 'no such logger')
      return show(exchange, { name: wireName(name, groups), ...describeLogger(levels.get(name), dialect) })
    },
    PUT: (exchange) => put(exchange, name),
    POST: (exchange) => post(exchange, name),
    DELETE: (exchange) => reset(exchange, name),
  }
}

/** A group by its name: what is done to it is done to all its members, or to none. */
export function oneGroup(name: string, members: readonly string[]): Resource {
  return {
    GET: (exchange) => show(exchange, { name, ...describeGroup(members, exchange.levels, exchange.dialect) }),
    PUT: async (exchange) => {
      const wanted = parseObject(await readText(exchange.request))
      return await changed(exchange, applyAll(exchange, members, wanted, wanted['level']))
    },
    POST: async (exchange) => {
      requireJson(exchange.request)
      const wanted = parseObject(await readText(exchange.request))
      applyAll(exchange, members, wanted, wanted['configuredLevel'] ?? null)
      return empty(204)
    },
    DELETE: async (exchange) => {
      refuseStale(exchange)
      const by = exchange.author()
      return await changed(
        exchange,
        members.flatMap((member) => exchange.levels.reset(member, by)),
      )
    },
  }
}

function show({ request, levels, dialect }: Exchange, body: object): Response {
  const etag = entityTag(levels)
  const known = request.headers.get('if-none-match')
  if (known !== null && hasTag(known.replaceAll('W/', ''), levels)) return empty(304, { etag })
  return reply(200, dialect, body, { etag })
}

async function putRoot(exchange: Exchange): Promise<Response> {
  const { request, url, dialect } = exchange
  const text = await readText(request)
  const isForm = mediaType(request) === 'application/x-www-form-urlencoded'
  const wanted =
    text !== '' && !isForm ? parseObject(text) : readForm(text, url.searchParams, ['level', 'ttl', 'reason'])
  // As in zap: there is nothing for the root to inherit from. `ROOT` takes null, as in Spring.
  const change = apply(exchange, '', wanted, wanted['level'] ?? undefined)
  const places = await appliedTo(exchange)
  return reply(200, dialect, {
    level: dialect.level(change.after),
    ...describeChange(change, exchange),
    appliedTo: places,
  })
}

async function put(exchange: Exchange, name: string): Promise<Response> {
  const wanted = parseObject(await readText(exchange.request))
  const change = apply(exchange, name, wanted, wanted['level'])
  const places = await appliedTo(exchange)
  return reply(200, exchange.dialect, { ...describeChange(change, exchange), appliedTo: places })
}

async function post(exchange: Exchange, name: string): Promise<Response> {
  requireJson(exchange.request)
  const wanted = parseObject(await readText(exchange.request))
  apply(exchange, name, wanted, wanted['configuredLevel'] ?? null)
  return empty(204)
}

async function patch(exchange: Exchange): Promise<Response> {
  const { spec, ttl, reason: why, ...rest } = parseObject(await readText(exchange.request))
  const reason = readReason(why)
  const wanted = spec === undefined ? readMap(rest, exchange.groups) : readSpec(spec, rest)
  if (wanted.size === 0) throw new Refusal(400, 'must specify a level')
  const by = exchange.author()
  const settings: LevelSetting[] = [...wanted].map(([name, level]) => {
    return { name, level, ttlMs: readLifetime(ttl, level), reason, by }
  })
  refuseStale(exchange)
  return await changed(exchange, exchange.levels.setAll(settings))
}

async function reset(exchange: Exchange, name: string | undefined): Promise<Response> {
  if (name !== undefined && !exchange.levels.has(name)) throw new Refusal(404, 'no such logger')
  refuseStale(exchange)
  return await changed(exchange, exchange.levels.reset(name, exchange.author()))
}

async function changed(exchange: Exchange, changes: readonly Change[]): Promise<Response> {
  const { levels, dialect } = exchange
  const { revision } = levels
  const places = await appliedTo(exchange)
  return reply(200, dialect, {
    changes: changes.map((change) => describeChange(change, exchange)),
    revision,
    appliedTo: places,
  })
}

function apply(exchange: Exchange, name: string, wanted: Record<string, unknown>, level: unknown): Change {
  const { to, ...how } = readChange(exchange, wanted, level)
  return exchange.levels.set(name, to, how)
}

function applyAll(
  exchange: Exchange,
  names: readonly string[],
  wanted: Record<string, unknown>,
  level: unknown,
): readonly Change[] {
  const { to, ...how } = readChange(exchange, wanted, level)
  return exchange.levels.setAll(names.map((name) => ({ name, level: to, ...how })))
}

/** What to change to, and how. Nothing may be awaited between this and the change. */
function readChange(
  exchange: Exchange,
  wanted: Record<string, unknown>,
  level: unknown,
): SetLevelOptions & { readonly to: Level | null } {
  const to = readLevel(level)
  const reason = readReason(wanted['reason'])
  const ttlMs = readLifetime(wanted['ttl'], to)
  const by = exchange.author()
  refuseStale(exchange)
  return { to, by, ttlMs, reason }
}

/**
 * Levels by target, as `{"db.*":"debug","http":null}`. `level` is the root, as in zap; a logger of that name is `=level`.
 * A group stands for its members.
 */
function readMap(members: Readonly<Record<string, unknown>>, groups: LevelGroups): Map<string, Level | null> {
  const wanted = new Map<string, Level | null>()
  for (const [key, value] of Object.entries(members)) {
    for (const name of groups.get(key) ?? [key === 'level' ? '' : targetName(key)]) {
      parseTarget(name)
      if (wanted.has(name)) throw new Refusal(400, `${JSON.stringify(wireName(name, groups))} is there twice`)
      wanted.set(name, readLevel(value))
    }
  }
  return wanted
}

function readSpec(spec: unknown, rest: object): Map<string, Level | null> {
  if (typeof spec !== 'string') throw new Refusal(400, "spec is a text such as 'info,db.pool=trace'")
  if (Object.keys(rest).length > 0) throw new Refusal(400, 'spec stands alone, but for ttl and reason')
  return new Map(
    parseLevelSpec(spec).map(({ target, level }) => [
      formatTarget(target.name, target.below),
      levelName(level),
    ]),
  )
}
