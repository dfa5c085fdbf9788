// Escaping. JSON's own rules let through characters that can still move a cursor, end a line for some
// readers, or turn the reading order around: C1 controls, DEL, U+2028, U+2029 and the bidirectional
// controls. They are written as \uXXXX, which a JSON parser gives back unchanged. So are halves of surrogate pairs,
// which have no UTF-8.

import { isInTime } from '../scan.ts'

const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
/** Of texts that `JSON.stringify` has not seen, which escapes the halves. */
const UNSAFE_RAW = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/u
const ALL_UNSAFE = new RegExp(UNSAFE_RAW, 'gu')
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const ALL_CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/gu
const SHORT = 64

/**
 * Whether a text is short and stands as it is wherever it is written: printable ASCII without quotes and backslashes,
 * and without the signs by which credentials in texts are found: `://`, `=`, `--`, `%3`, a colon behind a name, and the
 * space behind `bearer` and `basic`. For the many texts that are so, this one look is all that they need.
 */
export function isPlain(text: string): boolean {
  const { length } = text
  if (length > SHORT) return false
  for (let i = 0; i < length; i += 1) {
    if (NOTABLE[text.charCodeAt(i)] !== 0 && isTelling(text, i)) return false
  }
  return true
}

/** By unit, whether it may keep a text from being plain; undefined for what is not ASCII. */
const NOTABLE: Readonly<Uint8Array> = Uint8Array.from({ length: 127 }, (_, unit) =>
  unit < 32 || '"=\\ %:-/'.includes(String.fromCharCode(unit)) ? 1 : 0,
)

/** Whether a unit that is notable keeps the text from being plain where it stands. */
function isTelling(text: string, i: number): boolean {
  const unit = text.charCodeAt(i)
  switch (unit) {
    case 32:
      return endsLikeScheme(text, i)
    case 37: // %
      return text.charCodeAt(i + 1) === 51
    case 58: // :
      return endsLikeName(text, i) && !isInTime(text, i)
    case 45: // -
    case 47: // /
      return text.charCodeAt(i + 1) === unit
    default: // a control, a quote, a backslash, =, or no ASCII
      return true
  }
}

/** Whether what stands before a place could be the end of a name. */
function endsLikeName(text: string, end: number): boolean {
  if (end === 0) return false
  const last = text.charCodeAt(end - 1)
  return last !== 47 && last !== 40 && last !== 44 // not behind / ( ,
}

/** Whether `rer` or `sic` stands before a place, in any case. */
function endsLikeScheme(text: string, end: number): boolean {
  const last = text.charCodeAt(end - 1) | 32
  if (last !== 114 && last !== 99) return false
  const three = text.slice(end - 3, end).toLowerCase()
  return three === 'rer' || three === 'sic'
}

/** A JSON string with no character in it that could disturb a terminal or a line. */
export function quote(text: string): string {
  const { length } = text
  if (length > SHORT) return quoteAny(text)
  for (let i = 0; i < length; i += 1) {
    const unit = text.charCodeAt(i)
    if (unit < 32 || unit === 34 || unit === 92 || unit >= 127) return quoteAny(text)
  }
  return `"${text}"`
}

/** Whether text needs `neutralise` beyond the escapes that every encoder of JSON makes. */
export function isUnsafe(text: string): boolean {
  return UNSAFE_RAW.test(text)
}

/** Escapes, in text that is JSON already, what JSON leaves. Such characters occur inside its strings only. */
export function neutralise(json: string): string {
  return json.replace(ALL_UNSAFE, escapeUnit)
}

/** Text for people on one physical line: controls as \n, \t or \uXXXX, everything else as it is. */
export function oneLine(text: string): string {
  return text.replace(ALL_CONTROLS, escapeControl)
}

function quoteAny(text: string): string {
  const json = JSON.stringify(text)
  return UNSAFE.test(json) ? neutralise(json) : json
}

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function escapeControl(character: string): string {
  switch (character) {
    case '\n':
      return '\\n'
    case '\r':
      return '\\r'
    case '\t':
      return '\\t'
    default:
      return escapeUnit(character)
  }
}
