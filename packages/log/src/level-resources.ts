// The levels as resources: all of them at the base, each at its name.

import { describeChange, describeLogger, describeTree, targetName, wireName } from './level-dialect.ts'
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
import { levelName } from './level.ts'
import type { Level } from './level.ts'
import { empty, entityTag, hasTag, reply } from './level-reply.ts'
import { formatTarget, parseLevelSpec, parseTarget } from './level-spec.ts'
import type { Change, LevelSetting } from './levels.ts'
import { parseObject, readForm, readText, Refusal } from './request-body.ts'

/** All levels. */
export const allLevels: Resource = {
  GET: (exchange) => show(exchange, describeTree(exchange.levels, exchange.dialect)),
  PUT: putRoot,
  PATCH: patch,
  DELETE: (exchange) => reset(exchange, undefined),
}

/** One target by name. */
export function oneLevel(name: string): Resource {
  return {
    GET: (exchange) => {
      const { levels, dialect } = exchange
      if (!levels.has(name)) throw new Refusal(404, 'no such logger')
      return show(exchange, { name: wireName(name), ...describeLogger(levels.get(name), dialect) })
    },
    PUT: (exchange) => put(exchange, name),
    POST: (exchange) => post(exchange, name),
    DELETE: (exchange) => reset(exchange, name),
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
    ...describeChange(change, dialect),
    appliedTo: places,
  })
}

async function put(exchange: Exchange, name: string): Promise<Response> {
  const wanted = parseObject(await readText(exchange.request))
  const change = apply(exchange, name, wanted, wanted['level'])
  const places = await appliedTo(exchange)
  return reply(200, exchange.dialect, { ...describeChange(change, exchange.dialect), appliedTo: places })
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
  const wanted = spec === undefined ? readMap(rest) : readSpec(spec, rest)
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
    changes: changes.map((change) => describeChange(change, dialect)),
    revision,
    appliedTo: places,
  })
}

function apply(exchange: Exchange, name: string, wanted: Record<string, unknown>, level: unknown): Change {
  const to = readLevel(level)
  const reason = readReason(wanted['reason'])
  const ttlMs = readLifetime(wanted['ttl'], to)
  const by = exchange.author()
  refuseStale(exchange)
  return exchange.levels.set(name, to, { by, ttlMs, reason })
}

/** Levels by target, as `{"db.*":"debug","http":null}`. `level` is the root, as in zap; a logger of that name is `=level`. */
function readMap(members: Readonly<Record<string, unknown>>): Map<string, Level | null> {
  const wanted = new Map<string, Level | null>()
  for (const [key, value] of Object.entries(members)) {
    const name = key === 'level' ? '' : targetName(key)
    parseTarget(name)
    if (wanted.has(name)) throw new Refusal(400, `${JSON.stringify(wireName(name))} is there twice`)
    wanted.set(name, readLevel(value))
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
