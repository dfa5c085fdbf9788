/*
 * Many operations in a row, the inner loop of every measurement. The result of each is stored where the compiler cannot
 * prove that nobody reads it, so no work is optimised away. One process runs one case, so the call in the loop has one
 * target and costs next to nothing.
 */
import type { Operation } from './suite.ts'

/** Where results go. */
export const sink: { value: unknown } = { value: undefined }

/** Does the work so many times. Returns a promise if and only if the operations are awaited. */
export type Burst = (count: number) => unknown

/**
 * Calls a burst from a place that calls many, so that no compiler takes the loop into the caller: the second compiler of
 * V8 13.6 does, and forgets the better code that the loop has already; then a call of one nanosecond takes three.
 */
export function enter(burst: Burst, count: number): unknown {
  return burst(count)
}
// So often that V8 takes notes.
const others: readonly Burst[] = [(count) => count, (count) => -count, (count) => count + 1]
for (let i = 0; i < 3000; i++) for (const other of others) enter(other, i)

/** The loop around an operation; `awaits` as in `Group`. */
export function burstOf(operation: Operation, awaits: number | undefined): Burst {
  if (typeof operation === 'object') return (count) => operation.burst(count)
  if (awaits === undefined) return inARow(operation)
  return awaits === 1 ? (count) => oneByOne(operation, count) : (count) => inWaves(operation, count, awaits)
}

/** One turn of the event loop: timers, finalizers and callbacks get their time. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function inARow(operation: (index: number) => unknown): Burst {
  return (count) => {
    for (let i = 0; i < count; i++) sink.value = operation(i)
  }
}

async function oneByOne(operation: (index: number) => unknown, count: number): Promise<void> {
  for (let i = 0; i < count; i++) sink.value = await operation(i)
}

async function inWaves(operation: (index: number) => unknown, count: number, width: number): Promise<void> {
  const wave: unknown[] = []
  for (let done = 0; done < count; done += width) {
    const size = Math.min(width, count - done)
    for (let i = 0; i < size; i++) wave[i] = operation(done + i)
    for (let i = 0; i < size; i++) sink.value = await wave[i]
  }
}
