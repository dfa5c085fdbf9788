/**
 * What a request came to, decided once, after its response has closed: the words for logs and the attribute
 * values of OpenTelemetry's HTTP conventions (https://opentelemetry.io/docs/specs/semconv/http/).
 */

import type { Context } from '@kit/context'
import { isDeadlineExceeded } from '@kit/context'
import type { Outcome } from '@kit/observe'
import type { End } from './exchange.ts'

/** The result of one exchange, as it is counted and logged. */
export interface Verdict {
  readonly outcome: Outcome
  /** `error.type`: empty unless the exchange failed or was given up. */
  readonly errorType: string
  /** `http.response.status_code`: empty when no response head was sent. */
  readonly status: string
  /** Whether the context's deadline had passed by the end, whatever was answered. */
  readonly late: boolean
}

/**
 * - The client left before the response was complete: `canceled`, `client_abort`; or `deadline`, when it was
 *   given up because its deadline had passed.
 * - The service broke the response off, or had failed before the client left: `error`, `server_abort`.
 * - A server error: `error`, with the status as its type; or `deadline` when the deadline had passed.
 * - Everything else is `ok`: a 4xx is the client's mistake, and a late success is still a success.
 */
export function judge(ctx: Context, end: End, failed: boolean): Verdict {
  const { err } = ctx
  const late = err !== undefined && isDeadlineExceeded(err)
  const status = end.status === undefined ? '' : String(end.status)
  if (end.kind !== 'finished') {
    if (late) return { outcome: 'deadline', errorType: 'deadline_exceeded', status, late }
    return failed || end.kind === 'cut'
      ? { outcome: 'error', errorType: 'server_abort', status, late }
      : { outcome: 'canceled', errorType: 'client_abort', status, late }
  }
  if (end.status === undefined || end.status < 500) return { outcome: 'ok', errorType: '', status, late }
  return late
    ? { outcome: 'deadline', errorType: 'deadline_exceeded', status, late }
    : { outcome: 'error', errorType: status, status, late }
}
