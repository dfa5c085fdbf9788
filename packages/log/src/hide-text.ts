// Secrets within texts: messages, stacks, URLs, bodies that are logged as strings. A key cannot be asked there, so
// the usual spellings of "this is the value of that key" are looked for, and credentials that can be told by their form.
// All of it is linear in the text; a test has V8's linear engine take the patterns.

import { hideNamed } from './hide-named.ts'
import type { SecretNames } from './hide-named.ts'

/** What stands between the scheme and the host of a URL, up to the last `@`. */
export const USER_INFO: RegExp = /:\/\/[^\s/?#"'<>\\]*@/g
/** Credentials as they stand in a header. What is shorter is a word, of which another scheme may be the end. */
export const SCHEME: RegExp = /\b([Bb]earer|BEARER|[Bb]asic|BASIC) {1,4}([\w.~+/=-]{8,})/g
/** A digit, a capital within or padding tells them from plain words. */
export const TOKEN: RegExp = /\d|=|[a-z][A-Z]/
/** What credentials that are told by their form have in them. */
export const FORMS: RegExp = /earer |asic |BEARER |BASIC |PRIVATE KEY/
const KEY = 'PRIVATE KEY'
const KEY_BEGIN = '-----BEGIN '
const KEY_END = '-----END '

/** The text with `user:password` of each URL in it replaced, as in `postgres://user:password@host`. */
export function hideUserInfo(text: string, censor: string): string {
  return text.includes('://') ? text.replace(USER_INFO, () => `://${censor}@`) : text
}

/** The text without the values of secret names, and without credentials that can be told by their form. */
export function hideSecrets(text: string, censor: string, names: SecretNames): string {
  let hidden = text
  // Most texts have none of these, and pay for one look.
  if (FORMS.test(text)) {
    if (text.includes(KEY)) hidden = hidePrivateKeys(hidden, censor)
    hidden = hidden.replace(SCHEME, (whole: string, scheme: string, token: string) =>
      TOKEN.test(token) ? `${scheme} ${censor}` : whole,
    )
  }
  return hideNamed(hidden, censor, names)
}

/** PEM blocks, up to their end or the end of the text. */
function hidePrivateKeys(text: string, censor: string): string {
  let shown = ''
  let from = 0
  for (let at = text.indexOf(KEY_BEGIN); at !== -1; at = text.indexOf(KEY_BEGIN, at + 1)) {
    if (at < from || !text.slice(at, at + 64).includes(KEY)) continue
    const end = text.indexOf(KEY_END, at)
    const close = end === -1 ? -1 : text.indexOf('-----', end + KEY_END.length)
    shown += text.slice(from, at) + censor
    from = close === -1 ? text.length : close + 5
  }
  return shown + text.slice(from)
}
