// Secrets within texts: messages, stacks, URLs, bodies that are logged as strings. A key cannot be asked there, so
// the usual spellings of "this is the value of that key" are looked for. All of it is linear in the text.

/** What stands between the scheme and the host of a URL, up to the last `@`. */
const USER_INFO = /:\/\/[^\s/?#"'<>\\]*@/g
/** `name=value` of a query, a fragment, a form or a line of settings. */
const PARAMETER = /(^|[?&#;,\s"'(])([\w.%[\]-]{1,64})=([^\s&#"'<>;,)\\]+)/g
/** `"name":` of JSON, also of JSON within JSON strings. */
const MEMBER_NAME = /(\\{0,7}")([\w. -]{1,64})\\{0,7}"\s{0,2}:\s{0,2}/g
/** What follows it, unless that is an object or a list. */
const MEMBER_VALUE = /"(?:[^"\\]|\\.)*"?|\\{1,7}"[^"]*"?|[\w.+-]+/sy
/** Credentials as they stand in a header. A digit, a capital within or padding tells them from plain words. */
const SCHEME = /\b([Bb]earer|BEARER|[Bb]asic|BASIC) {1,4}(?=[\w.~+/-]*(?:\d|=|[a-z][A-Z]))[\w.~+/=-]{8,}/g
const KEY_BEGIN = '-----BEGIN '
const KEY_END = '-----END '

/** The text with `user:password` of each URL in it replaced, as in `postgres://user:password@host`. */
export function hideUserInfo(text: string, censor: string): string {
  return text.includes('://') ? text.replace(USER_INFO, () => `://${censor}@`) : text
}

/** The text without the values of secret names, and without credentials that can be told by their form. */
export function hideSecrets(text: string, censor: string, isSecret: (name: string) => boolean): string {
  let hidden = text
  // Most texts have neither sign, and pay for two looks.
  if (text.includes('=')) {
    hidden = hidden.replace(PARAMETER, (whole: string, before: string, name: string) =>
      isSecret(decode(name)) ? `${before}${name}=${censor}` : whole,
    )
  }
  if (text.includes('":')) hidden = hideMembers(hidden, censor, isSecret)
  if (text.length < 16) return hidden
  if (
    text.includes('earer ') ||
    text.includes('asic ') ||
    text.includes('BEARER') ||
    text.includes('BASIC')
  ) {
    hidden = hidden.replace(SCHEME, (_whole, scheme: string) => `${scheme} ${censor}`)
  }
  return text.includes('PRIVATE KEY') ? hidePrivateKeys(hidden, censor) : hidden
}

/** Values that are texts or numbers, of names that are secret. What is not secret is searched for what is in it. */
function hideMembers(text: string, censor: string, isSecret: (name: string) => boolean): string {
  let shown = ''
  let from = 0
  MEMBER_NAME.lastIndex = 0
  for (let found = MEMBER_NAME.exec(text); found !== null; found = MEMBER_NAME.exec(text)) {
    const [whole, mark, name] = found
    if (mark === undefined || name === undefined || !isSecret(name)) continue
    MEMBER_VALUE.lastIndex = MEMBER_NAME.lastIndex
    if (!MEMBER_VALUE.test(text)) continue
    shown += `${text.slice(from, found.index)}${whole}${mark}${censor}${mark}`
    from = MEMBER_VALUE.lastIndex
    MEMBER_NAME.lastIndex = from
  }
  return shown + text.slice(from)
}

/** PEM blocks, up to their end or the end of the text. */
function hidePrivateKeys(text: string, censor: string): string {
  let shown = ''
  let from = 0
  for (let at = text.indexOf(KEY_BEGIN); at !== -1; at = text.indexOf(KEY_BEGIN, at + 1)) {
    if (at < from || !text.slice(at, at + 64).includes('PRIVATE KEY')) continue
    const end = text.indexOf(KEY_END, at)
    const close = end === -1 ? -1 : text.indexOf('-----', end + KEY_END.length)
    shown += text.slice(from, at) + censor
    from = close === -1 ? text.length : close + 5
  }
  return shown + text.slice(from)
}

function decode(name: string): string {
  if (!name.includes('%')) return name
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
