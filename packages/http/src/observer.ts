/**
 * The one observation behind every adapter: derives a request's context, and records and logs what came of it.
 * Adapters open it with `begin`, give it the route and the end, and do nothing else of this kind themselves.
 */

import type { CancelContext, Context } from '@kit/context'
import { background, clock, values, withValues } from '@kit/context'
import type { Logger, Recording } from '@kit/log'
import { eventFields, requestValues } from '@kit/log'
import { clientAddressKey } from './client-address.ts'
import type { End, Exchange, StreamKind } from './exchange.ts'
import { ExchangeFacts } from './facts.ts'
import { callerDeadline, pathOf, requestIdOf, traceOf } from './head.ts'
import type { HttpInstruments } from './instruments.ts'
import { httpInstruments } from './instruments.ts'
import type { HttpOptions, ResolvedOptions } from './options.ts'
import { resolveOptions } from './options.ts'
import type { Verdict } from './outcome.ts'
import { judge } from './outcome.ts'
import { requestIdKey } from './request-id.ts'
import { traceKey } from './trace-context.ts'

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
  /** Whether the sizes of its bodies are wanted, with its end. */
  readonly wantsSizes: boolean
  /** Remembers why the request failed, for its log line. Does not end it; the first error wins. */
  fail(error: unknown): void
  /** Something answered after the deadline's 503 had been sent; what it wrote is lost, and counted. */
  lateResponse(): void
  /**
   * Adds a way to find the route's template (`/users/:id`, never a path that a client wrote). It is asked at the end,
   * and before that whenever an override of the log's levels wants to know; it may answer undefined. The one that was
   * added last is asked first.
   */
  route(resolve: () => string | undefined): void
  /** The response is one that is meant to last. For bindings that learn so from its head; the others say so at the end. */
  streaming(kind: StreamKind): void
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
  const instruments = httpInstruments(resolved.metrics, resolved.names, resolved.bodySizes)
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

/** Has `to`, which stands for the same request as `from`, be observed where that is: a binding that opens it is not the first. */
export function carryObservation(from: object, to: object): void {
  const known = (from as { [observationOf]?: Observation })[observationOf]
  if (known !== undefined) (to as { [observationOf]?: Observation })[observationOf] = known
}

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
  readonly #traceId: string
  /** The one that is asked first, and the others. */
  #route: (() => string | undefined) | undefined
  #outerRoutes: (() => string | undefined)[] | undefined
  /** Of the lines that the levels refuse; ended with the observation and not with the context, whose deadline may come first. */
  readonly #recording: Recording | undefined
  #error: unknown
  #failed: boolean
  #ended: boolean
  #stream: StreamKind | undefined

  constructor(exchange: Exchange, options: ResolvedOptions, instruments: HttpInstruments) {
    this.#method = options.methodLabel(exchange.method)
    this.#scheme = exchange.scheme
    this.#path = pathOf(exchange.target)
    this.#options = options
    this.#instruments = instruments
    this.#startMs = clock.now()
    this.#route = undefined
    this.#outerRoutes = undefined
    this.#error = undefined
    this.#failed = false
    this.#ended = false
    this.#stream = undefined
    const { skip } = options
    this.#skipped = skip !== undefined && instruments.attempt('skip', false, () => skip(exchange))

    this.requestId = requestIdOf(exchange, options, instruments)
    const trace = traceOf(exchange, options, instruments)
    this.#traceId = trace.traceId
    const named = withValues(
      background,
      requestValues(
        new ExchangeFacts(exchange, this),
        { requestId: this.requestId, traceId: trace.traceId },
        values(
          requestIdKey,
          this.requestId,
          values(traceKey, trace, values(clientAddressKey, options.clientAddress(exchange))),
        ),
      ),
    )
    const { recorder } = options
    this.#recording =
      recorder === undefined || this.#skipped
        ? undefined
        : instruments.attempt('recorder', undefined, () => recorder.begin(exchange, named))
    const ctx = this.#recording === undefined ? named : this.#recording.ctx

    const callerMs = callerDeadline(exchange, options, instruments)
    this.expired = callerMs <= 0
    this.ctx =
      callerMs < options.timeoutMs
        ? ctx.withTimeout(callerMs, "the caller's deadline")
        : options.timeoutMs < Infinity
          ? ctx.withTimeout(options.timeoutMs, "the request's timeout")
          : ctx.withCancel()
    this.log = options.log.withContext(this.ctx)
    if (!this.#skipped) instruments.opened(this.#method, this.#scheme)
  }

  get wantsSizes(): boolean {
    return this.#options.bodySizes && !this.#skipped
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
    if (this.#route !== undefined) (this.#outerRoutes ??= []).unshift(this.#route)
    this.#route = resolve
  }

  streaming(kind: StreamKind): void {
    if (this.#ended || this.#skipped || this.#stream !== undefined) return
    this.#stream = kind
    this.#instruments.streams.enter(this, kind)
  }

  end(end: End): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#stream !== undefined) this.#instruments.streams.leave(this)
    else this.#stream = end.stream
    const verdict = judge(this.ctx, end, this.#failed)
    if (!this.#skipped) this.#record(verdict, end)
    this.ctx.cancel(causeOf[end.kind])
  }

  /** The template of the route as far as it is known, else ''. */
  template(): string {
    if (this.#route === undefined) return ''
    const instruments = this.#instruments
    const template = instruments.attempt('route', undefined, this.#route)
    if (template !== undefined || this.#outerRoutes === undefined) return template ?? ''
    for (const resolve of this.#outerRoutes) {
      const outer = instruments.attempt('route', undefined, resolve)
      if (outer !== undefined) return outer
    }
    return ''
  }

  #record(verdict: Verdict, end: End): void {
    const seconds = (clock.now() - this.#startMs) / 1000
    const route = this.template()
    this.#instruments.closed(this.#method, this.#scheme, route, verdict, seconds, this.#stream, end)
    if (this.ctx.deadline !== undefined) {
      this.#instruments.deadline(this.expired ? 'expired' : verdict.late ? 'missed' : 'met')
    }
    const why = this.#whyShown(verdict, seconds)
    if (why === undefined) this.#recording?.discard()
    this.#line(verdict, route, seconds)
    if (why === undefined) return
    // The request's own line is among them if its level refuses it.
    this.#recording?.dump(why)
    this.#recording?.discard()
  }

  /** Why the lines that were recorded are written, if they are. */
  #whyShown({ outcome }: Verdict, seconds: number): string | undefined {
    if (outcome === 'error' || outcome === 'deadline') return outcome
    // A stream is not slow for lasting.
    if (this.#stream !== undefined) return undefined
    return seconds * 1000 > (this.#options.recorder?.slowMs ?? Infinity) ? 'slow' : undefined
  }

  #line({ status, outcome, errorType }: Verdict, route: string, seconds: number): void {
    const { requestLine } = this.#options
    if (requestLine === undefined) return
    const err = this.#failed ? this.#error : outcome === 'deadline' ? this.ctx.err : undefined
    requestLine.write(
      levelOf[outcome],
      this.ctx,
      [this.requestId, this.#traceId],
      [
        this.#method,
        route,
        this.#path,
        status === '' ? null : Number(status),
        outcome,
        Math.round(seconds * 1e6) / 1000,
        this.#stream,
        errorType === '' ? undefined : errorType,
        err,
      ],
      eventFields(this.ctx),
    )
  }
}

/** Why the context ends with its response, unless its deadline came first. */
const causeOf = { finished: 'finished', aborted: 'client disconnected', cut: 'response broken off' } as const

const levelOf = { ok: 'info', canceled: 'info', deadline: 'warn', error: 'error' } as const
