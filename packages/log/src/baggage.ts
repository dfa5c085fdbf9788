// One member of a W3C Baggage header, without reading the others into anything: the header is a stranger's, so its
// length is bounded before it is looked at.

/** The limit on a whole header that the specification sets (W3C Baggage, section 3.3.2). */
const MAX_LENGTH = 8192

/** The percent-decoded value of the first member of this name; undefined where there is none or it cannot be decoded. */
export function baggageValue(header: string, name: string): string | undefined {
  if (header.length > MAX_LENGTH) return undefined
  for (const member of header.split(',')) {
    const equals = member.indexOf('=')
    if (equals === -1 || member.slice(0, equals).trim() !== name) continue
    // What follows a semicolon are properties of the member.
    const value = member.slice(equals + 1).split(';', 1)[0] ?? ''
    try {
      return decodeURIComponent(value.trim())
    } catch {
      return undefined
    }
  }
  return undefined
}
