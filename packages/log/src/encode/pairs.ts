// Names and values that stand beside each other instead of as keys: `{ name: 'authorization', value: … }` as in HAR files and
// manifests, `[['authorization', …]]` as of `Object.entries`, `['Authorization', …, 'Host', …]` as the raw headers of node.

import type { Redactor } from '../redact.ts'

/** The keys of a value, with those that its name may stand at. */
const NAME_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['value', ['name', 'key', 'header']],
  ['Value', ['Name', 'Key']],
])
/** UTF-16 units of a name. */
const MAX_NAME = 64

/** The keys at which the name of `key`'s value may stand; undefined for most keys. */
export function nameKeysOf(key: string): readonly string[] | undefined {
  return NAME_KEYS.get(key)
}

/** Whether one of these keys holds the name of a secret. Calls no getter; may throw on a hostile proxy. */
export function isNamedSecret(source: object, nameKeys: readonly string[], redactor: Redactor): boolean {
  return nameKeys.some((key) => {
    const name: unknown = Object.getOwnPropertyDescriptor(source, key)?.value
    return typeof name === 'string' && name.length <= MAX_NAME && redactor.isSecretKey(name)
  })
}

/**
 * Whether an item at an even place names the item behind it, which is secret. In a list of pairs any name does; in a flat
 * list it must look like that of a header, since `['password', 'email']` is a list of names.
 */
export function namesSecret(item: unknown, isPair: boolean, redactor: Redactor): boolean {
  return (
    typeof item === 'string' &&
    item.length <= MAX_NAME &&
    (isPair || isHeaderLike(item)) &&
    redactor.isSecretKey(item)
  )
}

function isHeaderLike(name: string): boolean {
  const first = name.charCodeAt(0)
  if (first >= 65 && first <= 90) return true
  return name.includes('-') || name === 'authorization' || name === 'cookie'
}
