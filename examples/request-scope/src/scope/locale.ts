/** The language of a request: a value with a default, so that nobody who reads it has to think of its absence. */

import type { Context, Key } from '@kit/context'
import { createKey } from '@kit/context'

const localeKey: Key<string> = createKey('locale', 'en')

/** A context in that language. */
export function withLocale(ctx: Context, locale: string): Context {
  return ctx.withValue(localeKey, locale)
}

/** The language of the request that the context belongs to; `en` if it named none. */
export function localeOf(ctx: Context): string {
  return ctx.value(localeKey)
}

/** The first language of an `accept-language` header, in its canonical spelling; undefined if that is none. */
export function firstLanguage(header: string | undefined): string | undefined {
  const [first = ''] = (header ?? '').split(/[,;]/, 1)
  try {
    return Intl.getCanonicalLocales(first.trim())[0]
  } catch {
    return undefined // it was written by a stranger
  }
}
