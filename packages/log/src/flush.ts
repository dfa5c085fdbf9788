// Asking a destination to finish what it has begun.

import type { Destination } from './destination.ts'
import { property } from './property.ts'

/** Flushes a destination that can: true if it could, and `finish` will be called unless it never answers. */
export function callFlush(destination: Destination, finish: () => void): boolean {
  if (typeof destination.flush !== 'function') return false
  const result = destination.flush(() => finish())
  if (typeof result === 'object' && result !== null && typeof property(result, 'then') === 'function') {
    Promise.resolve(result).then(finish, finish)
  }
  return true
}
