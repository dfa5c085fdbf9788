/** How the time for a text grows with its length, told apart from what else a machine does. */

import { processorMs } from './processor-time.ts'

/** Growth of the time when a text doubles, and the time for the longest. */
export interface Growth {
  /**
   * By how much the time grows when the text doubles, on an average of four times: 2 where it is as long as the text, 4 where
   * it is as long as its square. A single time says nothing: above some length the engine keeps texts elsewhere, which makes
   * all of them dearer at once.
   */
  readonly ratio: number
  readonly longestMs: number
}

/** Each four times the one before. */
const sizes = [1, 4, 16, 64].map((kib) => kib * 1_024)
/** Below this, what is measured is the compiler and the garbage collector. */
const noiseMs = 0.1
/** Who takes so long has shown enough; the next size could take hours. */
const enoughMs = 200
/** How long a text is tried anew whose growth seems to be beyond the limit: code is compiled meanwhile. */
const patienceMs = 1_000

/**
 * The growth of the time of the work that `prepare` makes of texts of `head` and as many of `piece` as it takes to make 1 to 64 KiB.
 * Whatever else a machine does only ever adds to a time, so the least of several counts; what seems to be beyond `limit`
 * is measured again and again before it is believed.
 */
export async function growthOf(
  prepare: (text: string) => () => unknown,
  head: string,
  piece: string,
  limit: number,
): Promise<Growth> {
  const texts = sizes.map((size) => (head + piece.repeat(Math.ceil(size / piece.length))).slice(0, size))
  const least = texts.map(() => Number.POSITIVE_INFINITY)
  const until = processorMs() + patienceMs
  let ratio = Number.POSITIVE_INFINITY
  for (let round = 0; round < 2 || (ratio > limit && (round < 4 || processorMs() < until)); round += 1) {
    for (const [i, text] of texts.entries()) {
      const work = prepare(text)
      const since = processorMs()
      // oxlint-disable-next-line no-await-in-loop -- one after the other, or they would be in each other's time
      await work()
      const took = processorMs() - since
      least[i] = Math.min(least[i] ?? 0, took)
      if (took > enoughMs) return { ratio: worstOf(least.slice(0, i + 1)), longestMs: took }
    }
    ratio = worstOf(least)
  }
  return { ratio, longestMs: least.at(-1) ?? 0 }
}

/** From 1 to 16 KiB, and from 4 to 64. */
function worstOf(least: readonly number[]): number {
  return Math.max(1, ...least.slice(2).map((ms, i) => ((ms + noiseMs) / ((least[i] ?? 0) + noiseMs)) ** 0.25))
}
