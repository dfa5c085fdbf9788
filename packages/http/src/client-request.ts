/** `request` and `get` of node:http and node:https under the ambient context. */

import { errorMonitor } from 'node:events'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { urlToHttpOptions } from 'node:url'
import { Call } from './client-call.ts'
import type { ClientOptions, ResolvedClientOptions } from './client-options.ts'
import { resolveClientOptions } from './client-options.ts'

/** `http.request`, `http.get`, those of node:https, and what has their shape. */
export type MakeRequest = (...args: never[]) => ClientRequest

/**
 * The same `request` or `get`, under the ambient context (`current()`) of the call:
 *
 * - the request, and its response until the end of the body, is destroyed with the context's error when the context
 *   ends; as with `signal`, that is an 'error' event of the request;
 * - `grpc-timeout`, `x-request-id` and `traceparent` are sent, except those in `headers` of the options; with less than
 *   5 ms left nothing is sent, and the request fails with the context's error;
 * - `http.client.request.duration` is recorded as by `observeClient`: until the response's 'end', or the upgrade, which
 *   belongs to its user from then on. Destroying the request, or the response, without an error is a cancellation.
 *
 * Libraries that take a `request` function or a transport can be given this one. Observing twice is the same as once.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`, `KIT_HTTP_OPTION_INVALID`. Calls throw what `request` throws.
 */
export function observeRequest<F extends MakeRequest>(request: F, options: ClientOptions = {}): F {
  if (observedRequests.has(request)) return request
  const resolved = resolveClientOptions(options)
  const plain = request as unknown as (...args: unknown[]) => ClientRequest
  const isTls = request === (https.request as MakeRequest) || request === (https.get as MakeRequest)

  const observed = (...args: unknown[]): ClientRequest => {
    const known = argumentsOf(args)
    const url = known && urlOf(known.given, isTls)
    // What makes no sense is for the platform to complain about.
    if (known === undefined || url === undefined) return plain(...args)
    const { given, callback } = known
    const call = new Call(resolved.duration, resolved.methodLabel(given.method ?? 'GET'), url)
    if (given.socketPath) call.reaches(given.socketPath, '')
    return start(call, resolved, given, url, (complete) => plain(complete, callback))
  }
  observedRequests.add(observed)
  return Object.defineProperty(observed, 'name', { value: request.name }) as unknown as F
}

const observedRequests = new WeakSet<MakeRequest>()

function start(
  call: Call,
  { headersFor }: ResolvedClientOptions,
  given: RequestOptions,
  url: URL,
  make: (options: RequestOptions) => ClientRequest,
): ClientRequest {
  let refusal: Error | undefined
  let complete = given
  try {
    const added = headersFor(call.ctx, url, hasHeader(given.headers))
    if (added.length > 0) complete = { ...given, headers: withHeaders(given.headers, added) }
  } catch (error) {
    refusal = error as Error
  }
  let req: ClientRequest
  try {
    req = make(complete)
  } catch (error) {
    call.fail(error)
    throw error
  }
  followRequest(call, req)
  if (refusal !== undefined) req.destroy(refusal)
  return req
}

/** No listener of these changes what the platform does, or what an 'error' without a listener does. */
function followRequest(call: Call, req: ClientRequest): void {
  let res: IncomingMessage | undefined
  call.whenContextEnds((error) => {
    // The response would otherwise fail with a reset of its connection.
    res?.destroy(error)
    req.destroy(error)
  })
  let failure: unknown
  req.once(errorMonitor, (error) => (failure = error))
  req.prependOnceListener('response', (response: IncomingMessage) => {
    res = response
    // Node throws away a response that nobody listens for; this listener must not keep it from that.
    if (req.listenerCount('response') === 0) res.resume()
    call.head(res.statusCode ?? 0)
    res.once('end', () => call.finish())
    res.once(errorMonitor, (error) => (failure ??= error))
    res.once('close', () => broken(call, failure, req.socket))
  })
  req.once('close', () => {
    if (res !== undefined) return // whose own close tells
    const upgraded = (req as { res?: IncomingMessage | null }).res?.statusCode
    if (upgraded === undefined) return broken(call, failure, req.socket)
    call.head(upgraded)
    call.finish()
  })
}

/**
 * The call closed before its end. A request that is destroyed without an error reports a reset of its connection all the
 * same; that nobody else broke it shows in the socket, which neither was ended by its peer nor failed.
 */
function broken(call: Call, failure: unknown, socket: Socket | null): void {
  const error = (call.ctx.err ?? failure) as NodeJS.ErrnoException | undefined
  const reset = error === undefined || error.code === 'ECONNRESET'
  const byPeer = socket !== null && (socket.readableEnded || socket.errored !== null)
  if (reset && !byPeer) call.finish()
  else call.fail(error ?? Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
}

interface Arguments {
  readonly given: RequestOptions
  readonly callback: unknown
}

/** The two ways to call `request`, made one as the platform does; undefined where there is no sense in them. */
function argumentsOf([first, second, third]: unknown[]): Arguments | undefined {
  if (typeof first !== 'string' && !isUrl(first))
    return { given: { ...(first as RequestOptions) }, callback: second }
  try {
    const fromUrl = urlToHttpOptions(new URL(first))
    if (typeof second === 'function') return { given: fromUrl, callback: second }
    return { given: { ...fromUrl, ...(second as RequestOptions | undefined) }, callback: third }
  } catch {
    return undefined
  }
}

/** By its shape, as the platform does it: a URL may be of another realm. */
function isUrl(value: unknown): value is URL {
  const { href, protocol, auth, path } = (value ?? {}) as Record<string, unknown>
  return Boolean(href) && Boolean(protocol) && auth === undefined && path === undefined
}

function urlOf(given: RequestOptions, isTls: boolean): URL | undefined {
  try {
    if (typeof (given.method ?? '') !== 'string') return undefined
    const agent = given.agent as { protocol?: string } | false | undefined
    const fallback = given.defaultPort === 443 || isTls ? 'https:' : 'http:'
    const protocol = given.protocol ?? (agent === false ? undefined : agent?.protocol) ?? fallback
    const host = given.hostname ?? given.host ?? 'localhost'
    const port = given.port ?? given.defaultPort
    const shown = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
    return new URL(`${protocol}//${shown}${port ? `:${port}` : ''}`)
  } catch {
    return undefined
  }
}

type GivenHeaders = RequestOptions['headers']

/** By lower-case name, whichever of the platform's three spellings of headers was used. */
function hasHeader(headers: GivenHeaders): (name: string) => boolean {
  const names = new Set(namesOf(headers).map((name) => String(name).toLowerCase()))
  return (name) => names.has(name)
}

function namesOf(headers: GivenHeaders): unknown[] {
  if (headers === undefined || headers === null) return []
  if (!isList(headers)) return Object.keys(headers)
  return Array.isArray(headers[0])
    ? headers.map((pair) => (pair as unknown as readonly unknown[])[0])
    : headers.filter((_, index) => index % 2 === 0)
}

function withHeaders(headers: GivenHeaders, added: (readonly [string, string])[]): GivenHeaders {
  if (!isList(headers)) return { ...headers, ...Object.fromEntries(added) }
  return Array.isArray(headers[0]) ? ([...headers, ...added] as string[]) : [...headers, ...added.flat()]
}

function isList(headers: GivenHeaders): headers is readonly string[] {
  return Array.isArray(headers)
}
