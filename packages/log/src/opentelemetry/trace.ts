// The trace that a record belongs to: that of OpenTelemetry's span, or the one that the kit carries without a tracer.

import type { Context } from '@kit/context'
import { activeContext } from './global-api.ts'
import type { OtelContext, TraceOfContext } from './types.ts'

/** OpenTelemetry's key, the same in all versions of its API. */
const spanKey = Symbol.for('OpenTelemetry Context Key SPAN')

/**
 * The context to give with a record: the line's own if a span is in it, else the one that is active if a span is in
 * that, else the line's own with the trace that `traceOf` finds.
 */
export function contextOf(
  ctx: Context,
  traceOf: ((ctx: Context) => TraceOfContext | undefined) | undefined,
): OtelContext | undefined {
  const own = isOtelContext(ctx) ? ctx : undefined
  if (own?.getValue(spanKey) !== undefined) return own
  const active = activeContext()
  if (active?.getValue(spanKey) !== undefined) return active
  const trace = traceOf?.(ctx)
  return trace === undefined ? (own ?? active) : (own ?? active)?.setValue(spanKey, new RemoteSpan(trace))
}

function isOtelContext(ctx: object): ctx is OtelContext {
  return 'getValue' in ctx && typeof ctx.getValue === 'function'
}

/** A span that somebody else records, with all the methods that processors may call. */
class RemoteSpan {
  readonly #spanContext: object

  constructor({ traceId, spanId, flags }: TraceOfContext) {
    this.#spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 0xff, isRemote: true }
  }

  spanContext(): object {
    return this.#spanContext
  }

  isRecording(): boolean {
    return false
  }

  setAttribute(): this {
    return this
  }

  setAttributes(): this {
    return this
  }

  addEvent(): this {
    return this
  }

  addLink(): this {
    return this
  }

  addLinks(): this {
    return this
  }

  setStatus(): this {
    return this
  }

  updateName(): this {
    return this
  }

  recordException(): void {}

  end(): void {}
}
