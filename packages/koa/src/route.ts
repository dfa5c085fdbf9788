/**
 * The template of the route that answered, mounts included: `/orgs/:org/users/:id`.
 *
 * @koa/router writes the path of each of its layers on the context as that layer's turn comes (`_matchedRoute`): of
 * routes, but of the middleware between them as well. koa-mount writes its prefix there (`mountPath`): that of the last
 * mount that was entered, outer ones and whether it was left again are not told. Both are written while the path is the
 * one that was matched, and at the end it no longer is. So the moment of writing is what counts: two properties of
 * `app.context`, where Koa has its users put what contexts are to have, take note of it. Nothing is wrapped, and nothing
 * that a client wrote gets into a template.
 */

/** A layer of @koa/router: a route, or with no methods a middleware. */
interface RouterLayer {
  readonly path: string | RegExp
  readonly methods: readonly string[]
}

/** The part of a Koa context that the template is read from. */
export interface RoutedContext {
  readonly path: string
  readonly method: string
  /** What the routers' layers match of the path so far, whatever the method. */
  readonly matched?: readonly RouterLayer[]
  mountPath?: unknown
  _matchedRoute?: unknown
  [routing]?: Routing
}

/** A mount that was entered, and the path that it took its prefix from. */
interface Mount {
  readonly prefix: string
  readonly outside: string
}

/** What has been written on a context. */
interface Routing {
  /** The mounts around the request when the last one was entered, outermost first. */
  mounts: readonly Mount[]
  mountPath: unknown
  matchedRoute: unknown
  template: string | undefined
}

/** Shared by every installed copy of this package: the first one to see an application is the one that takes note. */
const routing: unique symbol = Symbol.for('@kit/koa@1.routing') as never

/** Takes note of the routes that a request is led to from now on. What it returns answers the last one's template. */
export function followRoute(ctx: RoutedContext): () => string | undefined {
  const shared = Object.getPrototypeOf(ctx) as object
  if (!(routing in shared)) {
    for (const [name, property] of Object.entries(noting)) Reflect.defineProperty(shared, name, property)
    Reflect.defineProperty(shared, routing, { value: undefined, writable: true })
  }
  adopt(ctx)
  return () => ctx[routing]?.template
}

const noting: Record<'mountPath' | '_matchedRoute', PropertyDescriptor & ThisType<RoutedContext>> = {
  mountPath: {
    configurable: true,
    get() {
      return this[routing]?.mountPath
    },
    set(prefix: unknown) {
      const noted = routingOf(this)
      noted.mountPath = prefix
      if (typeof prefix === 'string') enter(noted, prefix, this.path)
    },
  },
  _matchedRoute: {
    configurable: true,
    get() {
      return this[routing]?.matchedRoute
    },
    set(path: unknown) {
      const noted = routingOf(this)
      noted.matchedRoute = path
      try {
        noted.template = templateAt(this, noted, path as RouterLayer['path']) ?? noted.template
      } catch {
        // A router of another kind means something else by these names, and must not fail by it.
      }
    },
  },
}

function routingOf(ctx: RoutedContext): Routing {
  return (ctx[routing] ??= { mounts: [], mountPath: undefined, matchedRoute: undefined, template: undefined })
}

/** What was written before an application's first request got here, from within a mount or a router. */
function adopt(ctx: RoutedContext): void {
  if (ctx.mountPath === undefined && ctx._matchedRoute === undefined) return
  if (Object.hasOwn(ctx, 'mountPath') && typeof ctx.mountPath === 'string') {
    const prefix = ctx.mountPath
    delete ctx.mountPath
    const noted = routingOf(ctx)
    noted.mountPath = prefix
    enter(noted, prefix, prefix + ctx.path)
  }
  if (Object.hasOwn(ctx, '_matchedRoute')) {
    const path = ctx._matchedRoute
    delete ctx._matchedRoute
    ctx._matchedRoute = path
  }
}

function templateAt(ctx: RoutedContext, noted: Routing, path: RouterLayer['path']): string | undefined {
  const route = routeAt(ctx, path)
  if (route === undefined || noted.mounts.length === 0) return route
  return around(noted, ctx.path).reduceRight((inner, { prefix }) => join(prefix, inner), route)
}

/** The route that a layer belongs to: itself, or for a middleware the one that the request gets to if it lets it. */
function routeAt({ matched, method }: RoutedContext, path: RouterLayer['path']): string | undefined {
  const isRoute = matched?.some((layer) => layer.path === path && layer.methods.length > 0) ?? true
  const route = isRoute ? path : matched?.findLast(({ methods }) => methods.includes(method))?.path
  return route === undefined ? undefined : String(route)
}

function enter(noted: Routing, prefix: string, outside: string): void {
  noted.mounts = [...around(noted, outside), { prefix, outside }]
}

/**
 * The mounts that are around a path. One was left, with all in it, when the path is again what it was before it; any
 * other path is one of the innermost mount, rewritten or not.
 */
function around({ mounts }: Routing, path: string): readonly Mount[] {
  const left = mounts.findIndex(({ outside }) => outside === path)
  return left === -1 ? mounts : mounts.slice(0, left)
}

/** Joins templates so that `/` adds nothing: `/orgs/:org` and `/` are `/orgs/:org`. */
function join(outer: string, inner: string): string {
  return inner === '/' ? outer : outer.replace(/\/$/, '') + inner
}
