/** The handlers of undici's dispatchers, in the spelling of version 6 and in that of later ones, followed by a call. */

import type { Call } from './client-call.ts'

/** What a handler of a later version is given to steer its request with. */
export interface DispatchController {
  readonly aborted: boolean
  readonly reason: unknown
  readonly paused: boolean
  abort(reason: Error): void
  pause(): void
  resume(): void
}

/** A handler of either version; undici decides which methods it needs. */
export interface DispatchHandler {
  onRequestStart?(controller: DispatchController, context: unknown): void
  onRequestUpgrade?(controller: DispatchController, status: number, headers: unknown, socket: unknown): void
  onResponseStart?(controller: DispatchController, status: number, headers: unknown, message?: string): void
  onResponseData?(controller: DispatchController, chunk: unknown): void
  onResponseEnd?(controller: DispatchController, trailers: unknown): void
  onResponseError?(controller: DispatchController, error: Error): void
  onConnect?(abort: (reason?: Error) => void, context?: unknown): void
  onUpgrade?(status: number, headers: unknown, socket: unknown): void
  onResponseStarted?(): void
  onHeaders?(status: number, headers: unknown, resume: () => void, message: string): boolean
  onData?(chunk: unknown): boolean
  onComplete?(trailers: unknown): void
  onError?(error: Error): void
  onBodySent?(chunk: unknown, total: unknown): void
  onRequestSent?(): void
}

/** In place of the controller of a request that was never started. */
export class AbortedController implements DispatchController {
  readonly aborted = true
  readonly paused = false
  readonly reason: Error

  constructor(reason: Error) {
    this.reason = reason
  }

  abort(): void {}
  pause(): void {}
  resume(): void {}
}

/**
 * Ends a request with its context: by `abort` once it has been started, else by telling its handler at once. What
 * undici says of the request afterwards is not passed on.
 */
class Ending {
  readonly #call: Call
  #abort: ((reason: Error) => void) | undefined
  #over: Error | undefined

  constructor(call: Call, tell: (error: Error) => void) {
    this.#call = call
    call.whenContextEnds((error) => {
      if (this.#abort !== undefined) return this.#abort(error)
      this.#over = error
      call.fail(error)
      tell(error)
    })
  }

  get isOver(): boolean {
    return this.#over !== undefined
  }

  /** True when the request is to go on. */
  started(abort: (reason: Error) => void): boolean {
    this.#abort = abort
    if (this.#over === undefined) return true
    abort(this.#over)
    return false
  }

  failed(error: Error): void {
    this.#call.fail(error)
  }
}

/** Follows a handler of undici 7 and later. */
export function followModern(call: Call, inner: DispatchHandler): DispatchHandler {
  const ending = new Ending(call, (error) => inner.onResponseError?.(new AbortedController(error), error))
  return {
    onRequestStart(controller, context) {
      if (ending.started((reason) => controller.abort(reason))) inner.onRequestStart?.(controller, context)
    },
    onRequestUpgrade(controller, status, headers, socket) {
      call.head(status)
      call.finish()
      inner.onRequestUpgrade?.(controller, status, headers, socket)
    },
    onResponseStarted: () => inner.onResponseStarted?.(),
    onResponseStart(controller, status, headers, message) {
      call.head(status)
      inner.onResponseStart?.(controller, status, headers, message)
    },
    onResponseData: (controller, chunk) => inner.onResponseData?.(controller, chunk),
    onResponseEnd(controller, trailers) {
      call.finish()
      inner.onResponseEnd?.(controller, trailers)
    },
    onResponseError(controller, error) {
      if (ending.isOver) return
      ending.failed(error)
      inner.onResponseError?.(controller, error)
    },
  }
}

/** Follows a handler of undici 6. */
export function followOlder(call: Call, inner: DispatchHandler): DispatchHandler {
  const ending = new Ending(call, (error) => inner.onError?.(error))
  return {
    onConnect(abort, context) {
      if (ending.started(abort)) inner.onConnect?.(abort, context)
    },
    onUpgrade(status, headers, socket) {
      call.head(status)
      call.finish()
      inner.onUpgrade?.(status, headers, socket)
    },
    onResponseStarted: () => inner.onResponseStarted?.(),
    onHeaders(status, headers, resume, message) {
      call.head(status)
      return inner.onHeaders?.(status, headers, resume, message) ?? true
    },
    onData: (chunk) => inner.onData?.(chunk) ?? true,
    onComplete(trailers) {
      call.finish()
      inner.onComplete?.(trailers)
    },
    onError(error) {
      if (ending.isOver) return
      ending.failed(error)
      inner.onError?.(error)
    },
    onBodySent: (chunk, total) => inner.onBodySent?.(chunk, total),
    onRequestSent: () => inner.onRequestSent?.(),
  }
}
