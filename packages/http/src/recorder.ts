/**
 * The option `recorder`: the lines of a request that the levels refuse are kept while it runs, and written if it fails
 * or takes long. What keeps them is the flight recorder of `@kit/log`.
 */

import type { Context } from '@kit/context'
import { background } from '@kit/context'
import type { LineLevel, Logger, Recording } from '@kit/log'
import { HttpError } from './errors.ts'
import type { Exchange } from './exchange.ts'

/** What is kept of each request, and when it is written. */
export interface RecorderOptions {
  /** Lines of this level and above are kept, as far as they are not written anyway. Default `debug`. */
  level?: LineLevel
  /** Lines that are kept of a request; for one more the oldest falls out. Default 200. */
  maxLines?: number
  /** Characters that are kept of a request, 64 for each line besides its own. Default 65,536. */
  maxCharacters?: number
  /** Requests that take longer, in ms, are written though they succeed. Default: none are. */
  slowMs?: number
  /** Which requests are recorded; asked when one arrives. Default: all that are not skipped. */
  when?(exchange: Exchange): boolean
}

/** {@link RecorderOptions}, complete. */
export interface RequestRecorder {
  readonly slowMs: number
  /** Begins to record what is logged under a context; undefined where this request is not to be recorded. */
  begin(exchange: Exchange, ctx: Context): Recording | undefined
}

/**
 * Checks and completes the option, whose names are checked already.
 *
 * @throws HttpError `KIT_HTTP_OPTION_INVALID`.
 */
export function resolveRecorder(options: RecorderOptions, log: Logger): RequestRecorder {
  const { level, maxLines, maxCharacters, slowMs = Infinity } = options
  if (typeof slowMs !== 'number' || !(slowMs >= 0)) {
    throw new HttpError('KIT_HTTP_OPTION_INVALID', 'recorder.slowMs must be a number of milliseconds.')
  }
  if (options.when !== undefined && typeof options.when !== 'function') {
    throw new HttpError('KIT_HTTP_OPTION_INVALID', 'recorder.when must be a function of the exchange.')
  }
  const kept = { level, maxLines, maxCharacters }
  try {
    // The log knows best what it takes.
    log.record(background, kept).discard()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new HttpError('KIT_HTTP_OPTION_INVALID', `recorder: ${why}`, error)
  }
  return {
    slowMs,
    begin: (exchange, ctx) => ((options.when?.(exchange) ?? true) ? log.record(ctx, kept) : undefined),
  }
}
