/** Health for orchestrators: named checks, each under a deadline of its own, answered as one status. */

import type { Context } from '@kit/context'
import { background, clock, race } from '@kit/context'
import { HttpError } from './errors.ts'
import type { FetchHandler } from './bridge.ts'
import { ownAnswer } from './plain-answer.ts'

/** Resolves when the part it looks at is well, throws when it is not. It is to give up when `ctx` ends. */
export type HealthCheck = (ctx: Context) => unknown

/** Checks by the names they are reported under. */
export type HealthChecks = Readonly<Record<string, HealthCheck>>

/** Options of {@link healthEndpoint}. */
export interface HealthOptions {
  /** How long one check may take, ms. Default: 1,000. */
  timeoutMs?: number
  /** How long an answer serves those who ask after it, ms. Default: 1,000; 0 checks anew, once for all who ask at a time. */
  maxAgeMs?: number
}

/**
 * Answers 200 when every check resolves in time, else 503, with one entry a check:
 * `{"status":"ok","checks":{"database":{"status":"ok","durationMs":3}}}`. Without checks it answers 200: the
 * process is alive. What a check threw is not shown: the endpoint may be public.
 *
 * However many ask, and however often, each check runs once at a time and at most once in `maxAgeMs`. One that goes on
 * after its deadline is not started again before it has ended; until then it is reported as `timeout` at once.
 *
 * @throws HttpError `KIT_HTTP_OPTION_INVALID` for a timeout that is not above 0, or an age below 0.
 */
export function healthEndpoint(checks: HealthChecks = {}, options: HealthOptions = {}): FetchHandler {
  const { timeoutMs = 1000, maxAgeMs = 1000 } = options
  if (!(timeoutMs > 0)) {
    throw new HttpError('KIT_HTTP_OPTION_INVALID', 'healthEndpoint: timeoutMs must be above 0.')
  }
  if (!(maxAgeMs >= 0)) {
    throw new HttpError('KIT_HTTP_OPTION_INVALID', 'healthEndpoint: maxAgeMs must be 0 or more.')
  }
  const probes = Object.entries(checks).map(([name, check]) => [name, new Probe(check, timeoutMs)] as const)
  const look = shared(maxAgeMs, async () => {
    const results = await Promise.all(
      probes.map(async ([name, probe]) => [name, await probe.look()] as const),
    )
    const ok = results.every(([, result]) => result.status === 'ok')
    return { status: ok ? 'ok' : 'failed', checks: Object.fromEntries(results) }
  })
  return async () => healthAnswer(await look())
}

/** What the checks came to, as it is sent: 200 for `ok`, else 503; never cached. */
export function healthAnswer(health: { status: string; checks: object }): Response {
  const status = health.status === 'ok' ? 200 : 503
  return Response.json(health, { status, headers: ownAnswer })
}

interface Result {
  readonly status: 'ok' | 'failed' | 'timeout'
  readonly durationMs: number
}

/** One check, which runs once at a time. */
class Probe {
  readonly #check: HealthCheck
  readonly #timeoutMs: number
  #startMs: number
  #running: boolean

  constructor(check: HealthCheck, timeoutMs: number) {
    this.#check = check
    this.#timeoutMs = timeoutMs
    this.#startMs = 0
    this.#running = false
  }

  async look(): Promise<Result> {
    if (this.#running) return this.#result('timeout')
    this.#startMs = clock.now()
    const ctx = background.withTimeout(this.#timeoutMs, 'the health check')
    try {
      await race(ctx, this.#run(ctx))
      return this.#result('ok')
    } catch {
      return this.#result(ctx.err === undefined ? 'failed' : 'timeout')
    } finally {
      ctx.cancel('checked')
    }
  }

  async #run(ctx: Context): Promise<void> {
    this.#running = true
    try {
      await this.#check(ctx)
    } finally {
      this.#running = false
    }
  }

  #result(status: Result['status']): Result {
    return { status, durationMs: Math.round(clock.now() - this.#startMs) }
  }
}

/** Calls `fn` once for all who ask while it runs, and for `maxAgeMs` after that. */
function shared<T>(maxAgeMs: number, fn: () => Promise<T>): () => Promise<T> {
  let latest: Promise<T> | undefined
  let staleMs = Infinity
  return () => {
    if (latest !== undefined && clock.now() < staleMs) return latest
    staleMs = Infinity
    latest = fn().finally(() => {
      staleMs = clock.now() + maxAgeMs
    })
    return latest
  }
}
