/*
 * The control of a round: arithmetic that takes the same time whenever the processor is ours. It allocates nothing and
 * each step needs the one before, so neither the collector nor a clever compiler has a hand in it.
 */

const steps = 100_000
let state = 463_534_242

/** Does the fixed arithmetic; returns how many nanoseconds it took. */
export function control(): number {
  const start = performance.now()
  let x = state
  for (let i = 0; i < steps; i++) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
  }
  state = x
  return (performance.now() - start) * 1e6
}
