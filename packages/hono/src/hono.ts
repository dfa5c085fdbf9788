/**
 * kit for Hono 4: `app.use(kit())` before everything else. Every request behind it is measured and logged once, and
 * has a context: `c.get('ctx')`, `current()` in everything it calls, `c.get('log')` for its log lines.
 */

import { setImmediate } from 'node:timers/promises'
import type { Context, MiddlewareHandler } from 'hono'
import type { HttpOptions, Observation } from '@kit/http'
import { createObserver } from '@kit/http'
import { observeRequest } from '@kit/http/fetch'
import type { NodeRequest, NodeResponse } from '@kit/http/node'
import { observeNode } from '@kit/http/node'
import { routeOf } from './route.ts'

/** What handlers find in `c.var` and by `c.get`. */
export interface KitVariables {
  /** The request's context: ends with the response, its deadline, or the client's departure. */
  ctx: Observation['ctx']
  /** A logger whose lines carry the request's id and trace id. */
  log: Observation['log']
}

declare module 'hono' {
  interface ContextVariableMap extends KitVariables {}
}

/**
 * The middleware. Mount it first: what is mounted before it is not observed. Mounting it twice observes once, with the
 * outer one's options.
 *
 * On `@hono/node-server` a response is followed to the last byte that the network took; elsewhere (other servers,
 * `app.request`) to the last byte that was read of its body. Routes are reported with base paths and mounts
 * (`/orgs/:org/users/:id`); a request that only middleware matched has none.
 *
 * @throws HttpError for options it does not know or cannot use. Requests never fail by being observed.
 */
export function kit(options?: HttpOptions): MiddlewareHandler<{ Variables: KitVariables }> {
  const observer = createObserver(options)
  return async (c, next) => {
    let observation: Observation | undefined
    const binding = {
      route: () => routeOf(c),
      attach(opened: Observation) {
        observation = opened
        c.set('ctx', opened.ctx)
        c.set('log', opened.log)
      },
    }
    const handle = async (): Promise<void> => {
      try {
        await next()
      } catch (error) {
        observation?.fail(error)
        throw error
      }
      if (c.error !== undefined && c.res.status >= 500) observation?.fail(c.error)
    }
    const node = nodeOf(c)
    if (node !== undefined) {
      const handled = observeNode(observer, node.incoming, node.outgoing, binding, handle)
      return handled === undefined ? alreadyAnswered() : handled
    }
    let handled = false
    let answered = false
    const response = await observeRequest(observer, c.req.raw, binding, async () => {
      await handle()
      handled = true
      // What Hono holds after the deadline's answer is that answer, and not what the handler made.
      return answered ? new Response(null) : c.res
    })
    // What a handler that gives up with its deadline makes Hono set must not come after what is set here.
    if (!handled) await setImmediate()
    answered = true
    if (response === c.res) return undefined
    // Otherwise Hono takes what is set for an addition to the response that is there.
    c.res = undefined
    c.res = response
    return undefined
  }
}

/** What `@hono/node-server` passes as `c.env`. */
interface NodeEnv {
  readonly incoming: NodeRequest
  readonly outgoing: NodeResponse
}

function nodeOf(c: Context): NodeEnv | undefined {
  const env = c.env as Partial<NodeEnv> | undefined
  const known = typeof env?.incoming === 'object' && typeof env.outgoing?.writeHead === 'function'
  return known ? (env as NodeEnv) : undefined
}

/** Tells `@hono/node-server` that nothing is left to send; the status is for middleware around this one. */
function alreadyAnswered(): Response {
  const response = new Response(null, { status: 504, headers: { 'x-hono-already-sent': 'true' } })
  // The server's own kind of response is one that it asks for that header only once it was looked into.
  void response.statusText
  return response
}
