/*
 * Contexts that end on a signal of the operating system: Go's signal.NotifyContext.
 */
import { constants } from 'node:os'
import type { CancelContext, Context } from './context.ts'
import { ContextError } from './errors.ts'
import { assertContext } from './context-node.ts'

/**
 * A child of `ctx` that is cancelled when the process receives one of the signals (SIGINT and SIGTERM if none is
 * named), with the name of the signal as cause. The listeners go when the child ends, so a second Ctrl-C ends the
 * process as usual. Throws KIT_INVALID_SIGNAL for a name that does not exist here or cannot be caught.
 */
export function notify(ctx: Context, ...signals: NodeJS.Signals[]): CancelContext {
  assertContext(ctx)
  const names = new Set(signals.length === 0 ? (['SIGINT', 'SIGTERM'] as const) : signals)
  for (const name of names) {
    if (Object.hasOwn(constants.signals, name) && name !== 'SIGKILL' && name !== 'SIGSTOP') continue
    throw new ContextError('KIT_INVALID_SIGNAL', `${name} is no signal that this process could catch`)
  }
  const child = ctx.withCancel()
  const listener = (name: NodeJS.Signals): void => {
    child.cancel(name)
    remove()
  }
  const remove = (): void => {
    for (const name of names) process.off(name, listener)
  }
  for (const name of names) process.on(name, listener)
  child.afterFunc(remove)
  return child
}
