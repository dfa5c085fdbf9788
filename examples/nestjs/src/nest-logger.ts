/** kit's logger for Nest: what Nest and its filters say has the level, the format and the request id of every other line. */

import type { LoggerService } from '@nestjs/common'
import type { Logger } from '@kit/log'

/** A logger for `NestFactory.create(…, { logger: nestLogger(log) })`. */
export function nestLogger(log: Logger): LoggerService {
  const nest = log.named('nest')
  /** Nest calls with a message, perhaps a stack, and the name of who speaks as the last argument. */
  const line =
    (level: 'debug' | 'error' | 'fatal' | 'info' | 'trace' | 'warn') =>
    (message: unknown, ...more: unknown[]): void => {
      const fields = { context: more.at(-1) }
      if (message instanceof Error) nest[level]({ ...fields, err: message }, message.message)
      else nest[level](fields, String(message))
    }
  return {
    log: line('info'),
    error: line('error'),
    warn: line('warn'),
    debug: line('debug'),
    verbose: line('trace'),
    fatal: line('fatal'),
  }
}
