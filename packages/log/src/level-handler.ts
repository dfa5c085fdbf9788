// Levels over HTTP, as one fetch-style function. It answers clients of zap's AtomicLevel (GET and PUT on the
// base) and of Spring Boot's /loggers (GET and POST on a name) as they are, and adds what an incident needs:
// changes that end by themselves, a reason for the audit line, and a way back.
//
//   curl localhost:9000/log/levels
//   curl -X PUT localhost:9000/log/levels -d level=debug
//   curl -X PUT localhost:9000/log/levels/db -d '{"level":"debug","ttl":"5m","reason":"slow queries"}'
//   curl -X DELETE localhost:9000/log/levels/db

import { parseDuration } from './duration.ts'
import { checkOptionNames, LogError } from './errors.ts'
import { describeLogger, describeTree, dialectFor, targetName, wireName } from './level-dialect.ts'
import type { Dialect } from './level-dialect.ts'
import { INFO, levelNumber } from './level.ts'
import { parseTarget } from './level-spec.ts'
import type { Change, LevelTree, SetLevelOptions } from './levels.ts'
import { property } from './property.ts'
import { parseObject, readText, Refusal } from './request-body.ts'

/** Who may use the handler, and where it is mounted. */
export interface LevelHandlerOptions {
  /**
   * Decides each request; false, or a throw, is answered with 403. `'none'` opens the handler to everybody who
   * can reach it, which is right on a loopback port only.
   *
   * It must not read the request's body, which the handler reads within its bounds of bytes and time: a change
   * whose body is already read is answered with 400. Decide by headers, or give it a clone of your own making.
   */
  authorize: ((request: Request) => boolean | Promise<boolean>) | 'none'
  /** The path of the level tree. Default `'/log/levels'`. */
  base?: string | undefined
}

/**
 * A handler for
 *
 * | request | meaning |
 * |---|---|
 * | `GET {base}` | all levels; `HEAD` likewise |
 * | `PUT {base}` | the root's level, from a form, JSON, or `?level=` (zap) |
 * | `GET {base}/{name}` | one logger; 404 if unknown. The root is `ROOT` (Spring) |
 * | `POST {base}/{name}` | `{"configuredLevel":"DEBUG"}`, null to inherit; 204 (Spring) |
 * | `PUT {base}/{name}` | `{"level":"debug","ttl":"15m","reason":"…"}`; 200 with before, after, expiresAt |
 * | `DELETE {base}[/{name}]` | back to the start-up state |
 *
 * Levels below `info` end after 15 minutes unless `ttl` says otherwise (a number of milliseconds, `"90s"`,
 * `"1h30m"`, at most 24 h; `"none"` for no end), also when clients of zap or Spring set them: replies to PUT and
 * GET show `expiresAt`. `If-Match` with the `ETag` of a GET guards against changes in between. A logger that is
 * really named `ROOT` is `=ROOT`. Bodies have at most 4 KiB. A request from another origin's page changes nothing.
 *
 * Throws `LogError`: `KIT_LOG_NO_AUTHORIZE` without `authorize`, `KIT_LOG_BAD_OPTION`, `KIT_LOG_UNKNOWN_OPTION`.
 * The handler itself never rejects.
 */
export function levelHandler(
  levels: LevelTree,
  options: LevelHandlerOptions,
): (request: Request) => Promise<Response> {
  const { authorize, base } = resolveOptions(options)
  return async (request) => {
    const dialect = dialectFor(request.headers.get('accept'))
    const response = await answer(request, dialect).catch((error: unknown) => refuse(error, dialect))
    return request.method === 'HEAD' ? new Response(null, response) : response
  }

  async function answer(request: Request, dialect: Dialect): Promise<Response> {
    if (authorize !== 'none') await admit(request, authorize)
    const url = new URL(request.url)
    return route(levels, request, url, namePart(url.pathname, base), dialect)
  }
}

type Authorize = Exclude<LevelHandlerOptions['authorize'], 'none'>

const DEFAULT_TTL_MS = 15 * 60_000
const MAX_TTL_MS = 24 * 3_600_000
const MAX_REASON = 256

function resolveOptions(options: LevelHandlerOptions): { authorize: Authorize | 'none'; base: string } {
  const { authorize, base = '/log/levels' } = options ?? {}
  if (authorize !== 'none' && typeof authorize !== 'function') {
    throw new LogError(
      'KIT_LOG_NO_AUTHORIZE',
      "levelHandler needs authorize: a function that decides each request, or 'none' if only loopback reaches it.",
    )
  }
  checkOptionNames('levelHandler', options, ['authorize', 'base'])
  if (typeof base !== 'string' || !base.startsWith('/')) {
    throw new LogError('KIT_LOG_BAD_OPTION', "base is a path that starts with '/', such as '/log/levels'.")
  }
  return { authorize, base: base.replace(/\/+$/, '') }
}

async function admit(request: Request, authorize: Authorize): Promise<void> {
  let allowed = false
  try {
    const answer: unknown = await authorize(request)
    allowed = answer === true
  } catch {
    // A check that fails has not allowed anything.
  }
  if (!allowed) throw new Refusal(403, 'forbidden')
}

/** The target in a path: undefined for the base itself. */
function namePart(pathname: string, base: string): string | undefined {
  // One slash at the end is a habit of clients; a name that ends with a slash writes it as %2F.
  const path = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname
  if (path === base) return undefined
  if (!path.startsWith(`${base}/`) || path.endsWith('/')) throw new Refusal(404, 'not found')
  let name: string
  try {
    name = decodeURIComponent(path.slice(base.length + 1))
  } catch {
    throw new Refusal(400, 'malformed logger name')
  }
  const target = targetName(name)
  parseTarget(target)
  return target
}

async function route(
  levels: LevelTree,
  request: Request,
  url: URL,
  name: string | undefined,
  dialect: Dialect,
): Promise<Response> {
  const methods = name === undefined ? 'GET, HEAD, PUT, DELETE' : 'GET, HEAD, PUT, POST, DELETE'
  const { method } = request
  if (!methods.split(', ').includes(method)) {
    return reply(405, dialect, { error: `only ${methods} are supported` }, { allow: methods })
  }
  if (method === 'GET' || method === 'HEAD') return show(levels, name, dialect)
  refuseForeign(request, url)
  switch (method) {
    case 'PUT':
      return name === undefined
        ? putRoot(levels, request, url, dialect)
        : putName(levels, name, request, dialect)
    case 'POST':
      return postName(levels, name ?? '', request)
    default:
      return reset(levels, name, request, dialect)
  }
}

function show(levels: LevelTree, name: string | undefined, dialect: Dialect): Response {
  if (name !== undefined && !levels.has(name)) throw new Refusal(404, 'no such logger')
  const body =
    name === undefined
      ? describeTree(levels, dialect)
      : { name: wireName(name), ...describeLogger(levels.get(name), dialect) }
  return reply(200, dialect, body, { etag: entityTag(levels) })
}

/** No page of another origin changes anything. */
function refuseForeign(request: Request, url: URL): void {
  const origin = request.headers.get('origin')
  if (origin !== null && origin !== url.origin)
    throw new Refusal(403, 'a page of another origin changes no levels')
}

/**
 * No change since the client looked. To be called directly before a change, with nothing awaited in between, and
 * after all other checks, as RFC 9110, section 13.2.1, has it.
 */
function refuseStale(levels: LevelTree, request: Request): void {
  const expected = request.headers.get('if-match')
  if (expected === null || expected === '*') return
  const tags = expected.split(',').map((tag) => tag.trim())
  if (!tags.includes(entityTag(levels)))
    throw new Refusal(412, 'the levels have changed since they were read')
}

async function putRoot(levels: LevelTree, request: Request, url: URL, dialect: Dialect): Promise<Response> {
  const text = await readText(request)
  const isForm = mediaType(request) === 'application/x-www-form-urlencoded'
  const wanted = text !== '' && !isForm ? parseObject(text) : fromForm(text, url.searchParams)
  // As in zap: there is nothing for the root to inherit from. `ROOT` takes null, as in Spring.
  const change = apply(levels, '', request, wanted, wanted['level'] ?? undefined)
  return reply(200, dialect, { level: dialect.level(change.after), ...describeChange(change, dialect) })
}

async function putName(
  levels: LevelTree,
  name: string,
  request: Request,
  dialect: Dialect,
): Promise<Response> {
  const wanted = parseObject(await readText(request))
  const change = apply(levels, name, request, wanted, wanted['level'])
  return reply(200, dialect, describeChange(change, dialect))
}

async function postName(levels: LevelTree, name: string, request: Request): Promise<Response> {
  // A page of another origin can post forms and plain text unasked, but not JSON.
  if (!/^application\/(?:[\w.-]+\+)?json$/.test(mediaType(request)))
    throw new Refusal(415, 'the body must be JSON')
  const wanted = parseObject(await readText(request))
  apply(levels, name, request, wanted, wanted['configuredLevel'] ?? null)
  return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
}

function reset(levels: LevelTree, name: string | undefined, request: Request, dialect: Dialect): Response {
  if (name !== undefined && !levels.has(name)) throw new Refusal(404, 'no such logger')
  refuseStale(levels, request)
  const changes = levels.reset(name)
  return reply(200, dialect, { changes: changes.map((change) => describeChange(change, dialect)) })
}

function apply(
  levels: LevelTree,
  name: string,
  request: Request,
  wanted: Record<string, unknown>,
  level: unknown,
): Change {
  if (level === undefined) throw new Refusal(400, 'must specify a level')
  if (level !== null && (typeof level !== 'string' || levelNumber(level) === undefined)) {
    throw new Refusal(400, `unrecognized level: ${JSON.stringify(level).slice(0, 64)}`)
  }
  const { reason } = wanted
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > MAX_REASON)) {
    throw new Refusal(400, `reason is a text of at most ${MAX_REASON} characters`)
  }
  const ttlMs = lifetime(wanted['ttl'], level)
  const options: SetLevelOptions = { by: 'http', ttlMs, reason }
  refuseStale(levels, request)
  return levels.set(name, level, options)
}

/** How long a change lasts, in milliseconds; undefined for ever. */
function lifetime(ttl: unknown, level: string | null): number | undefined {
  if (ttl === 'none' || level === null) return undefined
  if (ttl === undefined) return (levelNumber(level) ?? INFO) < INFO ? DEFAULT_TTL_MS : undefined
  const ms = typeof ttl === 'string' ? parseDuration(ttl) : ttl
  if (typeof ms !== 'number' || !(ms > 0)) {
    throw new Refusal(400, 'ttl is a duration such as "15m" or "1h30m", a number of milliseconds, or "none"')
  }
  return Math.min(ms, MAX_TTL_MS)
}

/** A form's members; what the body does not say, the query may. */
function fromForm(text: string, query: URLSearchParams): Record<string, unknown> {
  const form = new URLSearchParams(text)
  const wanted: Record<string, unknown> = Object.create(null)
  for (const name of ['level', 'ttl', 'reason']) {
    const value = form.get(name) ?? query.get(name)
    if (value !== null) wanted[name] = value
  }
  return wanted
}

function describeChange(change: Change, dialect: Dialect): object {
  return {
    name: wireName(change.name),
    before: dialect.level(change.before),
    after: dialect.level(change.after),
    ...(change.expiresAt === undefined ? undefined : { expiresAt: change.expiresAt }),
    revision: change.revision,
  }
}

function mediaType(request: Request): string {
  return (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

function entityTag(levels: LevelTree): string {
  return `"${levels.revision}"`
}

function refuse(error: unknown, dialect: Dialect): Response {
  if (error instanceof Refusal) return reply(error.status, dialect, { error: error.message })
  // By code and not by class: the level tree may belong to another copy of this package.
  const code: unknown = error instanceof Error ? property(error, 'code') : undefined
  if (!(error instanceof Error) || typeof code !== 'string' || !/^KIT_LOG_[A-Z_]+$/.test(code)) {
    return reply(500, dialect, { error: 'internal error' })
  }
  return reply(code === 'KIT_LOG_TOO_MANY_NAMES' ? 409 : 400, dialect, { error: error.message })
}

function reply(
  status: number,
  dialect: Dialect,
  body: object,
  headers: Record<string, string> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': dialect.mediaType,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    },
  })
}
