// Steps through a text: quotes with the backslashes before them, brackets, kinds of characters. Each looks at a character
// once, so that who takes them one after the other has looked at each of the text's.

/** Backslashes before a quote that are understood: JSON within JSON, seven deep. */
const MAX_BACKSLASHES = 127

/** A quote that ends at a place, with its backslashes; '' if there is none. */
export function quoteBefore(text: string, end: number, floor: number): string {
  if (end <= floor || !isQuote(text.charAt(end - 1))) return ''
  let start = end - 1
  while (start > floor && end - start <= MAX_BACKSLASHES && text[start - 1] === '\\') start -= 1
  return text.slice(start, end)
}

/** A quote that begins at a place, with its backslashes; '' if there is none. */
export function quoteAfter(text: string, from: number): string {
  let end = from
  while (end - from < MAX_BACKSLASHES && text[end] === '\\') end += 1
  return isQuote(text.charAt(end)) ? text.slice(from, end + 1) : ''
}

/** Where the closing quote begins: of a quote without backslashes the next that is not escaped, of others their like. */
export function closingQuote(text: string, from: number, open: string): number {
  const quote = open.charAt(open.length - 1)
  const depth = open.length - 1
  for (let at = text.indexOf(quote, from); at !== -1; at = text.indexOf(quote, at + 1)) {
    let start = at
    while (start > from && text[start - 1] === '\\') start -= 1
    const backslashes = at - start
    if (depth === 0 ? backslashes % 2 === 0 : backslashes <= depth) return depth === 0 ? at : start
  }
  return text.length
}

/** Behind the bracket that closes the one at a place, or the end of the text. */
export function closingBracket(text: string, from: number): number {
  let depth = 0
  let quote = ''
  for (let at = from; at < text.length; at += 1) {
    const unit = text.charAt(at)
    if (unit === '\\') at += 1
    else if (quote !== '') quote = unit === quote ? '' : quote
    else if (isQuote(unit)) quote = unit
    else if (unit === '[' || unit === '{') depth += 1
    else if (unit === ']' || unit === '}') {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return text.length
}

export function isQuote(unit: string): unit is '"' | "'" | '`' {
  return unit === '"' || unit === "'" || unit === '`'
}

export function isSpace(unit: string): boolean {
  return unit === ' ' || unit === '\t'
}

export function isLetter(unit: number): boolean {
  const lower = unit | 32
  return lower >= 97 && lower <= 122
}

export function isDigit(unit: number): boolean {
  return unit >= 48 && unit <= 57
}

/** Whether a colon stands as in `23:59`, `host01:8080` or `line 10:5`, and not behind a name. */
export function isInTime(text: string, colon: number): boolean {
  return (
    isDigit(text.charCodeAt(colon + 1)) &&
    isDigit(text.charCodeAt(colon - 1)) &&
    (colon < 2 || !isLetter(text.charCodeAt(colon - 2)))
  )
}
