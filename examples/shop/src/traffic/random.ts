/** Random numbers that come again with the same seed: mulberry32, small and good enough to shop with. */

/** A number in [0, 1). */
export type Random = () => number

/** A generator that gives the same sequence for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A whole number from 0 to `below`, small ones far more often: what is popular is asked for again and again. */
export function skewed(random: Random, below: number): number {
  return Math.floor(random() ** 4 * below)
}

/** One of `choices`, by weight. */
export function weighted<T>(random: Random, choices: readonly (readonly [weight: number, choice: T])[]): T {
  const total = choices.reduce((sum, [weight]) => sum + weight, 0)
  let left = random() * total
  for (const [weight, choice] of choices) {
    left -= weight
    if (left < 0) return choice
  }
  return (choices.at(-1) as readonly [number, T])[1]
}
