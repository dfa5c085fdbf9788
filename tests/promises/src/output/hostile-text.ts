/** Texts at random, made of what breaks formats. */

import { pick } from '../tools/seeded.ts'

const pieces: readonly string[] = [
  ...'aZ09_:./-{}[]="\'\\#,; %&<>|@'.split(''),
  '\n',
  '\r',
  '\t',
  '\0',
  '\u001b[31m',
  '\u007f',
  '\u0085',
  '\u00a0',
  '\u00fc',
  '\u200f',
  '\u2028',
  '\u202e',
  '\ufeff',
  '\ufffd',
  '\ud800',
  '\udc00',
  '\u{1f98a}',
  '\\n',
  '\\"',
  '"} 1\n',
  ' # {a="1"} 1',
  '# EOF\n',
  '%s',
  '${x}',
]
const known: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  'NaN',
  '+Inf',
  'le',
  'null',
  'true',
  '0',
  '',
]

/** A text of at most `max` pieces. */
export function hostileText(random: () => number, max = 8): string {
  if (random() < 0.1) return pick(random, known)
  return Array.from({ length: Math.floor(random() * (max + 1)) }, () => pick(random, pieces)).join('')
}
