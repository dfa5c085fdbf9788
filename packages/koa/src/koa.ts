/**
 * kit for Koa 2 and 3: `app.use(kit())` before everything else. Every request behind it is measured and logged once,
 * and has a context: `ctx.state.ctx`, `current()` in everything it calls, `ctx.log` for its log lines.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { errorMonitor } from 'node:events'
import type { EventEmitter } from 'node:events'
import type { Next } from 'koa'
import type { HttpOptions, Observation } from '@kit/http'
import { createObserver } from '@kit/http'
import { observeNode } from '@kit/http/node'
import type { FailingContext, ObservedContext } from './errors.ts'
import { noteError, observed, watchErrors } from './errors.ts'
import type { RoutedContext } from './route.ts'
import { followRoute } from './route.ts'

declare module 'koa' {
  interface ExtendableContext {
    /** A logger whose lines carry the request's id and trace id. */
    log: Observation['log']
  }
  interface DefaultState {
    /** The request's context: ends with the response, its deadline, or the client's departure. */
    ctx: Observation['ctx']
  }
}

/** What `kit` puts into `ctx.state`, for applications that declare a state of their own: `new Koa<MyState & KitState>()`. */
export interface KitState {
  /** The request's context: ends with the response, its deadline, or the client's departure. */
  ctx: Observation['ctx']
}

/** The part of a Koa context that `kit` needs; those of both majors have it. */
export interface KoaContext extends FailingContext {
  readonly path: string
  readonly method: string
  readonly state: object
  readonly body?: unknown
  respond?: boolean | undefined
}

/** What `app.use` and `router.use` take, in either major of Koa. */
export type KoaMiddleware = (ctx: KoaContext, next: Next) => Promise<unknown>

type OwnContext = KoaContext &
  ObservedContext &
  RoutedContext & { log?: Observation['log']; state: Partial<KitState> }

/**
 * The middleware. Mount it first: what is mounted before it is not observed. Mounting it twice observes once, with the
 * outer one's options.
 *
 * Routes are those of @koa/router (or koa-router), reported by their templates with the prefixes of their routers and of
 * koa-mount before them (`/orgs/:org/users/:id`); a request that no route matched has none. Errors go on to Koa as they
 * came: it answers, and emits, what it would without kit, and the request id besides.
 *
 * @throws HttpError for options it does not know or cannot use. Requests never fail by being observed.
 */
export function kit(options?: HttpOptions): KoaMiddleware {
  const observer = createObserver(options)
  return (context, next) => {
    const ctx = context as OwnContext
    if (ctx[observed] !== undefined) return next()
    let entered = false
    let observation!: Observation // attached before anything else
    const binding = {
      route: followRoute(ctx),
      attach(opened: Observation): void {
        observation = opened
        ctx.state.ctx = opened.ctx
        setLog(ctx, opened.log)
        ctx[observed] = opened
        watchErrors(ctx)
      },
    }
    const handling = observeNode(observer, ctx.req, ctx.res, binding, async () => {
      entered = true
      try {
        await next()
        afterwards(ctx, observation)
      } catch (error) {
        noteError(ctx, observation, error)
        throw error
      }
    })
    if (!entered) ctx.respond = false // it came too late and was answered
    return handling ?? Promise.resolve()
  }
}

function setLog(ctx: OwnContext, log: Observation['log']): void {
  try {
    ctx.log = log
  } catch {
    // The application has a getter of this name for all of its contexts.
    Object.defineProperty(ctx, 'log', { value: log, configurable: true, enumerable: true, writable: true })
  }
}

/** What is left to do when the middleware is done and Koa answers, which it does outside of the request's context. */
function afterwards(ctx: OwnContext, observation: Observation): void {
  const { res, body } = ctx
  // The deadline's answer has gone out, and Koa does not say so to a handler that is late: this counts it.
  if ((res as { finished?: boolean }).finished === true && !res.headersSent) res.end()
  if (typeof body !== 'object' || body === null) return
  // Node makes the classes of the web when they are first asked for: most services need none.
  const tag = Object.prototype.toString.call(body)
  if (tag === '[object ReadableStream]') readWithin(body as ReadableStream)
  else if (tag === '[object Response]') readWithin((body as Response).body)
  else if (isStream(body)) {
    // A body that is made while it is read, by a generator say, is to be made within the context.
    const read = AsyncLocalStorage.bind(body._read)
    Reflect.defineProperty(body, '_read', { value: read, configurable: true, writable: true })
    // Koa 3 cuts the response off before it says why.
    body.once(errorMonitor, (error) => noteError(ctx, observation, error))
  }
}

/** Has what a web stream is made of be made within the context that is current now; Koa iterates over it. */
function readWithin(stream: ReadableStream | null): void {
  if (stream === null) return
  // oxlint-disable-next-line typescript/unbound-method -- it is called on the stream
  const iterate = stream[Symbol.asyncIterator]
  const value = (): AsyncIterator<unknown> => {
    const parts = iterate.call(stream)
    return {
      next: AsyncLocalStorage.bind(() => parts.next()),
      return: AsyncLocalStorage.bind(() => parts.return?.() ?? Promise.resolve(over)),
    }
  }
  const bound = AsyncLocalStorage.bind(value)
  Reflect.defineProperty(stream, Symbol.asyncIterator, { value: bound, configurable: true, writable: true })
}

const over: IteratorReturnResult<undefined> = { done: true, value: undefined }

/** A readable stream of Node's, or of the package readable-stream. */
interface StreamBody extends EventEmitter {
  _read: (size: number) => void
  pipe: unknown
}

function isStream(body: object): body is StreamBody {
  const { _read, pipe } = body as Partial<StreamBody>
  return typeof _read === 'function' && typeof pipe === 'function'
}
