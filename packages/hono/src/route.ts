/** The route of a request to a Hono app, as far as Hono tells: by the list of what its path matched. */

import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'

type Route = ReturnType<typeof matchedRoutes>[number]

/**
 * The path of the handler that answered, or that would have if a middleware had not, mounts and base paths included;
 * undefined when only middleware matched, whose path (`/*`) says nothing.
 *
 * A handler that hands the request on names it unless a later one does.
 */
export function routeOf(c: Context): string | undefined {
  const matched = matchedRoutes(c)
  const reached = c.req.routeIndex
  const next = matched.slice(reached).find(isHandler)
  return (next ?? matched.slice(0, reached).findLast(isHandler))?.path
}

/** Only what `use` and `mount` add is for all methods and takes `next`. */
function isHandler({ method, handler }: Route): boolean {
  return method !== 'ALL' || handlerOf(handler).length < 2
}

/** A handler of an app with an error handler of its own is wrapped when that app is mounted. */
function handlerOf(handler: Route['handler']): (...args: never[]) => unknown {
  const { __COMPOSED_HANDLER: wrapped } = handler as { __COMPOSED_HANDLER?: Route['handler'] }
  return wrapped === undefined ? handler : handlerOf(wrapped)
}
