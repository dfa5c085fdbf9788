// Values of secret names within texts: `token=…` of URLs, forms and settings, `"password":"…"` of JSON and of JSON
// within JSON, `Cookie: …` of header dumps, `{ secret: '…' }` of inspected objects. From each `=` and `:` one looks back
// for a name, at most 64 units, and only behind a secret one ahead for its value: linear, whatever the text.

import {
  closingBracket,
  closingQuote,
  isDigit,
  isInTime,
  isLetter,
  isQuote,
  isSpace,
  quoteAfter,
  quoteBefore,
} from './scan.ts'

/** UTF-16 units of a name. */
const MAX_NAME = 64

/** The names whose values are to be hidden. */
export interface SecretNames {
  /** Whether a name is one of them. */
  match(name: string): boolean
  /** Whether one of them can end with two letters or digits, in lower case: a quick look that spares most others. */
  mayEndWith(before: number, last: number): boolean
}

/** A sign between a name and a value. */
interface Sign {
  readonly kind: '=' | ':' | '%3D'
  readonly at: number
}

/** A name that was found before a sign. */
interface Name {
  readonly text: string
  /** What closes it: '' or a quote, with the backslashes before it. */
  readonly quote: string
  /** What stands right before it, a quote that was opened there for instance. */
  readonly opener: string
}

/** Where a value is, and what is to be written in its place. */
interface Value {
  readonly from: number
  readonly to: number
  readonly shown: string
}

/** The text with `censor` in place of the values of names that are secret. */
export function hideNamed(text: string, censor: string, names: SecretNames): string {
  let shown = ''
  let from = 0
  for (let at = 0; at < text.length; at += 1) {
    const kind = signAt(text, at)
    if (kind === undefined) continue
    const sign = { kind, at }
    const name = nameBefore(text, sign, from, names)
    if (name === undefined || !names.match(name.text)) continue
    const value = valueAfter(text, sign, name, censor, names)
    if (value === undefined) continue
    shown += text.slice(from, value.from) + value.shown
    from = value.to
    at = from - 1
  }
  return from === 0 ? text : shown + text.slice(from)
}

function signAt(text: string, at: number): Sign['kind'] | undefined {
  switch (text.charCodeAt(at)) {
    case 61: // =
      return '='
    case 58: // :
      return isInTime(text, at) ? undefined : ':'
    case 37: // %
      return text.charCodeAt(at + 1) === 51 && (text.charCodeAt(at + 2) | 32) === 100 ? '%3D' : undefined
    default:
      return undefined
  }
}

/** What ends at a sign, does not begin before `floor` and could be one of the names. */
function nameBefore(text: string, { kind, at }: Sign, floor: number, names: SecretNames): Name | undefined {
  let end = at
  // One space, as in settings: `password = x`. Not before a comparison.
  if (kind !== '%3D' && end > floor && text[end - 1] === ' ' && !'=>'.includes(text.charAt(at + 1))) end -= 1
  const close = quoteBefore(text, end, floor)
  end -= close.length
  if (end - floor >= 2) {
    const [before, last] = [lowerAt(text, end - 2), lowerAt(text, end - 1)]
    // What stands between letters and does not count, as in `to-ken`, is left to the closer look.
    if (before !== 0 && last !== 0 && !names.mayEndWith(before, last)) return undefined
  }
  let start = end
  while (start > floor && end - start < MAX_NAME && isNameUnit(text.charCodeAt(start - 1), close !== ''))
    start -= 1
  // The letter of an escaped line break is no part of the name behind it.
  if (start > floor && start < end && text[start - 1] === '\\' && 'nrt'.includes(text.charAt(start)))
    start += 1
  if (start === end) return undefined
  const opener = start > floor ? text.charAt(start - 1) : ''
  return { text: decode(text.slice(start, end)), quote: close, opener }
}

function valueAfter(
  text: string,
  { kind, at }: Sign,
  name: Name,
  censor: string,
  names: SecretNames,
): Value | undefined {
  let from = at + (kind === '%3D' ? 3 : 1)
  if (kind === '=' && text[from] === '>') from += 1
  const room = kind === ':' || text[at - 1] === ' ' ? 8 : 0
  for (let spaces = 0; spaces < room && isSpace(text.charAt(from)); spaces += 1) from += 1
  const open = kind === '%3D' ? '' : quoteAfter(text, from)
  if (open !== '') {
    const inner = from + open.length
    let to = closingQuote(text, inner, open)
    // A quote that was never closed must not end where the next secret begins.
    while (opensSecret(text, inner, to, names))
      to = closingQuote(text, text.indexOf(open.slice(-1), to) + 1, open)
    return { from: inner, to, shown: censor }
  }
  const first = text.charAt(from)
  if (kind !== '%3D' && (first === '[' || first === '{')) {
    return { from, to: closingBracket(text, from), shown: quoted(censor, name) }
  }
  if (kind === ':' && text.startsWith('//', from)) return undefined
  const end = tokenEnd(text, from, kind)
  if (end === from) return undefined
  const token = end - from > MAX_NAME ? '' : text.slice(from, end)
  if (NOTHING.test(token)) return undefined
  const isLine = kind === ':' && WHOLE_LINE.test(name.text)
  if (kind === ':' && name.quote === '' && WORD.test(token) && !(isLine && SCHEME_NAME.test(token)))
    return undefined
  return { from, to: isLine ? lineEnd(text, from, name) : end, shown: quoted(censor, name) }
}

/** Headers whose value is all that follows on the line. */
const WHOLE_LINE = /(?:cookies?|authorization)[-_. ]*$/i
/** What an `Authorization` begins with, if it begins with a plain word. */
const SCHEME_NAME = /^(?:basic|bearer|digest|negotiate|ntlm|token|apikey|hawk|dpop)$/
/** That there is none is no secret. */
const NOTHING = /^(?:null|undefined)$/
/** Behind a colon, a plain word is more likely the end of a sentence: `invalid token: expired`. */
const WORD = /^[a-z]+[.!?]?$/
/** What ends a value without quotes, by the sign before it. */
const ENDS = { '=': /[\s&#"'<>;,)\\]/g, ':': /[\s,;&"'`<>)}\]\\]/g, '%3D': /[\s&#"'<>;,)\\]|%26|%23/gi }

function tokenEnd(text: string, from: number, kind: Sign['kind']): number {
  const end = ENDS[kind]
  end.lastIndex = from
  return end.exec(text)?.index ?? text.length
}

/** The end of a line, written out or escaped, or the quote that was opened before the name. */
function lineEnd(text: string, from: number, { opener }: Name): number {
  const end = isQuote(opener) ? LINE_ENDS_QUOTED[opener] : LINE_END
  end.lastIndex = from
  return end.exec(text)?.index ?? text.length
}

const LINE_END = /[\r\n]|\\[rn]/g
const LINE_ENDS_QUOTED = { '"': /[\r\n"]|\\[rn"]/g, "'": /[\r\n']|\\[rn']/g, '`': /[\r\n`]|\\[rn`]/g }

/** Whether the quote at a place opens the value of a secret name, rather than close what began at `floor`. */
function opensSecret(text: string, floor: number, quote: number, names: SecretNames): boolean {
  if (quote >= text.length) return false
  let end = quote
  while (end > floor && quote - end < 8 && isSpace(text.charAt(end - 1))) end -= 1
  const kind = text.charAt(end - 1)
  if (end <= floor || (kind !== ':' && kind !== '=')) return false
  const name = nameBefore(text, { kind, at: end - 1 }, floor, names)
  return name !== undefined && names.match(name.text)
}

/** In JSON, what takes the place of a number or an object is a string. */
function quoted(censor: string, { quote }: Name): string {
  return quote + censor + quote
}

/** A letter in lower case or a digit, else 0. */
function lowerAt(text: string, at: number): number {
  const unit = text.charCodeAt(at)
  return isLetter(unit) ? unit | 32 : isDigit(unit) ? unit : 0
}

/** Letters, digits, `_ . - % [ ]`, within quotes spaces too. */
function isNameUnit(unit: number, isQuoted: boolean): boolean {
  if (isLetter(unit) || isDigit(unit)) return true
  switch (unit) {
    case 37: // %
    case 45: // -
    case 46: // .
    case 91: // [
    case 93: // ]
    case 95: // _
      return true
    default:
      return isQuoted && unit === 32
  }
}

/** A name out of a URL, without what stands before it where that was encoded too: `%2Fcb%3Ftoken`. */
function decode(name: string): string {
  if (!name.includes('%')) return name
  const decoded = name.replace(ESCAPE, unescaped)
  let start = decoded.length
  while (start > 0 && isNameUnit(decoded.charCodeAt(start - 1), false)) start -= 1
  return decoded.slice(start)
}

const ESCAPE = /%([\da-f]{2})/gi

/** Beyond ASCII is nothing that names are made of. Not by `decodeURIComponent`, where each malformed name costs an exception. */
function unescaped(_escape: string, digits: string): string {
  const unit = Number.parseInt(digits, 16)
  return unit < 128 ? String.fromCharCode(unit) : '\uFFFD'
}
