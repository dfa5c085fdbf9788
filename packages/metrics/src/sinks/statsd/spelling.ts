/**
 * Escaping: how text that a dialect cannot hold is spelled, so that nothing reaches the syntax of a line and no two
 * texts become one. A character that is not safe becomes `_x`, its code point in hexadecimal, `_`; so does an
 * underscore before an `x`, which makes the spelling reversible. What is too long is cut, and ends in a hash of the
 * whole: `_xh`, 16 digits, `_`.
 */

import { createHash } from 'node:crypto'

/** Longest spelling of one label value, in bytes. */
export const maxSpelledBytes = 160

/** What ends a text that was cut is so long. */
export const cutBytes = 20

/** Spells text with the characters that `safe`, a pattern for one character, lets through. */
export class Speller {
  readonly #safe: RegExp
  readonly #allSafe: RegExp

  constructor(safe: string) {
    this.#safe = new RegExp(`^${safe}$`, 'u')
    this.#allSafe = new RegExp(`^${safe}*$`, 'u')
  }

  /** The spelling of `text`; `atMost` bytes long, or, where it has to be cut, {@link cutBytes} more. */
  spell(text: string, atMost: number = maxSpelledBytes): string {
    const short = text.length * 3 <= atMost || Buffer.byteLength(text) <= atMost
    if (short && !text.includes('_x') && this.#allSafe.test(text)) return text
    let spelled = ''
    let bytes = 0
    let before = ''
    for (const character of text) {
      let piece = character
      if (!this.#safe.test(character)) piece = escaped(character)
      else if (character === 'x' && before === '_') {
        spelled = spelled.slice(0, -1)
        bytes--
        piece = `${escaped('_')}x`
      }
      bytes += piece <= '\u007f' || piece.length > 2 ? piece.length : Buffer.byteLength(piece)
      if (bytes > atMost) return `${spelled}_xh${hash(text)}_`
      spelled += piece
      before = character
    }
    return spelled
  }
}

/** The escape of one character, for callers that must avoid a text that is safe as such. */
export function escaped(character: string): string {
  return `_x${character.codePointAt(0)!.toString(16)}_`
}

/** Spells the first character of a safe text as an escape, so that it differs from that text. */
export function dodged(text: string): string {
  const [first = ''] = text
  return escaped(first) + text.slice(first.length)
}

/** In UTF-16, since all lone surrogates are one and the same in UTF-8. */
function hash(text: string): string {
  return createHash('sha256').update(text, 'utf16le').digest('hex').slice(0, 16)
}
