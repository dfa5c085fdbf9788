/**
 * The application's own part of a request's scope: reads the headers once, at the edge. What is further down takes a
 * context and has never heard of headers.
 */

import type { IncomingHttpHeaders } from 'node:http'
import type { Context } from '@kit/context'
import { bearerToken, withAuthToken } from './auth-token.ts'
import { firstLanguage, withLocale } from './locale.ts'

/** Adds to the context of a request what its headers say. What they do not say keeps its default. */
export function requestScope(ctx: Context, headers: IncomingHttpHeaders): Context {
  const token = bearerToken(headers.authorization)
  const locale = firstLanguage(headers['accept-language'])
  let scope = ctx
  if (token !== undefined) scope = withAuthToken(scope, token)
  if (locale !== undefined) scope = withLocale(scope, locale)
  return scope
}
