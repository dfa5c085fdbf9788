// Levels over HTTP, as one fetch-style function. It answers clients of zap's AtomicLevel (GET and PUT on the
// base) and of Spring Boot's /loggers (GET and POST on a name) as they are, and adds what an incident needs:
// changes that end by themselves, a reason for the audit line, a way back, and more of single requests.
//
//   curl localhost:9000/log/levels
//   curl -X PUT localhost:9000/log/levels -d level=debug
//   curl -X PUT localhost:9000/log/levels/db -d '{"level":"debug","ttl":"5m","reason":"slow queries"}'
//   curl -X DELETE localhost:9000/log/levels/db

import { checkOptionNames, LogError } from './errors.ts'
import { dialectFor, targetName } from './level-dialect.ts'
import type { Dialect } from './level-dialect.ts'
import type { Exchange, Resource } from './level-exchange.ts'
import { extraResource } from './level-extras.ts'
import { resolveGroups } from './level-groups.ts'
import type { LevelGroups } from './level-groups.ts'
import { refuse, reply } from './level-reply.ts'
import { allLevels, oneGroup, oneLevel } from './level-resources.ts'
import { parseTarget } from './level-spec.ts'
import type { LevelTree } from './levels.ts'
import { Refusal } from './request-body.ts'

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
  /**
   * The host names that the handler is reached by; requests for others are answered with 403. Default: all, but with
   * `authorize: 'none'` pages of this machine's own names only may change something, so that no stranger's page that
   * has its name point to this machine can.
   */
  hosts?: readonly string[] | undefined
  /**
   * Names for several targets, such as `{ web: ['http', 'express.*'] }`: their levels are read and changed together, under
   * `{base}/{name}` and in a PATCH. At most 256, of at most 256 each. A logger of a group's name is `=` and the name.
   */
  groups?: Readonly<Record<string, readonly string[]>> | undefined
  /** Who asks, for the audit: at most 256 characters of it. Default `'http'`. */
  author?: ((request: Request) => string | undefined) | undefined
}

/**
 * A handler for
 *
 * | request | meaning |
 * |---|---|
 * | `GET {base}` | all levels and overrides; `HEAD` likewise; 304 for `If-None-Match` |
 * | `PUT {base}` | the root's level, from a form, JSON, or `?level=` (zap) |
 * | `PATCH {base}` | several levels, all or none: `{"db.*":"debug","http":null}`, or `{"spec":"info,db.pool=trace"}` |
 * | `GET {base}/{name}` | one logger; 404 if unknown. The root is `ROOT` (Spring) |
 * | `POST {base}/{name}` | `{"configuredLevel":"DEBUG"}`, null to inherit; 204 (Spring) |
 * | `PUT {base}/{name}` | `{"level":"debug","ttl":"15m","reason":"…"}`; 200 with before, after, expiresAt, appliedTo |
 * | `DELETE {base}[/{name}]` | back to the start-up state |
 * | `POST {base}/-/overrides` | `{"when":{"header":{"x-debug":"1"}},"level":"debug","ttl":"5m"}`; 201 with an id |
 * | `GET`, `DELETE {base}/-/overrides[/{id}]` | what is active; end it |
 * | `GET {base}/-/audit` | the last 256 changes, newest first |
 * | `POST {base}/-/flush` | active recordings write what they keep: `{"recordings":2,"lines":31}`; `{"reason":"…"}` |
 *
 * Levels below `info` end after 15 minutes unless `ttl` says otherwise (a number of milliseconds, `"90s"`,
 * `"1h30m"`, at most 24 h; `"none"` for no end), also when clients of zap or Spring set them: replies to PUT and
 * GET show `expiresAt`. `If-Match` with the `ETag` of a GET guards against changes in between. A logger whose name
 * means something else here (`ROOT`, `-`, a group, in a PATCH `level`, `spec`, `ttl`, `reason`) is written with a `=` before it.
 * Bodies have at most 4 KiB. A request from another origin's page changes nothing.
 *
 * Throws `LogError`: `KIT_LOG_NO_AUTHORIZE` without `authorize`, `KIT_LOG_BAD_OPTION`, `KIT_LOG_UNKNOWN_OPTION`.
 * The handler itself never rejects.
 */
export function levelHandler(
  levels: LevelTree,
  options: LevelHandlerOptions,
): (request: Request) => Promise<Response> {
  const resolved = resolveOptions(options)
  return async (request) => {
    const dialect = dialectFor(request.headers.get('accept'))
    const response = await answer(levels, request, dialect, resolved).catch((error: unknown) =>
      refuse(error, dialect),
    )
    return request.method === 'HEAD' ? new Response(null, response) : response
  }
}

interface Resolved {
  readonly authorize: LevelHandlerOptions['authorize']
  readonly base: string
  readonly hosts: ReadonlySet<string> | undefined
  readonly author: (request: Request) => string | undefined
  readonly groups: LevelGroups
}

const MAX_AUTHOR = 256

function resolveOptions(options: LevelHandlerOptions): Resolved {
  const { authorize, base = '/log/levels', hosts, author = () => undefined, groups } = options ?? {}
  if (authorize !== 'none' && typeof authorize !== 'function') {
    throw new LogError(
      'KIT_LOG_NO_AUTHORIZE',
      "levelHandler needs authorize: a function that decides each request, or 'none' if only loopback reaches it.",
    )
  }
  checkOptionNames('levelHandler', options, ['authorize', 'base', 'hosts', 'author', 'groups'])
  if (typeof base !== 'string' || !base.startsWith('/')) {
    throw new LogError('KIT_LOG_BAD_OPTION', "base is a path that starts with '/', such as '/log/levels'.")
  }
  if (hosts !== undefined && !(Array.isArray(hosts) && hosts.every((host) => typeof host === 'string'))) {
    throw new LogError('KIT_LOG_BAD_OPTION', "hosts is a list of host names, such as ['localhost'].")
  }
  if (typeof author !== 'function') {
    throw new LogError('KIT_LOG_BAD_OPTION', 'author is a function that says who sent a request.')
  }
  return {
    authorize,
    base: withoutEndingSlashes(base),
    hosts: hosts === undefined ? undefined : new Set(hosts.map((host) => host.toLowerCase())),
    author,
    groups: resolveGroups(groups),
  }
}

async function answer(
  levels: LevelTree,
  request: Request,
  dialect: Dialect,
  options: Resolved,
): Promise<Response> {
  const url = new URL(request.url)
  if (options.hosts?.has(url.hostname) === false) throw new Refusal(403, 'this host name is not served here')
  if (options.authorize !== 'none') await admit(request, options.authorize)
  const { base, groups } = options
  const resource = find(url.pathname, base, groups)
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const respond = Object.hasOwn(resource, method) ? resource[method] : undefined
  if (respond === undefined) {
    const allow = Object.keys(resource).join(', ').replace('GET', 'GET, HEAD')
    return reply(405, dialect, { error: `only ${allow} are supported` }, { allow })
  }
  if (method !== 'GET') refuseForeign(request, url, options)
  const exchange: Exchange = {
    request,
    url,
    base,
    levels,
    dialect,
    groups,
    author: () => authorOf(request, options.author),
  }
  return respond(exchange)
}

async function admit(
  request: Request,
  authorize: (request: Request) => boolean | Promise<boolean>,
): Promise<void> {
  let allowed = false
  try {
    const decision: unknown = await authorize(request)
    allowed = decision === true
  } catch {
    // A check that fails has not allowed anything.
  }
  if (!allowed) throw new Refusal(403, 'forbidden')
}

/** The resource of a path. */
function find(pathname: string, base: string, groups: LevelGroups): Resource {
  // One slash at the end is a habit of clients; a name that ends with a slash writes it as %2F.
  const path = pathname.endsWith('/') ? pathname.slice(0, -1) : pathname
  if (path === base) return allLevels
  if (!path.startsWith(`${base}/`) || path.endsWith('/')) throw new Refusal(404, 'not found')
  const rest = path.slice(base.length + 1)
  if (rest === '-' || rest.startsWith('-/')) {
    const resource = extraResource(rest.slice(2))
    if (resource === undefined) throw new Refusal(404, 'not found')
    return resource
  }
  let name: string
  try {
    name = decodeURIComponent(rest)
  } catch {
    throw new Refusal(400, 'malformed logger name')
  }
  const members = groups.get(name)
  if (members !== undefined) return oneGroup(name, members)
  const target = targetName(name)
  parseTarget(target)
  return oneLevel(target)
}

/** No page of another origin changes anything; nor one whose name was made to point here (DNS rebinding). */
function refuseForeign(request: Request, url: URL, { authorize, hosts }: Resolved): void {
  const origin = request.headers.get('origin')
  if (origin === null) return
  const isKnown = authorize !== 'none' || hosts !== undefined || isLoopback(url.hostname)
  if (origin !== url.origin || !isKnown) throw new Refusal(403, 'a page of another origin changes no levels')
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  )
}

function authorOf(request: Request, author: (request: Request) => string | undefined): string {
  try {
    const name: unknown = author(request)
    if (typeof name === 'string' && name !== '') return name.slice(0, MAX_AUTHOR)
  } catch {
    // Whoever it was, the change is made: it has been authorized.
  }
  return 'http'
}

function withoutEndingSlashes(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end -= 1
  return path.slice(0, end)
}
