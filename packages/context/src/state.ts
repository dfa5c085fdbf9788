/*
 * The process-wide state of this package: the one AsyncLocalStorage that the whole kit shares, and the slots of
 * the installed clock and of the tracker of contexts. It is anchored on globalThis, so two copies of the package in
 * one process (duplicate installs, bundles) see the same ambient context, clock and tracker.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from './clock.ts'
import type { Context } from './context.ts'
import type { Tracker } from './tracking.ts'

/** What every copy of the package shares. Its shape is fixed for the whole major version. */
export interface State {
  /** Carries the ambient context. Undefined outside of every `run`. */
  readonly storage: AsyncLocalStorage<Context | undefined>
  /** The clock that replaces the real one, if any. */
  clock: Clock | undefined
  /** Told of every context that can be cancelled, in tests and in development. */
  tracker: Tracker | undefined
}

const anchor = Symbol.for('@kit/context@1')
const globals = globalThis as typeof globalThis & { [anchor]?: State }

/** The shared state; created by the first copy of the package that is loaded. */
export const state: State = (globals[anchor] ??= {
  storage: new AsyncLocalStorage<Context | undefined>(),
  clock: undefined,
  tracker: undefined,
})
