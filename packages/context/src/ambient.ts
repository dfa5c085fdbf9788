/*
 * The ambient context: it follows the calls, awaits, timers and promises that start inside `run`. Event handlers and
 * abort listeners see the emitter's, an async generator its consumer's; `bind` fixes a function to one context.
 */
import type { Context } from './context.ts'
import { ContextError } from './errors.ts'
import { assertContext, background } from './context-node.ts'
import { state } from './state.ts'

/** The context of the innermost `run` around this code, else `background`. Costs about 10 ns. */
export function current(): Context {
  return state.storage.getStore() ?? background
}

/**
 * Calls `fn` with `ctx` as the ambient context, for all that it starts, and returns what it returns. Costs up to
 * 0.3 µs on Node 24 and later: run once for a unit of work, not for each call. Throws KIT_INVALID_CONTEXT.
 */
export function run<R>(ctx: Context, fn: () => R): R {
  assertContext(ctx)
  return state.storage.run(ctx, fn)
}

/**
 * A function that calls `fn` with `ctx` as the ambient context, by default the one that is current now, wherever it
 * is called from; `this`, arguments, name and length stay. Throws KIT_INVALID_CONTEXT, KIT_INVALID_CALLBACK.
 */
export function bind<F extends (...args: never[]) => unknown>(fn: F, ctx: Context = current()): F {
  if (typeof fn !== 'function') throw new ContextError('KIT_INVALID_CALLBACK', 'bind needs a function')
  assertContext(ctx)
  const bound = function (this: unknown, ...args: unknown[]): unknown {
    return state.storage.run(ctx, () => Reflect.apply(fn, this, args))
  }
  for (const key of ['name', 'length'] as const) {
    try {
      Object.defineProperty(bound, key, { value: fn[key], configurable: true })
    } catch {
      // A proxy that does not tell has a function of no name.
    }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it takes and returns what fn does
  return bound as unknown as F
}
