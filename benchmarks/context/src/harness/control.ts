/*
 * The control of a round: arithmetic that takes the same time whenever the processor is ours. It allocates nothing, so the
 * collector has no hand in it. Six chains that do not need each other keep the processor's units busy, as ordinary code
 * does: one chain alone takes the same time when a neighbour on the other hyperthread takes half of them.
 */

const steps = 40_000
let states: readonly [number, number, number, number, number, number] = [1, 2, 3, 4, 5, 6]

/** Does the fixed arithmetic; returns how many nanoseconds it took. */
export function control(): number {
  const start = performance.now()
  let [a, b, c, d, e, f] = states
  for (let i = 0; i < steps; i++) {
    a = ((a ^ (a << 13)) + i) | 0
    b = ((b ^ (b << 7)) + i) | 0
    c = ((c ^ (c >>> 9)) + i) | 0
    d = ((d ^ (d << 5)) + i) | 0
    e = ((e ^ (e >>> 3)) + i) | 0
    f = ((f ^ (f << 11)) + i) | 0
  }
  states = [a, b, c, d, e, f]
  return (performance.now() - start) * 1e6
}
