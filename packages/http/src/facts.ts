/** What rules for single requests can know of a request: its headers, its baggage and its route. */

import type { RequestFacts } from '@kit/log'
import type { Exchange } from './exchange.ts'

/** An observation, which knows the route once there is one. */
interface Routed {
  /** The template of the route as far as it is known, else ''. */
  template(): string
}

/** What overrides of the log's levels may ask about a request; nothing of it is read until one does. */
export class ExchangeFacts implements RequestFacts {
  readonly #exchange: Exchange
  readonly #observation: Routed

  constructor(exchange: Exchange, observation: Routed) {
    this.#exchange = exchange
    this.#observation = observation
  }

  header(name: string): string | undefined {
    return this.#exchange.header(name)
  }

  get route(): string | undefined {
    const template = this.#observation.template()
    return template === '' ? undefined : template
  }
}
