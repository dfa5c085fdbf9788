/**
 * The template of the route that answered, mounts included: `/orgs/:org/users/:id`.
 *
 * Express knows which Route matched (`req.route`) but not through which mounts it was reached: `req.baseUrl` holds
 * what the client wrote there, and is gone once an error leaves a nested router. So the router tree is searched
 * for the Route, once for each Route, and what was found is kept. Nothing is patched, and nothing that a client
 * wrote gets into a template.
 */

import type { IncomingMessage } from 'node:http'
import type { DeclaredPath, Layer, PathPattern } from './layer.ts'
import { alternativesIn, isAppMount, patternsOf, subRouter } from './layer.ts'

/** An application; `mountpath` and `parent` are set when it is mounted in another with `app.use`. */
export interface Application {
  readonly router?: { readonly stack?: readonly Layer[] }
  readonly _router?: { readonly stack?: readonly Layer[] }
  readonly mountpath?: DeclaredPath
  readonly parent?: Application
}

/** The part of an Express request that the template is read from. */
export interface RoutedRequest extends IncomingMessage {
  readonly route?: { readonly path: DeclaredPath }
  readonly app?: Application
  readonly baseUrl?: string
  readonly originalUrl?: string
}

/** One way to a route: the patterns of its mounts, outermost first, and of the route itself. */
interface Way {
  readonly template: string
  readonly patterns: readonly PathPattern[]
}

/** Routes live as long as their application; mounts added after a route was first reached are not seen. */
const waysTo: WeakMap<object, readonly Way[]> = new WeakMap()

/**
 * The applications that requests were seen in, by the one where they came in. An application mounted with `app.use` stands
 * behind a closure, so no search from above finds it; but while it handles a request, `req.app` is it.
 */
const seenIn: WeakMap<Application, Set<Application>> = new WeakMap()

/**
 * The template of the matched route, or undefined when none matched. `entry` is the application in which the
 * request was first seen.
 */
export function routeOf(req: RoutedRequest, entry: Application | undefined): string | undefined {
  const { route, app } = req
  if (app === undefined || entry === undefined) return undefined
  const known = route === undefined ? undefined : waysTo.get(route)
  if (known?.length === 1) return known[0]?.template

  const apps = appsAround(entry, app)
  if (route === undefined) return undefined
  const ways = known ?? findWays(apps, route)
  if (ways.length > 0) return pick(ways, req)

  // The error of a mounted application came before any of its answers: all that is known is a mount it went through.
  const path = routedPath(req)
  const mount = appMountsOf(app).find((pattern) => pattern.match(path) !== undefined)
  return join(mount?.template ?? '', declared(route.path))
}

/** The application where the request came in, the one that has it now, and all that are known between them. */
function appsAround(entry: Application, app: Application): Set<Application> {
  let seen = seenIn.get(entry)
  if (seen === undefined) seenIn.set(entry, (seen = new Set([entry])))
  // Without a parent it was called by a handler, which may have made it for this one request: it is not kept.
  if (app !== entry && app.parent === undefined) return new Set([...seen, app])
  for (let at: Application | undefined = app; at !== undefined; at = at.parent) seen.add(at)
  return seen
}

function findWays(apps: Set<Application>, route: object): readonly Way[] {
  const found: Way[] = []
  for (const app of apps) {
    for (const mounts of mountsOf(app)) search(layersOf(app), route, mounts, new Set(), found)
  }
  if (found.length > 0) waysTo.set(route, found)
  return found
}

function search(
  layers: readonly Layer[],
  route: object,
  above: readonly PathPattern[],
  open: Set<object>,
  found: Way[],
): void {
  if (open.has(layers)) return // a router that contains itself
  open.add(layers)
  for (const layer of layers) {
    if (layer.route !== undefined && layer.route !== route) continue
    const below = layer.route === route ? undefined : subRouter(layer)
    if (layer.route === undefined && below === undefined) continue
    for (const pattern of patternsOf(layer)) {
      const patterns = [...above, pattern]
      if (below !== undefined) search(below, route, patterns, open, found)
      else found.push({ template: join(...patterns.map((part) => part.template)), patterns })
    }
  }
  open.delete(layers)
}

/** Of several ways to a route, the one that matches what was asked for, as middleware rewrote it or as it came. */
function pick(ways: readonly Way[], req: RoutedRequest): string {
  const taken =
    ways.length === 1 ? ways[0] : (wayTo(ways, routedPath(req)) ?? wayTo(ways, sentPath(req)) ?? ways[0])
  return taken?.template ?? ''
}

function wayTo(ways: readonly Way[], path: string): Way | undefined {
  return ways.find((way) => leads(way, path))
}

/** What the routers matched: at the end, what they took off the target is in `baseUrl` or back in `url`. */
function routedPath({ baseUrl = '', url = '/' }: RoutedRequest): string {
  return baseUrl + pathname(url)
}

/** What the client sent: a handler may have rewritten `url` for those it hands the request to. */
function sentPath({ originalUrl, url = '/' }: RoutedRequest): string {
  return pathname(originalUrl ?? url)
}

function leads(way: Way, path: string): boolean {
  let rest = path
  for (const pattern of way.patterns) {
    const matched = pattern.match(rest)
    if (matched === undefined) return false
    rest = rest.slice(matched.length)
    if (!rest.startsWith('/')) rest = `/${rest}`
  }
  return true
}

/**
 * Where an application is mounted, through all its parents. It tells the last of its mounts only, and what is behind the
 * other mounts of its parent does not show; so they follow, for requests that did not come by the one that is told.
 */
function mountsOf(app: Application): readonly (readonly PathPattern[])[] {
  const { parent } = app
  if (parent === undefined) return [[]]
  const told = new Set(alternativesIn(app.mountpath ?? '').map((template) => join(template)))
  const isTold = ({ template }: PathPattern): boolean => told.has(join(template))
  const patterns = appMountsOf(parent)
  const own = patterns.filter(isTold)
  const mounts =
    own.length > 0
      ? [...own, ...patterns.filter((pattern) => !isTold(pattern))]
      : [{ template: declared(app.mountpath), match: () => undefined }]
  return mountsOf(parent).flatMap((above) => mounts.map((mount) => [...above, mount]))
}

function appMountsOf(app: Application): PathPattern[] {
  return layersOf(app).filter(isAppMount).flatMap(patternsOf)
}

function layersOf(app: Application): readonly Layer[] {
  // Express 4 throws when its `router` is read, and Express 5 has no `_router`.
  return (app._router ?? app.router)?.stack ?? []
}

/** A path as it was declared; alternatives that cannot be told apart are joined with `|`. */
function declared(path: DeclaredPath = ''): string {
  return alternativesIn(path).join('|')
}

/** Joins templates so that `/` adds nothing: `/orgs/:org` and `/` are `/orgs/:org`. */
function join(...parts: string[]): string {
  const kept = parts.filter((part) => part !== '' && part !== '/').map((part) => part.replace(/\/$/, ''))
  return kept.length > 0 ? kept.join('') : '/'
}

/** The path of a request target: without query, and without the origin that the absolute form has. */
function pathname(target: string): string {
  return target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '')
}
