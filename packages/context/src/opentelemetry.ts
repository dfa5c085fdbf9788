/*
 * OpenTelemetry's context manager on the kit's own storage. Every context of the kit is an OpenTelemetry context as
 * well, so the two are one: a span or baggage is a value of the context, `current()` has it, a derived context passes
 * it on, and where OpenTelemetry enters a context, deadline and values of the kit come along. Neither needs an
 * AsyncLocalStorage or a `run` of its own.
 */
import { EventEmitter } from 'node:events'
import type { Context as OtelContext, ContextManager as OtelContextManager } from '@opentelemetry/api'
import { ROOT_CONTEXT } from '@opentelemetry/api'
import { bind, current } from './ambient.ts'
import { bindEmitter } from './bind-emitter.ts'
import type { Context } from './context.ts'
import { assertContext, isContext } from './context-node.ts'
import type { Foreign } from './foreign.ts'
import { foreignKey } from './foreign.ts'
import { state } from './state.ts'

/**
 * The kit's context, for OpenTelemetry's functions that take a context: `trace.getSpan(otelContext(ctx))`,
 * `tracer.startSpan('query', {}, otelContext(ctx))`, `propagation.inject(otelContext(ctx), headers)`. It is the same
 * object under another type. Throws KIT_INVALID_CONTEXT.
 */
export function otelContext(ctx: Context): OtelContext {
  assertContext(ctx)
  return ctx as unknown as OtelContext
}

/**
 * OpenTelemetry's context, for functions that take one of the kit's: `kitContext(trace.setSpan(otelContext(ctx), span))`.
 * What was made from a context of the kit is one itself; any other (`ROOT_CONTEXT` and what was made from it) brings its
 * values into the ambient context, which keeps its deadline, its cancellation and the kit's values.
 */
export function kitContext(context: OtelContext): Context {
  if (isContext(context)) return context
  const foreign: Foreign = { context, node: undefined }
  const ctx = otelContext(current()).setValue(foreignKey, foreign) as unknown as Context
  foreign.node = ctx
  return ctx
}

/**
 * The manager to register: `new NodeTracerProvider().register({ contextManager: new ContextManager() })`. From then on
 * what OpenTelemetry enters the kit sees, and the reverse. Entering a context costs what `run` costs; asking for the
 * active one costs about 15 ns.
 */
export class ContextManager implements OtelContextManager {
  #enabled = false

  /** The active context: the kit's, or the foreign one that was entered and nothing was derived from. */
  active(): OtelContext {
    const ctx = this.#enabled ? state.storage.getStore() : undefined
    if (ctx === undefined) return ROOT_CONTEXT
    const foreign = otelContext(ctx).getValue(foreignKey) as Foreign | undefined
    return foreign?.node === ctx ? (foreign.context as OtelContext) : otelContext(ctx)
  }

  /** Calls `fn` in the context, for all that it starts. */
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: OtelContext,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const call = thisArg === undefined || thisArg === null ? fn : (fn.bind(thisArg) as F)
    return this.#enabled ? state.storage.run(kitContext(context), call, ...args) : call(...args)
  }

  /**
   * A function that runs in the context, wherever it is called from; or the same emitter, whose listeners, as far as
   * they are added from now on, do. Anything else is returned as it is.
   */
  bind<T>(context: OtelContext, target: T): T {
    if (!this.#enabled) return target
    if (target instanceof EventEmitter) return bindEmitter(target, kitContext(context))
    if (typeof target !== 'function') return target
    return bind(target as T & ((...args: never[]) => unknown), kitContext(context)) as T
  }

  /** Registering does this. */
  enable(): this {
    this.#enabled = true
    return this
  }

  /** Leaves the kit's own storage alone; OpenTelemetry's part of it is not entered and not seen any more. */
  disable(): this {
    this.#enabled = false
    return this
  }
}
