// Opening log files again when a signal says so, as daemons do on SIGHUP after their logs were rotated.

import { constants } from 'node:os'
import { LogError } from './errors.ts'
import type { Output } from './output.ts'

const outputs = new Map<NodeJS.Signals, Set<Output>>()

/** Checks that a value names a signal that can be listened to. Throws `LogError`: `KIT_LOG_BAD_OPTION`. */
export function checkSignal(value: unknown): asserts value is NodeJS.Signals {
  const isSignal = typeof value === 'string' && Object.hasOwn(constants.signals, value)
  if (!isSignal || value === 'SIGKILL' || value === 'SIGSTOP') {
    throw new LogError('KIT_LOG_BAD_OPTION', "reopenOnSignal is the name of a signal, such as 'SIGHUP'.")
  }
}

/** Opens the file of an output again at each such signal. One listener a signal; its default action is gone. */
export function reopenOn(signal: NodeJS.Signals, output: Output): void {
  const known = outputs.get(signal)
  if (known !== undefined) {
    known.add(output)
    return
  }
  const all = new Set([output])
  outputs.set(signal, all)
  process.on(signal, () => {
    for (const each of all) each.reopen()
  })
}
