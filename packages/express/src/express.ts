/**
 * kit for Express 4 and 5: `app.use(kit())` before everything else. Every request behind it is measured and
 * logged once, and has a context: `req.ctx`, `current()` in everything it calls, `req.log` for its log lines.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpOptions, Observation } from '@kit/http'
import { createObserver } from '@kit/http'
import type { NodeBinding } from '@kit/http/node'
import { observeNode } from '@kit/http/node'
import type { RoutedRequest } from './route.ts'
import { routeOf } from './route.ts'

declare global {
  // oxlint-disable-next-line typescript/no-namespace -- the only way in which Express lets a request be extended
  namespace Express {
    interface Request {
      /** The request's context: ends with the response, its deadline, or the client's departure. */
      ctx: Observation['ctx']
      /** A logger whose lines carry the request's id and trace id. */
      log: Observation['log']
    }
  }
}

/** What `app.use` and `router.use` take, in either major of Express. */
export type ExpressMiddleware = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void

/**
 * The middleware. Mount it first: what is mounted before it is not observed. Mounting it twice observes once,
 * with the outer one's options.
 *
 * Routes are reported by their templates with the mounts before them (`/orgs/:org/users/:id`); a request that no
 * route matched has none. With the router package 2.0 to 2.2 a mount path with parameters cannot be known and
 * is reported as `/*`; Express 5 installs 2.3 or later.
 *
 * @throws HttpError for options it does not know or cannot use. Requests never fail by being observed.
 */
export function kit(options?: HttpOptions): ExpressMiddleware {
  const observer = createObserver(options)
  return (req, res, next) => {
    observeNode(observer, req, res, new ExpressBinding(req), next)
  }
}

/** What Express adds to the binding, for one request. */
class ExpressBinding implements NodeBinding {
  readonly #req: RoutedRequest
  /** The application where the request came in: another may have it by the end. */
  readonly #entry: RoutedRequest['app']

  constructor(req: RoutedRequest) {
    this.#req = req
    this.#entry = req.app
  }

  route(): string | undefined {
    return routeOf(this.#req, this.#entry)
  }

  attach({ ctx, log }: Observation): void {
    const observed = this.#req as object as { ctx: Observation['ctx']; log: Observation['log'] }
    try {
      observed.ctx = ctx
      observed.log = log
    } catch {
      // The application has getters of these names for all of its requests.
      Object.defineProperties(observed, { ctx: propertyOf(ctx), log: propertyOf(log) })
    }
  }
}

function propertyOf(value: unknown): PropertyDescriptor {
  return { value, configurable: true, enumerable: true, writable: true }
}
