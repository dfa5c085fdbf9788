/** One call of an observed client: its context, and its measurement until the last byte of its response body. */

import type { CancelContext } from '@kit/context'
import { clock, current } from '@kit/context'
import type { Histogram } from '@kit/metrics'
import { errorTypeOf } from '@kit/observe'

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
  readonly #signal: AbortSignal | null | undefined
  readonly #startMs: number
  #address: string
  #port: string
  #headMs: number
  #status: string
  #settled: boolean
  #stopWatching: () => unknown

  /** `method` is a label: bounded. */
  constructor(duration: Histogram<ClientLabel>, method: string, url: URL, signal?: AbortSignal | null) {
    const parent = current()
    this.ctx = signal ? parent.withSignal(signal) : parent.withCancel()
    this.#duration = duration
    this.#method = method
    this.#signal = signal
    this.#startMs = clock.now()
    this.#address = url.hostname
    this.#port = url.port || (url.protocol === 'https:' ? '443' : '80')
    this.#headMs = 0
    this.#status = ''
    this.#settled = false
    this.#stopWatching = () => false
  }

  /** The call goes to another address than its URL says: the path of a socket, say. */
  reaches(address: string, port: string): void {
    this.#address = address
    this.#port = port
  }

  /** The head of the response is there; the last one counts. */
  head(status: number): void {
    this.#headMs = clock.now()
    this.#status = String(status)
  }

  /** Calls `fn` when the context ends before the call does. */
  whenContextEnds(fn: (error: Error) => void): void {
    this.#stopWatching = this.ctx.afterFunc(fn)
  }

  /** The last byte is there, or the reader wants no more: what is no error beyond the status. */
  finish(): void {
    this.#settle(failing(this.#status), clock.now())
  }

  /** Nobody can read the body any more: the call is timed to its head. */
  drop(): void {
    this.#settle(failing(this.#status), this.#headMs)
  }

  /** Ends the call for `error`, and returns what its caller is to be told. Being cancelled is no error. */
  fail(error: unknown): unknown {
    this.#settle(errorTypeOf(error) || failing(this.#status), clock.now())
    return this.#forCaller(error)
  }

  #settle(errorType: string, endMs: number): void {
    if (this.#settled) return
    this.#settled = true
    this.#stopWatching()
    const labels = {
      'http.request.method': this.#method,
      'server.address': this.#address,
      'server.port': this.#port,
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
