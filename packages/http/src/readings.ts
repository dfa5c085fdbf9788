/** The endpoints that show what a sink or a level tree has to say. */

import type { LevelTree } from '@kit/log'
import { levelHandler } from '@kit/log'
import type { FetchHandler } from './bridge.ts'
import { ownAnswer, plainAnswer } from './plain-answer.ts'

/** Serves a sink that can be read over HTTP (`prometheus()`, `memory()`): GET and HEAD, never cached. */
export function metricsEndpoint(sink: { handler: FetchHandler }): FetchHandler {
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return plainAnswer(405, 'Method Not Allowed\n', { allow: 'GET, HEAD' })
    }
    const response = await sink.handler(request)
    for (const [name, value] of Object.entries(ownAnswer)) response.headers.set(name, value)
    return response
  }
}

/**
 * Serves the log levels, to be read and changed while the process runs; see `levelHandler` of `@kit/log`.
 *
 * @throws LogError when `authorize` is missing.
 */
export function levelEndpoint(levels: LevelTree, options: Parameters<typeof levelHandler>[1]): FetchHandler {
  return levelHandler(levels, options)
}
