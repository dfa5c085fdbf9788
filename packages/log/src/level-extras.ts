// What stands beside the levels, under `{base}/-/`: overrides, the audit, and the recordings, to be written now.

import { describeAudit, describeOverride } from './level-dialect.ts'
import { appliedTo, readEnd, readLevel, readReason, refuseStale, requireJson } from './level-exchange.ts'
import type { Exchange, Resource } from './level-exchange.ts'
import { reply } from './level-reply.ts'
import type { Override, OverrideOptions } from './override.ts'
import { parseObject, readText, Refusal } from './request-body.ts'

/** The resource at this path under `{base}/-/`, undefined if there is none. */
export function extraResource(path: string): Resource | undefined {
  const [first, id, ...rest] = path.split('/')
  if (rest.length > 0 || id === '') return undefined
  if (first === 'overrides') return id === undefined ? overrides : oneOverride(id)
  if (id !== undefined) return undefined
  return first === 'audit' ? audit : first === 'flush' ? flush : undefined
}

const overrides: Resource = {
  GET: ({ levels, dialect }) =>
    reply(200, dialect, { overrides: levels.overrides().map((one) => describeOverride(one, dialect)) }),
  POST: create,
  DELETE: (exchange) => end(exchange, exchange.levels.overrides()),
}

function oneOverride(id: string): Resource {
  const find = ({ levels }: Exchange): Override => {
    const override = levels.overrides().find((one) => one.id === id)
    if (override === undefined) throw new Refusal(404, 'no such override')
    return override
  }
  return {
    GET: (exchange) => reply(200, exchange.dialect, describeOverride(find(exchange), exchange.dialect)),
    DELETE: (exchange) => end(exchange, [find(exchange)]),
  }
}

const audit: Resource = {
  GET: ({ levels, dialect }) => reply(200, dialect, { audit: levels.audit().map(describeAudit) }),
}

/** No level changes, so there is nothing to compare with `If-Match`. */
const flush: Resource = {
  POST: async (exchange) => {
    const { request, levels, dialect } = exchange
    const text = await readText(request)
    if (text !== '') requireJson(request)
    const { reason, ...others } = text === '' ? {} : parseObject(text)
    if (Object.keys(others).length > 0) throw new Refusal(400, 'a flush has no other member than reason')
    const by = exchange.author()
    return reply(200, dialect, levels.dumpRecordings(readReason(reason) ?? 'asked for', by))
  },
}

const MEMBERS: ReadonlySet<string> = new Set(['when', 'level', 'ttl', 'sample', 'max', 'reason'])

async function create(exchange: Exchange): Promise<Response> {
  const { request, base, levels, dialect } = exchange
  requireJson(request)
  const wanted = parseObject(await readText(request))
  for (const member of Object.keys(wanted)) {
    if (!MEMBERS.has(member)) {
      const known = [...MEMBERS].join(', ')
      throw new Refusal(400, `an override has ${known}, not ${JSON.stringify(member.slice(0, 64))}`)
    }
  }
  const { when, level, ttl, sample, max, reason } = wanted
  // The tree checks the rest.
  const options = {
    when: when ?? {},
    level: readLevel(level) ?? '',
    ttlMs: readEnd(ttl),
    sample,
    max,
    reason: readReason(reason),
    by: exchange.author(),
  } as OverrideOptions
  refuseStale(exchange)
  const override = levels.override(options)
  const { revision } = levels
  const places = await appliedTo(exchange)
  const body = { ...describeOverride(override, dialect), revision, appliedTo: places }
  return reply(201, dialect, body, { location: `${base}/-/overrides/${override.id}` })
}

async function end(exchange: Exchange, those: readonly Override[]): Promise<Response> {
  const { levels, dialect } = exchange
  refuseStale(exchange)
  const by = exchange.author()
  for (const { id } of those) levels.endOverride(id, by)
  const { revision } = levels
  const places = await appliedTo(exchange)
  const ended = those.map(({ id, lines }) => ({ id, lines }))
  return reply(200, dialect, { ended, revision, appliedTo: places })
}
