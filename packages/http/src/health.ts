/** Health for orchestrators: named checks, each under a deadline of its own, answered as one status. */

import type { Context } from '@kit/context'
import { background, clock, race } from '@kit/context'
import { HttpError } from './errors.ts'
import type { FetchHandler } from './bridge.ts'

/** Resolves when the part it looks at is well, throws when it is not. It is to give up when `ctx` ends. */
export type HealthCheck = (ctx: Context) => unknown

/** Checks by the names they are reported under. */
export type HealthChecks = Readonly<Record<string, HealthCheck>>

/** Options of {@link healthEndpoint}. */
export interface HealthOptions {
  /** How long one check may take, ms. Default: 1,000. */
  timeoutMs?: number
}

/**
 * Answers 200 when every check resolves in time, else 503, with one entry a check:
 * `{"status":"ok","checks":{"database":{"status":"ok","durationMs":3}}}`. Without checks it answers 200: the
 * process is alive. What a check threw is not shown: the endpoint may be public.
 *
 * @throws HttpError `KIT_HTTP_OPTION_INVALID` for a timeout that is not above 0.
 */
export function healthEndpoint(checks: HealthChecks = {}, options: HealthOptions = {}): FetchHandler {
  const { timeoutMs = 1000 } = options
  if (!(timeoutMs > 0)) {
    throw new HttpError('KIT_HTTP_OPTION_INVALID', 'healthEndpoint: timeoutMs must be above 0.')
  }
  return async () => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await probe(check, timeoutMs)] as const),
    )
    const ok = results.every(([, result]) => result.status === 'ok')
    const body = { status: ok ? 'ok' : 'failed', checks: Object.fromEntries(results) }
    return Response.json(body, { status: ok ? 200 : 503, headers: { 'cache-control': 'no-store' } })
  }
}

async function probe(
  check: HealthCheck,
  timeoutMs: number,
): Promise<{ status: 'ok' | 'failed' | 'timeout'; durationMs: number }> {
  const startMs = clock.now()
  const ctx = background.withTimeout(timeoutMs, 'the health check')
  const since = (): number => Math.round(clock.now() - startMs)
  try {
    await race(ctx, (async () => check(ctx))())
    return { status: 'ok', durationMs: since() }
  } catch {
    return { status: ctx.err === undefined ? 'failed' : 'timeout', durationMs: since() }
  } finally {
    ctx.cancel('checked')
  }
}
