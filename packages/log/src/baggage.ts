// One member of a W3C Baggage header, without reading the others into anything: the header is a stranger's, so its
// bytes and its members are bounded before they are looked at.

/** What everybody must take of a header, all its lines together (W3C Baggage, section 3.3.2); no more is taken. */
const MAX_BYTES = 8192
const MAX_MEMBERS = 64

/**
 * The percent-decoded value of the first member of this name; undefined where there is none or it cannot be decoded.
 * `onLimit` is called if that is because the header has more bytes or members than are read; a header that is too long
 * is not read at all, and of one with too many members the first 64.
 */
export function baggageValue(header: string, name: string, onLimit: () => void): string | undefined {
  if (header.length > MAX_BYTES) {
    onLimit()
    return undefined
  }
  let start = 0
  for (let members = 0; start <= header.length; members += 1) {
    if (members === MAX_MEMBERS) {
      onLimit()
      return undefined
    }
    const comma = header.indexOf(',', start)
    const end = comma === -1 ? header.length : comma
    const member = header.slice(start, end)
    start = end + 1
    const equals = member.indexOf('=')
    if (equals !== -1 && member.slice(0, equals).trim() === name) return valueOf(member.slice(equals + 1))
  }
  return undefined
}

function valueOf(text: string): string | undefined {
  // What follows a semicolon are properties of the member.
  const semicolon = text.indexOf(';')
  const value = (semicolon === -1 ? text : text.slice(0, semicolon)).trim()
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}
