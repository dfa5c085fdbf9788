/** What an error means to the client, whichever framework answers it. */

import { isCanceled, isDeadlineExceeded } from '@kit/context'

/** An answer to a request that failed. */
export interface ErrorAnswer {
  readonly status: number
  readonly body: { readonly error: string }
}

/** 503 for what took too long, the error's own status if it has one, else 500. */
export function answerTo(error: unknown): ErrorAnswer {
  const own = (error as { status?: unknown } | undefined)?.status
  if (isDeadlineExceeded(error) || isCanceled(error) || own === 504) {
    return { status: 503, body: { error: 'This took too long.' } }
  }
  const status = typeof own === 'number' && own >= 400 && own < 600 ? own : 500
  return { status, body: { error: status === 503 ? 'This took too long.' : 'This did not work.' } }
}
