/** One call of an observed `fetch`: its context, and its measurement until the last byte of its body. */

import type { CancelContext } from '@kit/context'
import { clock, current, isCanceled, isDeadlineExceeded } from '@kit/context'
import { followBody } from '@kit/context/node'
import type { Histogram } from '@kit/metrics'

/** The labels of `http.client.request.duration`. */
export type ClientLabel =
  | 'http.request.method'
  | 'server.address'
  | 'server.port'
  | 'http.response.status_code'
  | 'error.type'

/** A call under way. Its context is a child of the ambient one and ends, at the latest, with the call. */
export class Call {
  readonly ctx: CancelContext
  readonly #duration: Histogram<ClientLabel>
  readonly #method: string
  readonly #url: URL
  readonly #signal: AbortSignal | null | undefined
  readonly #startMs: number
  #headMs: number
  #status: string
  #settled: boolean
  #stopWatching: () => unknown

  constructor(
    duration: Histogram<ClientLabel>,
    method: string,
    url: URL,
    signal: AbortSignal | null | undefined,
  ) {
    const parent = current()
    this.ctx = signal ? parent.withSignal(signal) : parent.withCancel()
    this.#duration = duration
    this.#method = method
    this.#url = url
    this.#signal = signal
    this.#startMs = clock.now()
    this.#headMs = 0
    this.#status = ''
    this.#settled = false
    this.#stopWatching = () => false
  }

  /** Ends the call for `error`, and returns what its caller is to be told. */
  fail(error: unknown): unknown {
    this.#settle(errorTypeOf(error), clock.now())
    return this.#forCaller(error)
  }

  /** Returns the response with a body that reports its end, or the response itself when it has none. */
  follow(response: Response): Response {
    this.#headMs = clock.now()
    this.#status = String(response.status)
    this.#stopWatching = this.ctx.afterFunc((error) =>
      this.#settle(errorTypeOf(error) || failing(this.#status), clock.now()),
    )
    return followBody(response, {
      ended: () => this.#finish(),
      failed: (error) => this.fail(error),
      dropped: () => this.#settle(failing(this.#status), this.#headMs),
    })
  }

  #finish(): void {
    this.#settle(failing(this.#status), clock.now())
  }

  #settle(errorType: string, endMs: number): void {
    if (this.#settled) return
    this.#settled = true
    this.#stopWatching()
    const labels = {
      'http.request.method': this.#method,
      'server.address': this.#url.hostname,
      'server.port': this.#url.port || (this.#url.protocol === 'https:' ? '443' : '80'),
      'http.response.status_code': this.#status,
      'error.type': errorType,
    }
    this.#duration.observe(labels, (endMs - this.#startMs) / 1000)
    this.ctx.cancel('the call is over')
  }

  /** A caller that aborted with a reason of its own is given that reason back, as fetch does. */
  #forCaller(error: unknown): unknown {
    const aborted = this.#signal?.aborted === true && error === this.ctx.err
    return aborted && this.ctx.cause === this.#signal?.reason ? this.#signal?.reason : error
  }
}

/** A 4xx or 5xx answer is an error of the call, by the conventions for clients. */
function failing(status: string): string {
  return Number(status) >= 400 ? status : ''
}

/** A bounded name for a failure: Node's system codes (`ECONNREFUSED`), else the error's class. */
function errorTypeOf(error: unknown): string {
  if (isDeadlineExceeded(error)) return 'deadline_exceeded'
  if (isCanceled(error)) return ''
  const cause = (error as { cause?: { code?: unknown } } | undefined)?.cause
  if (typeof cause?.code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(cause.code)) return cause.code
  return error instanceof Error && /^\w{1,40}$/.test(error.name) ? error.name : '_OTHER'
}
