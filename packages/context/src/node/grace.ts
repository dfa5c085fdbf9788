import { ContextError } from '../errors.ts'

/** Throws KIT_INVALID_OPTION unless the value is a length of time that something may be given to end; internal. */
export function assertGrace(graceMs: number): void {
  if (typeof graceMs === 'number' && graceMs >= 0) return
  throw new ContextError('KIT_INVALID_OPTION', 'graceMs is a number of milliseconds, 0 or more')
}
