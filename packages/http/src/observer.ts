/**
 * The one observation behind every adapter: derives a request's context, and records and logs what came of it.
 * Adapters open it with `begin`, give it the route and the end, and do nothing else of this kind themselves.
 */

import type { CancelContext, Context } from '@kit/context'
import { background, clock } from '@kit/context'
import { extractDeadline } from '@kit/context/wire'
import type { Logger } from '@kit/log'
import { eventFields, withEvent, withFields } from '@kit/log'
import { clientAddressKey } from './client-address.ts'
import type { End, Exchange } from './exchange.ts'
import type { HttpInstruments } from './instruments.ts'
import { httpInstruments } from './instruments.ts'
import type { HttpOptions, ResolvedOptions } from './options.ts'
import { resolveOptions } from './options.ts'
import type { Verdict } from './outcome.ts'
import { judge, methodLabel } from './outcome.ts'
import { generateRequestId, isRequestId, requestIdKey } from './request-id.ts'
import type { TraceContext } from './trace-context.ts'
import { parseTraceparent, startTrace, traceKey } from './trace-context.ts'

/** One request under observation. */
export interface Observation {
  /** The request's context: ends with the response, with the deadline or when the client leaves, whichever is first. */
  readonly ctx: Context
  /** A logger whose lines carry the request's id and trace id. */
  readonly log: Logger
  readonly requestId: string
  /** The header in which the request id is to be echoed. */
  readonly requestIdHeader: string
  /** The caller's deadline had passed when the request came: answer 504 and do not start any work. */
  readonly expired: boolean
  /** Remembers why the request failed, for its log line. Does not end it; the first error wins. */
  fail(error: unknown): void
  /** Something answered after the deadline's 503 had been sent; what it wrote is lost, and counted. */
  lateResponse(): void
  /**
   * Adds a way to find the route's template (`/users/:id`, never a path that a client wrote). It is asked once, at
   * the end, and may answer undefined; the one that was added last is asked first.
   */
  route(resolve: () => string | undefined): void
  /** Ends the observation; later calls do nothing. */
  end(end: End): void
}

/** What an adapter holds: the options, checked and bound once. */
export interface HttpObserver {
  /**
   * The observation of a request: a new one, or the one that has it already, since mounting an adapter twice counts
   * once. `key` is the object that stands for the request wherever it is seen again.
   */
  begin(key: object, exchange: Exchange): { readonly observation: Observation; readonly first: boolean }
}

/**
 * Makes the observer for one adapter instance.
 *
 * @throws HttpError `KIT_HTTP_OPTION_UNKNOWN`, `KIT_HTTP_OPTION_INVALID`.
 */
export function createObserver(options?: HttpOptions): HttpObserver {
  const resolved = resolveOptions(options)
  const instruments = httpInstruments(resolved.metrics)
  return {
    begin(key, exchange) {
      const carrier = key as { [observationOf]?: Observation }
      const known = carrier[observationOf]
      if (known !== undefined) return { observation: known, first: false }
      const observation = new RequestObservation(exchange, resolved, instruments)
      carrier[observationOf] = observation
      return { observation, first: true }
    },
  }
}

/**
 * Where a request carries its observation, for every installed copy of this package. Not a WeakMap: with one entry a
 * request its table keeps the young requests alive through every scavenge, which more than halved the throughput.
 */
const observationOf: unique symbol = Symbol.for('@kit/http@1.observation') as never

class RequestObservation implements Observation {
  readonly ctx: CancelContext
  readonly log: Logger
  readonly requestId: string
  readonly expired: boolean
  // As they were on arrival: an application may rewrite them, and at the end the connection may be gone.
  readonly #method: string
  readonly #scheme: string
  readonly #path: string
  readonly #options: ResolvedOptions
  readonly #instruments: HttpInstruments
  readonly #skipped: boolean
  readonly #startMs: number
  readonly #routes: (() => string | undefined)[]
  #error: unknown
  #failed: boolean
  #ended: boolean

  constructor(exchange: Exchange, options: ResolvedOptions, instruments: HttpInstruments) {
    this.#method = methodLabel(exchange.method)
    this.#scheme = exchange.scheme
    this.#path = pathOf(exchange.target)
    this.#options = options
    this.#instruments = instruments
    this.#startMs = clock.now()
    this.#routes = []
    this.#error = undefined
    this.#failed = false
    this.#ended = false
    this.#skipped = attempt(false, () => options.skip(exchange))

    this.requestId = requestIdOf(exchange, options, instruments)
    const trace = traceOf(exchange, options, instruments)
    const values = background
      .withValue(requestIdKey, this.requestId)
      .withValue(traceKey, trace)
      .withValue(clientAddressKey, options.clientAddress(exchange))
    const ctx = withFields(withEvent(values), { requestId: this.requestId, traceId: trace.traceId })

    const callerMs = callerDeadline(exchange, options, instruments)
    this.expired = callerMs <= 0
    this.ctx =
      callerMs < options.timeoutMs
        ? ctx.withTimeout(callerMs, "the caller's deadline")
        : ctx.withTimeout(options.timeoutMs, "the request's timeout")
    this.log = options.log.withContext(this.ctx)
    if (!this.#skipped) instruments.opened(this.#method, this.#scheme)
  }

  get requestIdHeader(): string {
    return this.#options.requestIdHeader
  }

  fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#error = error
  }

  lateResponse(): void {
    this.#instruments.lateResponse()
  }

  route(resolve: () => string | undefined): void {
    this.#routes.unshift(resolve)
  }

  end(end: End): void {
    if (this.#ended) return
    this.#ended = true
    const verdict = judge(this.ctx, end, this.#failed)
    if (!this.#skipped) this.#record(verdict)
    this.ctx.cancel(causeOf[end.kind])
  }

  #record(verdict: Verdict): void {
    const seconds = (clock.now() - this.#startMs) / 1000
    const route = this.#template()
    this.#instruments.closed(this.#method, this.#scheme, route, verdict, seconds)
    if (this.ctx.deadline !== undefined) {
      this.#instruments.deadline(this.expired ? 'expired' : verdict.late ? 'missed' : 'met')
    }
    this.#line(verdict, route, seconds)
  }

  #template(): string {
    for (const resolve of this.#routes) {
      const template = attempt(undefined, resolve)
      if (template !== undefined) return template
    }
    return ''
  }

  #line(verdict: Verdict, route: string, seconds: number): void {
    const log = this.#options.requestLog
    const level = levelOf[verdict.outcome]
    if (log === undefined || !log.isLevelEnabled(level)) return
    const fields: Record<string, unknown> = {
      ...eventFields(this.ctx),
      method: this.#method,
      route,
      path: this.#path,
      status: verdict.status === '' ? null : Number(verdict.status),
      outcome: verdict.outcome,
      durationMs: Math.round(seconds * 1e6) / 1000,
    }
    if (verdict.errorType !== '') fields['errorType'] = verdict.errorType
    if (this.#failed) fields['err'] = this.#error
    else if (verdict.outcome === 'deadline') fields['err'] = this.ctx.err
    log.withContext(this.ctx)[level](fields, 'request')
  }
}

/** Why the context ends with its response, unless its deadline came first. */
const causeOf = { finished: 'finished', aborted: 'client disconnected', cut: 'response broken off' } as const

const levelOf = { ok: 'info', canceled: 'info', deadline: 'warn', error: 'error' } as const

function requestIdOf(exchange: Exchange, options: ResolvedOptions, instruments: HttpInstruments): string {
  const sent = exchange.header(options.requestIdHeader)
  if (sent !== undefined && attempt(false, () => options.trustRequestId(exchange))) {
    if (isRequestId(sent)) return sent
    instruments.ignored('request_id')
  }
  const made = attempt('', options.generateRequestId)
  return isRequestId(made) ? made : generateRequestId()
}

function traceOf(exchange: Exchange, options: ResolvedOptions, instruments: HttpInstruments): TraceContext {
  const header = options.trustTrace ? exchange.header('traceparent') : undefined
  if (header === undefined) return startTrace()
  const trace = parseTraceparent(header)
  if (trace === undefined) instruments.ignored('traceparent')
  return trace ?? startTrace()
}

/** The caller's remaining time in ms; Infinity when it sent none, or is not trusted. */
function callerDeadline(exchange: Exchange, options: ResolvedOptions, instruments: HttpInstruments): number {
  if (!options.trustDeadline) return Infinity
  const headers = { get: (name: string): string | null => exchange.header(name) ?? null }
  const onMalformed = (): void => instruments.ignored('deadline')
  return extractDeadline(headers, { maxMs: options.maxDeadlineMs, onMalformed }) ?? Infinity
}

/** Without the query, which is where people put secrets, and cut to a length that a log line can bear. */
function pathOf(target: string): string {
  const query = target.indexOf('?')
  const path = query === -1 ? target : target.slice(0, query)
  return path.length > 1024 ? `${path.slice(0, 1024)}…` : path
}

/** What a user's function answers, or `otherwise` when it throws: observing a request never fails it. */
function attempt<T>(otherwise: T, fn: () => T): T {
  try {
    return fn()
  } catch {
    return otherwise
  }
}
