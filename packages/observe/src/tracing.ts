/**
 * Spans of OpenTelemetry, where a tracer provider is registered; where none is, they cost one look at the place where the
 * API keeps it. A span is a value of the kit's context and OpenTelemetry's active span at once, whichever context manager
 * is registered.
 */

import type { Context } from '@kit/context'
import { current, run } from '@kit/context'
import { kitContext, otelContext } from '@kit/context/opentelemetry'
import type { Attributes, Span, Tracer } from '@opentelemetry/api'
import { context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Outcome } from './outcome.ts'

/** Where all copies of the API keep what is registered, in every version of its major. */
const anchor = Symbol.for('opentelemetry.js.api.1')
const globals = globalThis as { [anchor]?: { readonly trace?: object } }

let provider: object | undefined
let tracer: Tracer | undefined

/** The tracer of the provider that is registered now; undefined while there is none. */
function registeredTracer(): Tracer | undefined {
  const registered = globals[anchor]?.trace
  if (registered !== provider) {
    provider = registered
    tracer = undefined // what follows may throw
    if (registered !== undefined) tracer = trace.getTracer('@kit/observe')
  }
  return tracer
}

/** A span, and the context that it is the active one of. */
export interface OpenSpan {
  readonly span: Span
  readonly ctx: Context
}

/**
 * Starts a span below that of `explicit`, the context that the call was given, or of the ambient one. Undefined when there
 * is no tracer, or one that fails: the call goes on without a span.
 */
export function openSpan(name: string, explicit: Context | undefined): OpenSpan | undefined {
  try {
    const own = registeredTracer()
    if (own === undefined) return undefined
    const active = context.active()
    const base = explicit ?? (active === ROOT_CONTEXT ? current() : kitContext(active))
    const parent = trace.getSpan(otelContext(base)) === undefined ? active : otelContext(base)
    const span = own.startSpan(name, { attributes: { 'code.function.name': name } }, parent)
    return { span, ctx: kitContext(trace.setSpan(otelContext(base), span)) }
  } catch {
    return undefined
  }
}

/**
 * Calls `fn` with `ctx` as the ambient context and as OpenTelemetry's active one. That is one `run` where the kit's own
 * `ContextManager` is registered, two where another is.
 */
export function enter<R>(ctx: Context, fn: () => R): R {
  return context.with(otelContext(ctx), () => (current() === ctx ? fn() : run(ctx, fn)))
}

/** Says in the span how the call ended, in the words that metrics and log have for it, and ends it. Never throws. */
export function closeSpan(
  span: Span,
  outcome: Outcome,
  errorType: string,
  error: unknown,
  extra: unknown,
): void {
  try {
    if (span.isRecording()) {
      // First, so that none of them can stand in for what follows.
      if (extra !== undefined) span.setAttributes(extra as Attributes)
      span.setAttribute('outcome', outcome)
      if (errorType !== '') span.setAttribute('error.type', errorType)
      if (outcome === 'error' || outcome === 'deadline') {
        span.setStatus(
          error instanceof Error
            ? { code: SpanStatusCode.ERROR, message: error.message }
            : { code: SpanStatusCode.ERROR },
        )
      }
    }
  } catch {
    // A tracer that fails, or an error whose message cannot be read, must not keep the span open.
  }
  endSpan(span)
}

/** Ends a span that says nothing. Never throws. */
export function endSpan(span: Span): void {
  try {
    span.end()
  } catch {
    // As above: what a tracer throws is not the caller's.
  }
}
