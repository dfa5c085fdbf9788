/** The head of a request on one of Node's own servers, as it arrived. */

import type { Exchange } from './exchange.ts'
import type { NodeRequest } from './node.ts'

/** What Node's requests tell, HTTP/1 or HTTP/2. Nothing is read before it is asked for. */
export class NodeHead implements Exchange {
  readonly #req: NodeRequest

  constructor(req: NodeRequest) {
    this.#req = req
  }

  get method(): string {
    return this.#req.method ?? 'GET'
  }

  get target(): string {
    // Frameworks rewrite url under a mount; what they keep aside is what the client sent.
    return (this.#req as { originalUrl?: string }).originalUrl ?? this.#req.url ?? '/'
  }

  get scheme(): 'http' | 'https' {
    return (this.#req.socket as { encrypted?: boolean } | undefined)?.encrypted === true ? 'https' : 'http'
  }

  get protocolVersion(): string {
    return this.#req.httpVersion
  }

  get peerAddress(): string | undefined {
    const address = this.#req.socket?.remoteAddress
    return address?.startsWith('::ffff:') === true ? address.slice(7) : address
  }

  header(name: string): string | undefined {
    const value = this.#req.headers[name]
    return Array.isArray(value) ? value.join(', ') : value
  }
}
