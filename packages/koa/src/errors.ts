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

/** Tells the observation of the errors that come to Koa, and keeps the request id on the answers that Koa gives them. */
export function watchErrors(ctx: FailingContext, observation: Observation): void {
  const answer = ctx.onerror.bind(ctx)
  const onerror = (error: unknown): void => {
    if (error === null || error === undefined) return answer(error) // how Koa hears of a response that went well
    noteError(ctx, observation, error)
    keepHeader(ctx.res, observation.requestIdHeader, () => answer(error))
  }
  Object.defineProperty(ctx, 'onerror', { value: onerror, configurable: true, writable: true })
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
