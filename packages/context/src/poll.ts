/*
 * News that comes without the event loop: asked for whenever a context is asked whether it has ended. Empty, and one
 * comparison, except in worker threads that share a context with another thread (`node/worker.ts`).
 */

/** What is called before an answer; internal. A poller that ends a context runs no code of others. */
export const pollers: Set<() => void> = new Set()

/** Calls them all; internal. */
export function pollAll(): void {
  for (const poll of pollers) poll()
}
