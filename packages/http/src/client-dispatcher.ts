/**
 * undici under the ambient context: an interceptor for `dispatcher.compose()`. Types are structural, undici is not
 * imported; handlers of its version 6 (`onConnect`) and of later ones (`onRequestStart`) are both understood.
 */

import { Call } from './client-call.ts'
import { AbortedController, followModern, followOlder } from './client-handlers.ts'
import type { DispatchHandler } from './client-handlers.ts'
import type { ClientOptions } from './client-options.ts'
import { resolveClientOptions } from './client-options.ts'

export type { DispatchHandler } from './client-handlers.ts'

/** What kit reads of the options of a dispatch. */
export interface DispatchOptions {
  origin?: string | URL
  path: string
  method?: string
  headers?: unknown
}

/** `dispatch` of a dispatcher, of any version. */
export type Dispatch = (options: never, handler: never) => boolean

/**
 * An interceptor that has every request of a dispatcher obey the ambient context (`current()`) under which it was made:
 * `new Agent().compose(observeDispatcher())`. It does for `request`, `stream`, `pipeline` and `fetch` of undici what
 * `observeClient` does for `fetch`; a request that waits for a connection fails when the context ends, too. Compose it
 * before interceptors that redirect or retry, so that each attempt is measured, and told what its host may know. A
 * `fetch` that is observed by `observeClient` already would be counted twice.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`, `KIT_HTTP_OPTION_INVALID`.
 */
export function observeDispatcher(options: ClientOptions = {}): <D extends Dispatch>(dispatch: D) => D {
  const { duration, methodLabel, headersFor } = resolveClientOptions(options)

  const intercept = (
    dispatch: (options: DispatchOptions, handler: DispatchHandler) => boolean,
    given: DispatchOptions,
    handler: DispatchHandler,
  ): boolean => {
    const url = urlOf(given.origin)
    if (url === undefined) return dispatch(given, handler) // for undici to refuse
    const call = new Call(duration, methodLabel(methodOf(given)), url)
    const followed = handler.onRequestStart ? followModern(call, handler) : followOlder(call, handler)
    try {
      const names = namesOf(given.headers)
      const added = headersFor(call.ctx, url, (name) => names.has(name))
      const complete = added.length === 0 ? given : { ...given, headers: withHeaders(given.headers, added) }
      return dispatch(complete, followed)
    } catch (error) {
      call.fail(error)
      if (handler.onRequestStart)
        handler.onResponseError?.(new AbortedController(error as Error), error as Error)
      else if (handler.onError) handler.onError(error as Error)
      else throw error
      return true
    }
  }
  return <D extends Dispatch>(dispatch: D) =>
    ((given: DispatchOptions, handler: DispatchHandler) =>
      intercept(dispatch as never, given, handler)) as unknown as D
}

function methodOf({ method }: DispatchOptions): string {
  return typeof method === 'string' ? method : 'GET'
}

function urlOf(origin: string | URL | undefined): URL | undefined {
  try {
    return origin === undefined ? undefined : new URL(origin)
  } catch {
    return undefined
  }
}

/** undici takes headers as a record, as a flat list, or as pairs that can be walked. */
function namesOf(headers: unknown): Set<string> {
  return new Set(pairsOf(headers).map(([name]) => String(name).toLowerCase()))
}

function withHeaders(headers: unknown, added: (readonly [string, string])[]): unknown {
  return [...pairsOf(headers), ...added].flat()
}

/** A value of several lines becomes a header a line, which is what undici makes of it. */
function pairsOf(headers: unknown): (readonly [unknown, unknown])[] {
  if (headers === null || headers === undefined) return []
  if (Array.isArray(headers)) {
    return headers.flatMap((name: unknown, index) =>
      index % 2 === 0 ? [[name, headers[index + 1]] as const] : [],
    )
  }
  if (typeof (headers as Iterable<unknown>)[Symbol.iterator] === 'function') {
    return [...(headers as Iterable<readonly [unknown, unknown]>)]
  }
  return Object.entries(headers).filter(([, value]) => value !== undefined)
}
