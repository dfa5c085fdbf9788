/**
 * kit's logger in the place of Fastify's: `request.log` with all that Fastify's type promises. Lines that Fastify
 * itself writes stay with the logger that the application gave it; through `request.log` that is only one.
 */

import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { Observation } from '@kit/http'

type Logger = Observation['log']
type Line = Parameters<Logger['info']>
type Child = Parameters<FastifyBaseLogger['child']>

/** A logger of one request, or a child of it. */
export class RequestLog implements FastifyBaseLogger {
  readonly #log: Logger
  readonly #request: FastifyRequest | undefined
  readonly #own: FastifyBaseLogger | undefined

  /** Of `request`, whose `log` is still Fastify's own; of a child, without it. */
  constructor(log: Logger, request?: FastifyRequest) {
    this.#log = log
    this.#request = request
    this.#own = request?.log
  }

  /** The live level of kit's logger: a word. */
  get level(): string {
    return this.#log.pino.level
  }

  /** Has no effect: levels are changed for a name, in `log.levels`, and not for one request. */
  set level(_level: string) {}

  trace(...args: unknown[]): void {
    this.#log.trace(...(args as Line))
  }

  debug(...args: unknown[]): void {
    this.#log.debug(...(args as Line))
  }

  info(...args: unknown[]): void {
    if (this.#isOfFastify(args)) this.#own?.info(args[0])
    else this.#log.info(...(args as Line))
  }

  warn(...args: unknown[]): void {
    this.#log.warn(...(args as Line))
  }

  error(...args: unknown[]): void {
    this.#log.error(...(args as Line))
  }

  fatal(...args: unknown[]): void {
    this.#log.fatal(...(args as Line))
  }

  silent(): void {}

  /** With options, such as serializers or a level of its own, a child is one of pino's over kit's logger. */
  child(bindings: Child[0], options?: Child[1]): FastifyBaseLogger {
    if (options !== undefined && Object.keys(options).length > 0)
      return this.#log.pino.child(bindings, options)
    return new RequestLog(this.#log.child(bindings))
  }

  /**
   * True for what Fastify's own handler of unmatched requests says: kit's line of the request says it too, but for
   * the query, which belongs in no log that did not ask for it.
   */
  #isOfFastify(args: unknown[]): args is [string] {
    const [text] = args
    if (args.length !== 1 || typeof text !== 'string' || !text.startsWith('Route ')) return false
    const raw = this.#request?.raw
    return raw !== undefined && text === `Route ${raw.method}:${raw.url} not found`
  }
}
