/*
 * How many stack frames the errors made by a function carry. Capturing a stack costs microseconds: endings of contexts
 * go without, since theirs would only show the timer or the canceller.
 */

// False under --frozen-intrinsics, where the assignment would throw.
const canLimit = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true

/** Calls `make` while stacks have at most that many frames; internal. */
export function atStackDepth<T>(frames: number, make: () => T): T {
  if (!canLimit) return make()
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = frames
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}
