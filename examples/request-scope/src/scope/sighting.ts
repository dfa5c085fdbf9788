/** What can be seen of a request's scope from some place in the code. */

import type { Context } from '@kit/context'
import { clientAddressKey, requestIdKey, traceKey } from '@kit/http'
import { authTokenOf } from './auth-token.ts'
import { localeOf } from './locale.ts'

/** The values of a scope as text, as a log line would have them; `-` for what is not there. */
export interface Sighting {
  readonly requestId: string
  readonly address: string
  readonly traceId: string
  readonly token: string
  readonly locale: string
}

/** Looks at every value, through the key or the accessor of the package that owns it. */
export function look(ctx: Context): Sighting {
  return {
    requestId: ctx.value(requestIdKey) ?? '-',
    address: ctx.value(clientAddressKey) ?? '-',
    traceId: ctx.value(traceKey)?.traceId ?? '-',
    token: String(authTokenOf(ctx) ?? '-'),
    locale: localeOf(ctx),
  }
}
