/**
 * How a request's errors are seen. Koa brings all of them together in `ctx.onerror`: what middleware throws, what body
 * streams fail with, what cannot be serialised, what happens to the connection. Koa goes on with them as it would.
 */

import type { Observation } from '@kit/http'
import type { NodeRequest, NodeResponse } from '@kit/http/node'

/** The part of a Koa context that errors pass through. */
export interface FailingContext {
  readonly req: NodeRequest
  readonly res: NodeResponse
  onerror(error: unknown): void
}

/** Where a context has its observation, for every installed copy of this package. */
export const observed: unique symbol = Symbol.for('@kit/koa@1.observed') as never

/** A context, observed or not. */
export interface ObservedContext extends FailingContext {
  [observed]?: Observation
}

/** What answers errors; `observing` is on those of ours. */
type OnError = ((this: FailingContext, error: unknown) => void) & { [observing]?: true }

/** Marks what sees errors before the application's own answers them, for every installed copy of this package. */
const observing: unique symbol = Symbol.for('@kit/koa@1.observing') as never

/**
 * Tells the observation of the errors that come to Koa, and keeps the request id on the answers that Koa gives them. Done
 * once for all contexts of an application, on what they are derived from; for a context with an `onerror` of its own,
 * and when the application has been given another, again.
 */
export function watchErrors(ctx: ObservedContext): void {
  // oxlint-disable-next-line typescript/unbound-method -- it is called on the context that asks for it
  const onerror: OnError = ctx.onerror
  if (onerror[observing] === true) return
  const home = Object.hasOwn(ctx, 'onerror') ? ctx : (Object.getPrototypeOf(ctx) as object)
  const value: OnError = function (this: ObservedContext, error) {
    const observation = this[observed]
    if (error === null || error === undefined || observation === undefined) {
      return onerror.call(this, error) // without an error, Koa says that a response went well
    }
    noteError(this, observation, error)
    keepHeader(this.res, observation.requestIdHeader, () => onerror.call(this, error))
  }
  value[observing] = true
  Object.defineProperty(home, 'onerror', { value, configurable: true, writable: true })
}

/**
 * Tells the observation of an error, unless it is no failure of the service: an answer that was thrown (`ctx.throw(404)`),
 * or the end of the client's connection, which the observation sees by itself.
 */
export function noteError({ req, res }: FailingContext, observation: Observation, error: unknown): void {
  if (error === null || error === undefined) return
  const { status } = error as { status?: unknown }
  const isAnswer = typeof status === 'number' && status >= 400 && status < 500
  const connection = 'stream' in res ? res.stream : req.socket
  if (!isAnswer && error !== connection?.errored) observation.fail(error)
}

/** Koa takes every header off a response before it answers an error. Within `work` one of them stays where it is. */
function keepHeader(response: NodeResponse, header: string, work: () => void): void {
  const res: { removeHeader(name: string): void } = response
  const own = Object.getOwnPropertyDescriptor(res, 'removeHeader')
  const removeHeader = res.removeHeader.bind(res)
  const value = (name: string): void => {
    if (name.toLowerCase() !== header) removeHeader(name)
  }
  Object.defineProperty(res, 'removeHeader', { value, configurable: true, writable: true })
  try {
    work()
  } finally {
    Reflect.deleteProperty(res, 'removeHeader')
    if (own !== undefined) Object.defineProperty(res, 'removeHeader', own)
  }
}
