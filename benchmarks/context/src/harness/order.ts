/*
 * The order in which the cases of a group get their rounds. Every other pass is the one before in reverse, so no case
 * always follows the same neighbour and each has the same mean place; the shuffles come again with the same seed.
 */

/** For each pass the indices of the cases in the order of their rounds. */
export function orders(cases: number, passes: number, seed: number): number[][] {
  const random = seededRandom(seed)
  const result: number[][] = []
  for (let pass = 0; pass < passes; pass++) {
    const before = result[pass - 1]
    result.push(pass % 2 === 1 && before !== undefined ? before.toReversed() : shuffled(cases, random))
  }
  return result
}

function shuffled(count: number, random: () => number): number[] {
  const drawn = Array.from({ length: count }, (_, index) => ({ index, lot: random() }))
  return drawn.toSorted((a, b) => a.lot - b.lot).map(({ index }) => index)
}

/** Numbers in [0, 1): mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
